/* digest.c - SHA-256 by OpenSSL. */
#include "digest.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "rop/mem.h"

struct digest {
	EVP_MD_CTX *context;
};

struct digest *digest_new(void)
{
	struct digest *digest = rop_malloc(sizeof *digest);
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
		abort(); /* no SHA-256 in OpenSSL 3: nothing could be proven */
	return digest;
}

void digest_add(struct digest *digest, const void *bytes, size_t n)
{
	EVP_DigestUpdate(digest->context, bytes, n);
}

void digest_end(struct digest *digest, char *ret_hex)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_DigestFinal_ex(digest->context, raw, &n);
	for (unsigned i = 0; i < n; i++)
		sprintf(ret_hex + (size_t)2 * i, "%02x", raw[i]);
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}
