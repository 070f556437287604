/* test_config.c - topology files: good ones and what they mean, bad ones and what is said about them, secrets. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/config/address.h"
#include "../../src/config/schema.h"
#include "rop/text.h"
#include "rop/topology.h"

#define TOPOLOGIES TOP_SRCDIR "/tests/topologies/"

static struct rop_arena *arena;
static struct rop_diags diags;
static char folder[256];

static void setup(void)
{
	arena = rop_arena_new();
	rop_diags_init(&diags, arena);
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/rop-config-XXXXXX", tmp ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			unlink(rop_printf(arena, "%s/%s", folder, e->d_name));
	if (dir)
		closedir(dir);
	rmdir(folder);
	rop_arena_free(arena);
}

TestSuite(config, .init = setup, .fini = teardown);

static const char *in_folder(const char *name)
{
	return rop_printf(arena, "%s/%s", folder, name);
}

static const char *write_file(const char *name, const char *bytes, size_t n, mode_t mode)
{
	const char *path = in_folder(name);
	unlink(path);
	FILE *f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
	cr_assert_eq(chmod(path, mode), 0);
	return path;
}

static struct rop_topology *load(const char *path)
{
	struct rop_topology *topology = NULL;
	rop_diags_init(&diags, arena);
	bool ok = rop_topology_load(arena, path, &diags, &topology);
	cr_assert_eq(ok, diags.errors == 0);
	cr_assert_eq(ok, topology != NULL);
	return topology;
}

static struct rop_topology *load_text(const char *text)
{
	return load(write_file("t.yaml", text, strlen(text), 0644));
}

static const char *first_error(void)
{
	static struct rop_err err;
	cr_assert_not(rop_diags_fail(&diags, &err));
	cr_assert_eq(err.code, ROP_INVALID);
	return err.text;
}

/* "# expect: ..." in the first line. */
static const char *expectation(const char *path)
{
	static const char PREFIX[] = "# expect: ";
	static char line[1024];
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f);
	cr_assert_not_null(fgets(line, sizeof line, f));
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	cr_assert_eq(strncmp(line, PREFIX, strlen(PREFIX)), 0, "%s does not say what to expect", path);
	cr_assert_gt(strlen(line), strlen(PREFIX) + 5);
	return line + strlen(PREFIX);
}

static size_t each_file(const char *in, void (*check)(const char *path))
{
	size_t n = 0;
	DIR *dir = opendir(in);
	cr_assert_not_null(dir, "%s", in);
	for (struct dirent *e; (e = readdir(dir));) {
		if (!strstr(e->d_name, ".yaml"))
			continue;
		check(rop_printf(arena, "%s/%s", in, e->d_name));
		n++;
	}
	closedir(dir);
	return n;
}

static void must_be_good(const char *path)
{
	struct rop_topology *t = load(path);
	cr_assert_not_null(t, "%s", first_error());
	cr_assert_eq(strlen(t->digest), 16);
}

/* Columns: of characters that are more than a byte the first one counts. What has no blank is not broken. */
static void expect_narrow(const char *text, size_t columns)
{
	for (const char *line = text; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n"), wide = 0, word = 0;
		for (size_t i = 0; i < n; i++) {
			wide += ((unsigned char)line[i] & 0xc0) != 0x80;
			word = line[i] == ' ' ? 0 : word + 1;
		}
		cr_assert(wide <= columns || word + 10 > columns, "%zu: %.*s\nof: %s", wide, (int)n, line, text);
		line += n;
	}
}

static void must_be_bad(const char *path)
{
	cr_assert_null(load(path), "%s is accepted", path);
	const char *wanted = expectation(path);
	cr_assert(strstr(first_error(), wanted), "wanted: %s\ngot:    %s", wanted, first_error());
	ROP_OWN_TEXT out = { 0 };
	rop_diags_print(&diags, &out);
	cr_assert(strstr(out.at, ": error: "), "%s", out.at);
	cr_assert_null(strstr(out.at, "hunter2"), "a secret is printed: %s", out.at);
	ROP_OWN_TEXT narrow = { 0 };
	rop_diags_print_in(&diags, 80, &narrow);
	expect_narrow(narrow.at + strcspn(narrow.at, " "), 80); /* (the path is as long as it is) */
	cr_assert(strstr(narrow.at, "error:"), "%s", narrow.at);
	cr_assert_null(strstr(narrow.at, "hunter2"), "a secret is printed: %s", narrow.at);
}

Test(config, good_files_are_accepted)
{
	cr_assert_geq(each_file(TOPOLOGIES "good", must_be_good), 12);
	cr_assert_geq(each_file(TOP_SRCDIR "/examples/topologies", must_be_good), 3);
}

Test(config, bad_files_are_refused_with_the_sentence_they_expect)
{
	cr_assert_geq(each_file(TOPOLOGIES "bad", must_be_bad), 60);
}

Test(config, every_field_arrives)
{
	struct rop_topology *t = load(TOPOLOGIES "good/full.yaml");
	cr_assert_str_eq(t->path, TOPOLOGIES "good/full.yaml");
	cr_assert_str_eq(t->name, "cart-2");
	cr_assert_eq(t->shards, 2);
	cr_assert_eq(t->replicas_per_shard, 2);
	cr_assert_eq(t->nodes.n, 6);
	cr_assert_str_eq(t->nodes.at[0].host, "10.0.0.11");
	cr_assert_str_eq(t->nodes.at[0].ip, "10.0.0.11");
	cr_assert_eq(t->nodes.at[0].port, 6379);
	cr_assert_eq(t->nodes.at[0].bus_port, 0);
	cr_assert_str_eq(t->nodes.at[0].zone, "a");
	cr_assert_eq(t->nodes.at[0].shard, 1);
	cr_assert_eq(t->nodes.at[1].bus_port, 26379);
	cr_assert_str_eq(t->nodes.at[2].host, "fd00::13");
	cr_assert_eq(t->nodes.at[2].shard, 0);
	cr_assert_str_eq(t->nodes.at[3].host, "redis-4.example.org");
	cr_assert_null(t->nodes.at[3].ip, "names are resolved elsewhere");
	cr_assert_null(t->nodes.at[4].zone);
	cr_assert_eq(t->nodes.at[4].port, 60000);
	cr_assert_null(t->discovery_dns);
	cr_assert_str_eq(t->auth_user, "operator");
	const char *real = realpath(TOPOLOGIES "good", NULL);
	cr_assert_str_eq(t->auth_password_file, rop_printf(arena, "%s/secrets/cart.password", real));
	free((void *)real);
	cr_assert_eq(t->settings.n, 6);
	cr_assert_str_eq(t->settings.at[0].name, "maxmemory");
	cr_assert_str_eq(t->settings.at[2].value, "yes", "the text as it was written");
	cr_assert_str_eq(t->settings.at[5].value, "");
	cr_assert_eq(t->interval_ms, 10000);
	cr_assert_eq(t->connect_timeout_ms, 500);
	cr_assert_eq(t->command_timeout_ms, 60000);
	cr_assert_eq(t->settle_ms, 2000);
	cr_assert(t->reform_on_total_loss);
	cr_assert(t->migration.fast);
	cr_assert_eq(t->migration.stall_ms, 20);
	cr_assert_eq(t->migration.rate, 5000);
	cr_assert(t->migration.move_large);
}

Test(config, what_is_not_said_has_its_default)
{
	struct rop_topology *t = load(TOPOLOGIES "good/minimal.yaml");
	cr_assert_eq(t->replicas_per_shard, 1);
	cr_assert_eq(t->interval_ms, 5000);
	cr_assert_eq(t->connect_timeout_ms, 2000);
	cr_assert_eq(t->command_timeout_ms, 5000);
	cr_assert_eq(t->settle_ms, 0);
	cr_assert_not(t->reform_on_total_loss);
	cr_assert_not(t->migration.fast);
	cr_assert_eq(t->migration.stall_ms, 5);
	cr_assert_eq(t->migration.rate, 0);
	cr_assert_not(t->migration.move_large);
	cr_assert_null(strstr(rop_topology_canonical(arena, t), "migration"), "older digests stay");
	cr_assert_null(t->auth_user);
	cr_assert_null(t->auth_password_file);
	cr_assert_eq(t->settings.n, 0);
	t = load(TOPOLOGIES "good/discovery.yaml");
	cr_assert_str_eq(t->discovery_dns, "redis.internal");
	cr_assert_eq(t->discovery_port, 6379);
	cr_assert_eq(t->nodes.n, 0);
}

Test(config, literal_addresses_are_normalised)
{
	struct rop_topology *t = load(TOPOLOGIES "good/ipv6.yaml");
	cr_assert_str_eq(t->nodes.at[1].host, "FD00:0:0::2", "the host stays as written");
	cr_assert_str_eq(t->nodes.at[1].ip, "fd00::2");
}

Test(config, warnings_do_not_refuse)
{
	cr_assert_not_null(load(TOPOLOGIES "good/no-replicas.yaml"));
	cr_assert_eq(diags.warnings, 2);
	cr_assert_not_null(load(TOPOLOGIES "good/mixed-loopback.yaml"));
	cr_assert_eq(diags.warnings, 2);
	cr_assert_not_null(load(TOPOLOGIES "good/extra-nodes.yaml"));
	cr_assert_eq(diags.warnings, 0);
}

#define HEAD "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: cart }\n"
#define TWO_NODES "  nodes: [ { address: Redis-1:1 }, { address: \"[fd00::1]:2\" } ]\n"

Test(config, one_letter_is_a_name)
{
	cr_assert_not_null(load_text("apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: a }\n"
				     "spec:\n  shards: 1\n" TWO_NODES));
}

Test(config, all_errors_are_said_in_one_run)
{
	cr_assert_null(load_text("kind: Rediscluster\nmetadata: { name: X, <<: 1 }\nspec:\n  shards: *a\n  replicas: "
				 "03\n"
				 "  nodes:\n  - { address: 10.0.0.1, zone: 1, zone: b }\n  - { address: 0.0.0.0:1 }\n"
				 "  settings: { bind: x, Hz: 1 }\n  onTotalLoss: no\n"));
	static const char *const MESSAGES[] = {
		"missing key 'apiVersion'",
		"'kind' must be RedisCluster",
		"'name' is not well formed",
		"merge keys are not allowed",
		"aliases are not allowed: '*a'",
		"unknown key 'replicas'",
		"the address has no port",
		"'zone' must be text, but YAML readers take this for a number",
		"duplicate key 'zone' (first at line 7, column 26)",
		"0.0.0.0 means every address of a machine and names no node",
		"'bind' is each server's own: one value cannot be right for all of them",
		"'Hz' is not the name of a Redis setting",
		"'onTotalLoss' must be Refuse or Reform",
	};
	for (size_t i = 0; i < sizeof MESSAGES / sizeof *MESSAGES; i++)
		cr_assert_str_eq(i < diags.list.n ? diags.list.at[i].message : "", MESSAGES[i]);
	cr_assert_eq(diags.errors, sizeof MESSAGES / sizeof *MESSAGES);
}

Test(config, a_digest_tells_meanings_apart_and_not_spellings)
{
	static const char *const SAME[] = {
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  settings: { hz: 10, save: \"\" }\n",
		HEAD
		"# a comment\nspec:\n  settings: { save: '', hz: \"10\" }\n  replicasPerShard: 1\n"
		"  nodes:\n  - { address: rEDIS-1:1, busPort: 10001 }\n  - address: '[FD00:0::1]:2'\n"
		"  shards: 1\n  intervals: { observe: 5000ms }\n  onTotalLoss: Refuse\n  replicaMigration: Managed\n"
		"  placement: { repair: Propose }\n"
		"  migration: { profile: gentle, stall: 5ms, rate: 0, largeKeys: Refuse }\n",
	};
	static const char *const OTHER[] = {
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  settings: { hz: 11, save: \"\" }\n",
		HEAD "spec:\n  shards: 2\n  replicasPerShard: 0\n" TWO_NODES "  settings: { hz: 10, save: \"\" }\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  settings: { hz: 10, save: \"\" }\n  onTotalLoss: Reform\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES
		     "  settings: { hz: 10, save: \"\" }\n  placement: { repair: Auto }\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  settings: { hz: 10, save: \"\" }\n  replicaMigration: Keep\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES
		     "  settings: { hz: 10, save: \"\" }\n  migration: { profile: fast }\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES
		     "  settings: { hz: 10, save: \"\" }\n  migration: { stall: 6ms }\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  settings: { hz: 10, save: \"\" }\n  migration: { rate: 1 }\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES
		     "  settings: { hz: 10, save: \"\" }\n  migration: { largeKeys: Move }\n",
	};
	struct rop_topology *first = load_text(SAME[0]), *second = load_text(SAME[1]);
	cr_assert_str_eq(rop_topology_canonical(arena, first), rop_topology_canonical(arena, second));
	cr_assert_str_eq(first->digest, second->digest);
	for (size_t i = 0; i < sizeof OTHER / sizeof *OTHER; i++)
		cr_assert_str_neq(load_text(OTHER[i])->digest, first->digest, "%zu", i);
	first->nodes.at[0].ip = "10.9.9.9";
	cr_assert_str_eq(rop_topology_canonical(arena, first), rop_topology_canonical(arena, second),
			 "what a name resolves to is no part of the declaration");
}

Test(config, only_a_regular_file_of_sane_size_is_read)
{
	const char *fifo = in_folder("fifo"), *large = in_folder("large.yaml");
	cr_assert_null(load(in_folder("gone.yaml")));
	cr_assert(strstr(first_error(), "gone.yaml: cannot read the file: No such file or directory"), "%s",
		  first_error());
	cr_assert_null(load(folder));
	cr_assert(strstr(first_error(), ": is a directory"), "%s", first_error());
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	cr_assert_null(load(fifo));
	cr_assert(strstr(first_error(), "fifo: is not a regular file"), "%s", first_error());
	cr_assert_null(load("/dev/zero"));
	cr_assert(strstr(first_error(), "/dev/zero: is not a regular file"), "%s", first_error());
	write_file("large.yaml", "", 0, 0644);
	cr_assert_eq(truncate(large, (1 << 20) + 1), 0);
	cr_assert_null(load(large));
	cr_assert(strstr(first_error(), "large.yaml: the file is larger than 1 MiB"), "%s", first_error());
	if (geteuid() != 0) {
		cr_assert_null(load(write_file("closed.yaml", "a: 1\n", 5, 0)));
		cr_assert(strstr(first_error(), "Permission denied"), "%s", first_error());
	}
}

Test(config, a_file_of_exactly_the_greatest_size_is_read)
{
	static const char GOOD[] = HEAD "spec:\n  shards: 1\n" TWO_NODES "#";
	size_t n = 1 << 20;
	char *bytes = rop_alloc(arena, n + 1);
	memset(bytes, 'x', n + 1);
	memcpy(bytes, GOOD, sizeof GOOD - 1);
	bytes[n - 1] = bytes[n] = '\n';
	cr_assert_not_null(load(write_file("full.yaml", bytes, n, 0644)));
	cr_assert_null(load(write_file("full.yaml", bytes, n + 1, 0644)));
}

/* Any byte changed, dropped or doubled: an answer, never a crash (the sanitizers watch). */
Test(config, damaged_files_do_no_harm)
{
	static char bytes[8192], damaged[8192];
	FILE *f = fopen(TOPOLOGIES "good/full.yaml", "r");
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	unsigned seed = 4711;
	for (int round = 0; round < 3000; round++) {
		ROP_OWN_ARENA own = rop_arena_new();
		ROP_OWN_TEXT out = { 0 };
		struct rop_diags found;
		struct rop_doc *doc;
		struct rop_topology *topology;
		memcpy(damaged, bytes, n);
		for (int k = 0; k < 1 + round % 3; k++) {
			seed = seed * 1103515245u + 12345u;
			damaged[(seed >> 8) % n] = "\n\t :{}[]-'\"#&*!|>%@`,?\\0x\xff"[(seed >> 24) % 27];
		}
		rop_diags_init(&found, own);
		if (rop_doc_parse(own, "t.yaml", damaged, n - (size_t)round % 7, &found, &doc))
			rop_topology_from_doc(own, doc, &found, &topology);
		rop_diags_print(&found, &out);
		cr_assert_eq(found.list.n > 0, out.n > 0);
	}
}

Test(config, a_password_file_is_read_only_when_nobody_else_could)
{
	static const struct {
		const char *bytes;
		size_t n;
		mode_t mode;
		const char *why;
	} BAD[] = {
		{ "hunter2\n", 8, 0640, "mode 0640 lets others read it" },
		{ "hunter2\n", 8, 0604, "mode 0604" },
		{ "hunter2\n", 8, 0700, "mode 0700" },
		{ "", 0, 0600, "is empty" },
		{ "\n", 1, 0600, "is empty" },
		{ "hun\0ter2", 8, 0600, "holds a NUL byte" },
	};
	struct rop_err err = { 0 };
	char *secret = NULL;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		const char *path = write_file("p", BAD[i].bytes, BAD[i].n, BAD[i].mode);
		cr_assert_not(rop_password_load(path, &secret, &err), "%zu", i);
		cr_assert_eq(err.code, ROP_INVALID);
		cr_assert(strstr(err.text, BAD[i].why) && strstr(err.text, path), "%s", err.text);
		cr_assert_null(strstr(err.text, "ter2"));
		cr_assert_null(secret);
	}
	cr_assert_not(rop_password_load(in_folder("gone"), &secret, &err));
	cr_assert(strstr(err.text, "No such file"), "%s", err.text);
	cr_assert_not(rop_password_load(folder, &secret, &err));
	cr_assert(strstr(err.text, "is not a regular file"), "%s", err.text);
	cr_assert_eq(symlink(write_file("p", "hunter2", 7, 0600), in_folder("link")), 0);
	cr_assert_not(rop_password_load(in_folder("link"), &secret, &err));
	cr_assert(strstr(err.text, "is a symbolic link"), "%s", err.text);
}

Test(config, one_newline_is_dropped_from_a_password)
{
	static char longest[514];
	memset(longest, 'x', sizeof longest);
	longest[512] = '\n';
	static const struct {
		const char *bytes;
		size_t n, left;
		mode_t mode;
	} GOOD[] = {
		{ "hunter2\n", 8, 7, 0600 },
		{ "hunter2", 7, 7, 0400 },
		{ "a\n\n", 3, 2, 0600 },
		{ longest, 513, 512, 0600 },
	};
	struct rop_err err = { 0 };
	char *secret = NULL;
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		cr_assert(rop_password_load(write_file("p", GOOD[i].bytes, GOOD[i].n, GOOD[i].mode), &secret, &err),
			  "%s", err.text);
		cr_assert_eq(strlen(secret), GOOD[i].left);
		cr_assert_eq(memcmp(secret, GOOD[i].bytes, GOOD[i].left), 0);
		rop_secret_free(secret);
	}
	rop_secret_free(NULL);
	longest[512] = 'x';
	cr_assert_not(rop_password_load(write_file("p", longest, 513, 0600), &secret, &err));
	cr_assert(strstr(err.text, "holds more than 512 bytes"), "%s", err.text);
	if (geteuid() == 0) {
		cr_assert_eq(chown(write_file("p", "x", 1, 0600), 65534, 0), 0);
		cr_assert_not(rop_password_load(in_folder("p"), &secret, &err));
		cr_assert(strstr(err.text, "belongs to user 65534"), "%s", err.text);
	}
}

/* Memory that was given back is looked at the kernel's way: what the next malloc, or a core file, would show of it. */
Test(config, a_password_that_was_freed_is_nowhere_in_its_memory)
{
	struct rop_err err = { 0 };
	char *secret = NULL, left[64];
	static const char PASSWORD[] = "correct horse battery staple, correct horse battery staple, twice";
	cr_assert(rop_password_load(write_file("p", PASSWORD, strlen(PASSWORD), 0600), &secret, &err), "%s", err.text);
	off_t place = (off_t)(uintptr_t)secret;
	int memory = open("/proc/self/mem", O_RDONLY);
	cr_assert_eq(pread(memory, left, sizeof left, place), (ssize_t)sizeof left);
	cr_assert_eq(memcmp(left, PASSWORD, sizeof left), 0, "it is where it is looked for");
	rop_secret_free(secret);
	cr_assert_eq(pread(memory, left, sizeof left, place), (ssize_t)sizeof left);
	for (size_t i = 16; i < sizeof left; i++) /* free() has its own use for the first ones */
		cr_assert(left[i] != PASSWORD[i], "byte %zu", i);
	close(memory);
}

Test(config, a_credential_is_what_systemd_put_beside_the_service)
{
	struct rop_topology t = { .name = "cart", .auth_credential = "redis.cart_1-a" };
	struct rop_err err = { 0 };
	char *secret = NULL;
	static const char *const NOWHERE[] = { NULL, "", "run/credentials" };
	for (size_t i = 0; i < sizeof NOWHERE / sizeof *NOWHERE; i++) {
		if (NOWHERE[i])
			setenv("CREDENTIALS_DIRECTORY", NOWHERE[i], 1);
		else
			unsetenv("CREDENTIALS_DIRECTORY");
		cr_assert_not(rop_topology_password(&t, &secret, &err));
		cr_assert_eq(err.code, ROP_INVALID);
		cr_assert(strstr(err.text, "this process was given no credentials") &&
				  strstr(err.text, "passwordFile") &&
				  strstr(err.text, "LoadCredential=redis.cart_1-a:"),
			  "%s", err.text);
	}
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	cr_assert_not(rop_topology_password(&t, &secret, &err));
	cr_assert_eq(err.code, ROP_INVALID);
	cr_assert(strstr(err.text, "is not among the credentials of this service") &&
			  strstr(err.text, "passwordFile") && strstr(err.text, "LoadCredential=redis.cart_1-a:"),
		  "%s", err.text);
	write_file("redis.cart_1-a", "hunter2\n", 8, 0444); /* what systemd makes of it is its own business */
	cr_assert(rop_topology_password(&t, &secret, &err), "%s", err.text);
	cr_assert_str_eq(secret, "hunter2");
	rop_secret_free(secret);
	secret = NULL;
	close(STDIN_FILENO); /* the next file gets its number */
	cr_assert(rop_topology_password(&t, &secret, &err), "%s", err.text);
	rop_secret_free(secret);
	secret = NULL;
	write_file("redis.cart_1-a", "\n", 1, 0400);
	cr_assert_not(rop_topology_password(&t, &secret, &err));
	cr_assert(strstr(err.text, "redis.cart_1-a: is empty"), "%s", err.text);
	cr_assert_eq(unlink(in_folder("redis.cart_1-a")), 0);
	cr_assert_eq(mkfifo(in_folder("redis.cart_1-a"), 0600), 0);
	cr_assert_not(rop_topology_password(&t, &secret, &err));
	cr_assert(strstr(err.text, "is not a regular file"), "%s", err.text);
	cr_assert_null(secret);
}

Test(config, a_topology_names_a_file_or_nothing_too)
{
	struct rop_topology t = { .name = "cart" };
	struct rop_err err = { 0 };
	char none[] = "?", *secret = none;
	cr_assert(rop_topology_password(&t, &secret, &err));
	cr_assert_null(secret);
	t.auth_password_file = write_file("p", "hunter2", 7, 0600);
	cr_assert(rop_topology_password(&t, &secret, &err), "%s", err.text);
	cr_assert_str_eq(secret, "hunter2");
	rop_secret_free(secret);
	t.auth_password_file = write_file("p", "hunter2", 7, 0644);
	cr_assert_not(rop_topology_password(&t, &secret, &err));
	cr_assert(strstr(err.text, "mode 0644"), "%s", err.text);
}

Test(config, a_credential_counts_in_the_digest_only_where_there_is_one)
{
	static const char *const TEXTS[] = {
		HEAD "spec:\n  shards: 1\n" TWO_NODES,
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  auth: { credential: a }\n",
		HEAD "spec:\n  shards: 1\n" TWO_NODES "  auth: { credential: b }\n",
	};
	struct rop_topology *t[3];
	for (size_t i = 0; i < 3; i++)
		t[i] = load_text(TEXTS[i]);
	cr_assert_null(t[0]->auth_credential);
	cr_assert_str_eq(t[1]->auth_credential, "a");
	cr_assert_null(t[1]->auth_password_file);
	cr_assert_null(strstr(rop_topology_canonical(arena, t[0]), "credential"));
	cr_assert_not_null(strstr(rop_topology_canonical(arena, t[1]), "\nspec.auth.credential=a\n"));
	cr_assert_str_neq(t[0]->digest, t[1]->digest);
	cr_assert_str_neq(t[1]->digest, t[2]->digest);
	cr_assert_str_eq(t[0]->digest, "555c7b497fe36952", "files of earlier versions keep their digest");
}

#define FOUR_NODES "  nodes: [ { address: a:1 }, { address: b:1 }, { address: c:1 }, { address: d:1 } ]\n"

static struct rop_topology *weighed(const char *weights)
{
	return load_text(rop_printf(arena, HEAD "spec:\n  shards: 4\n  replicasPerShard: 0\n%s" FOUR_NODES, weights));
}

Test(config, weights_count_in_the_digest_only_where_there_are_some)
{
	struct rop_topology *none = weighed(""), *some = weighed("  shardWeights: { 3: 2 }\n");
	cr_assert_null(none->weights);
	cr_assert_eq(some->weights[0], 1);
	cr_assert_eq(some->weights[2], 2);
	cr_assert_null(strstr(rop_topology_canonical(arena, none), "Weights"));
	cr_assert_not_null(strstr(rop_topology_canonical(arena, some),
				  "\nspec.shardWeights.1=1\nspec.shardWeights.2=1\nspec.shardWeights.3=2\n"));
	cr_assert_str_neq(none->digest, some->digest);
	cr_assert_str_eq(weighed("  shardWeights: { 4: 3, 3: 6, 1: 3, 2: 3 }\n")->digest, some->digest,
			 "the same shares are the same");
	cr_assert_str_neq(weighed("  shardWeights: { 2: 2 }\n")->digest, some->digest);
	cr_assert_str_neq(weighed("  shardWeights: { 1: 1 }\n")->digest, none->digest, "even ones are kept so");
}

Test(config, weights_of_shards_without_a_label_are_warned_of_once)
{
	size_t before;
	weighed("  shardWeights: { 1: 2, 2: 2, 3: 2, 4: 2 }\n");
	before = diags.warnings; /* of equal weights it does not matter whose they are */
	weighed("  shardWeights: { 1: 1, 3: 2, 4: 3 }\n");
	cr_assert_eq(diags.warnings, before + 1);
	bool said = false;
	for (size_t i = 0; i < diags.list.n; i++)
		said |= strstr(diags.list.at[i].message, "the label of shards 3, 4") != NULL;
	cr_assert(said);
	before = diags.warnings;
	weighed("");
	size_t without = diags.warnings;
	weighed("  shardWeights: { 1: 2 }\n");
	cr_assert_eq(diags.warnings, without + 1, "the first one counts, too");
}

Test(config, it_is_known_which_times_the_file_declares)
{
	struct rop_topology *t = load_text(HEAD "spec:\n  shards: 1\n" TWO_NODES "  intervals: { connectTimeout: 2s, "
						"settle: 1s }\n");
	cr_assert(!t->interval_declared && t->connect_timeout_declared && !t->command_timeout_declared);
	t = load_text(HEAD "spec:\n  shards: 1\n" TWO_NODES "  intervals: { observe: 5s, commandTimeout: 5s }\n");
	cr_assert(t->interval_declared && !t->connect_timeout_declared && t->command_timeout_declared);
	t = load_text(HEAD "spec:\n  shards: 1\n" TWO_NODES);
	cr_assert(!t->interval_declared && !t->connect_timeout_declared && !t->command_timeout_declared);
}

/* 0o17 is 15 to YAML 1.2; what no reader takes for a number is text. */
Test(config, octal_numbers_are_told_from_text)
{
	static const struct {
		const char *value, *said;
	} CASES[] = {
		{ "0o17", "must be a plain whole number, not 0o17" },
		{ "0o7", "must be a plain whole number, not 0o7" },
		{ "0o18", "not text" },
		{ "0o7x", "not text" },
		{ "0o", "not text" },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		cr_assert_null(load_text(rop_printf(arena, HEAD "spec:\n  shards: %s\n" TWO_NODES, CASES[i].value)));
		cr_assert(strstr(first_error(), CASES[i].said), "%s: %s", CASES[i].value, first_error());
	}
}

/* 1:30 is 90 to YAML 1.1; what no reader takes for a number is text. */
Test(config, numbers_of_base_60_are_told_from_text)
{
	static const struct {
		const char *value;
		bool number;
	} CASES[] = { { "1:30", true },    { "1:7", true },   { "10:0", true },  { "1:59", true },
		      { "1:30:59", true }, { "1:60", false }, { "1:75", false }, { "1:234", false },
		      { "1:", false },     { "1:5x", false }, { ":30", false },  { "1:30:60", false },
		      { "1:30:", false } };
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		char text[200];
		snprintf(text, sizeof text, HEAD "spec:\n  shards: %s\n" TWO_NODES, CASES[i].value);
		cr_assert_null(load_text(text));
		cr_assert_eq(strstr(first_error(), "is a number of base 60") != NULL, CASES[i].number, "%s: %s",
			     CASES[i].value, first_error());
	}
}

Test(config, host_names_are_told_from_what_is_none)
{
	char label[65], name[260] = "";
	memset(label, 'a', sizeof label);
	label[63] = '\0';
	for (int i = 0; i < 4; i++)
		snprintf(name + strlen(name), sizeof name - strlen(name), "%s%.62s", i ? "." : "", label);
	const char *const GOOD[] = { "a", "a.b", "a-b.c", "x_1", "1a", "a.1b", "1.a", "10.example", label, name };
	const char *const BAD[] = { "",     ".", "a.",   ".a",   "a..b", "-a",  "a-",        "a.-b",
				    "a-.b", "1", "10.1", "a.10", "0x1",  "a b", "a\xc3\xa9", "a/b" };
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
		cr_assert(config_is_host_name(GOOD[i]), "'%s'", GOOD[i]);
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		cr_assert_not(config_is_host_name(BAD[i]), "'%s'", BAD[i]);
	snprintf(name + strlen(name), sizeof name - strlen(name), ".a");
	cr_assert(config_is_host_name(name), "253 bytes");
	snprintf(name + strlen(name), sizeof name - strlen(name), "a");
	cr_assert_not(config_is_host_name(name), "254");
	memset(label, 'a', 64);
	label[64] = '\0';
	cr_assert_not(config_is_host_name(label), "a label of 64");
}

/* The caret goes under what stands on the first line. */
Test(config, a_value_over_several_lines_is_as_long_as_its_first)
{
	static const struct {
		const char *value;
		int length;
	} CASES[] = { { "three\n    four", 11 },       { "\"three\n    four\"", 11 },   { "'three\n\n    four'", 6 },
		      { "|\n    three\n    four", 1 }, { ">\n    three\n    four", 1 }, { "three", 5 } };
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		cr_assert_null(load_text(rop_printf(arena, HEAD "spec:\n  shards: %s\n" TWO_NODES, CASES[i].value)));
		cr_assert_eq(diags.list.at[0].length, CASES[i].length, "%s: %d", CASES[i].value,
			     diags.list.at[0].length);
	}
}

Test(config, an_anchor_is_underlined_with_its_sign)
{
	cr_assert_null(load_text(HEAD "spec:\n  shards: &three 3\n" TWO_NODES));
	ROP_OWN_TEXT said = { 0 };
	rop_diags_print(&diags, &said);
	cr_assert(strstr(said.at, "shards: &three 3\n"), "%s", said.at);
	cr_assert(strstr(said.at, " ^^^^^^ "), "%s", said.at);
}

/* The JSON Schema's place for a path of the table: properties for a key, items for []. */
static json_t *in_schema(json_t *at, const char *path)
{
	while (at && *path) {
		size_t n = strcspn(path, ".[");
		at = json_object_get(json_object_get(at, "properties"), rop_strndup(arena, path, n));
		path += n;
		if (strncmp(path, "[]", 2) == 0) {
			at = json_object_get(at, "items");
			path += 2;
		}
		path += *path == '.';
	}
	return at;
}

static size_t count_properties(json_t *at)
{
	const char *name;
	json_t *value;
	size_t n = json_object_size(json_object_get(at, "properties")) + (json_object_get(at, "items") != NULL);
	json_object_foreach(json_object_get(at, "properties"), name, value) n += count_properties(value);
	if (json_object_get(at, "items"))
		n += count_properties(json_object_get(at, "items"));
	return n;
}

static bool is_required(json_t *map, const char *name)
{
	size_t i;
	json_t *value;
	json_array_foreach(json_object_get(map, "required"), i,
			   value) if (rop_streq(json_string_value(value), name)) return true;
	return false;
}

static void must_agree(json_t *schema, const struct config_key *key)
{
	json_t *at = in_schema(schema, key->path);
	cr_assert_not_null(at, "the schema does not know %s", key->path);
	cr_assert_str_eq(json_string_value(json_object_get(at, "description")), key->doc, "%s", key->path);
	const char *name = config_key_name(key);
	const char *parent = rop_strndup(arena, key->path, (size_t)(name - key->path) - (name > key->path));
	cr_assert_eq(is_required(in_schema(schema, parent), name), key->required, "%s", key->path);
	const char *least = NULL, *most = NULL;
	if (key->type == CONFIG_INT)
		least = "minimum", most = "maximum";
	else if (key->type == CONFIG_TEXT)
		least = "minLength", most = "maxLength";
	else if (key->type == CONFIG_LIST)
		least = "minItems", most = "maxItems";
	if (least) {
		cr_assert_eq(json_integer_value(json_object_get(at, least)), key->min, "%s", key->path);
		cr_assert_eq(json_integer_value(json_object_get(at, most)), key->max, "%s", key->path);
	}
	json_t *fallback = json_object_get(at, "default");
	const char *text = json_is_integer(fallback) ? rop_printf(arena, "%d", (int)json_integer_value(fallback))
						     : json_string_value(fallback);
	cr_assert(rop_streq(text, key->fallback), "%s", key->path);
	if (key->type == CONFIG_MAP)
		cr_assert(json_is_false(json_object_get(at, "additionalProperties")), "%s", key->path);
	for (size_t i = 0; key->type == CONFIG_CHOICE && (i == 0 || key->choices[i - 1]); i++)
		cr_assert(
			rop_streq(json_string_value(json_array_get(json_object_get(at, "enum"), i)), key->choices[i]));
}

Test(config, the_schema_for_editors_says_what_the_table_says)
{
	json_error_t error;
	json_t *schema = json_load_file(TOP_SRCDIR "/data/redis-operator.schema.json", JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(schema, "%s", error.text);
	for (size_t i = 0; i < CONFIG_KEYS_N; i++)
		must_agree(schema, &CONFIG_KEYS[i]);
	cr_assert_eq(count_properties(schema), CONFIG_KEYS_N, "the schema knows a key that the table does not");
	json_t *names = json_object_get(in_schema(schema, "spec.settings"), "propertyNames"), *refused = NULL, *one;
	size_t at;
	json_array_foreach(json_object_get(json_object_get(names, "not"), "anyOf"), at,
			   one) if (json_object_get(one, "enum")) refused = json_object_get(one, "enum");
	cr_assert_geq(json_array_size(refused), 15);
	for (size_t i = 0; i < json_array_size(refused); i++)
		cr_assert_neq(config_setting_kind(json_string_value(json_array_get(refused, i))), CONFIG_SETTING_FREE);
	json_decref(schema);
}

/* Whatever stands where a value should: it is said, and nothing that was not read is used. */
static void refuse_with(const char *text, size_t at, const char *odd)
{
	ROP_OWN_TEXT changed = { 0 };
	rop_text_put(&changed, text, at);
	rop_text_add(&changed, "%s", odd);
	rop_text_put(&changed, text + at, strlen(text + at));
	struct rop_topology *topology = NULL;
	ROP_OWN_ARENA own = rop_arena_new();
	struct rop_diags said;
	struct rop_doc *doc = NULL;
	rop_diags_init(&said, own);
	bool ok = rop_doc_parse(own, "t.yaml", changed.at, changed.n, &said, &doc) &&
		  rop_topology_from_doc(own, doc, &said, &topology);
	cr_assert_not(ok, "%s", changed.at);
	cr_assert_gt(said.errors, 0);
	cr_assert_null(topology);
	cr_assert_null(load(write_file("t.yaml", changed.at, changed.n, 0644)), "as validate reads it");
}

Test(config, an_alias_an_anchor_or_a_tag_anywhere_is_an_error_and_no_crash)
{
	static const char TEXT[] = "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: cart "
				   "}\nspec:\n"
				   "  shards: 3\n  replicasPerShard: 1\n  auth: { user: op, passwordFile: pw }\n"
				   "  settings: { maxmemory: 64mb, save: \"\" }\n  intervals: { settle: 1s }\n  "
				   "nodes:\n"
				   "    - { address: 10.0.0.1:6379, shard: 1, zone: a }\n    - address: 10.0.0.2:6379\n"
				   "    - { address: 10.0.0.3:6379 }\n    - { address: 10.0.0.4:6379 }\n"
				   "    - { address: 10.0.0.5:6379 }\n    - { address: 10.0.0.6:6379 }\n";
	static const char *const ODD[] = { "*a ", "*a\n",      "!!str ", "!!map ", "!own ",
					   "&a ", "&a !!str ", "[*a] ",  "!!str" };
	struct rop_topology *topology = load_text(TEXT);
	cr_assert_not_null(topology, "the text itself is right: %s", first_error());
	for (size_t at = 0; at < sizeof TEXT - 1; at++)
		if (at == 0 || strchr(" {\n", TEXT[at - 1]))
			for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++)
				if (!strchr(" \n}", TEXT[at])) /* within a text a sign is one */
					refuse_with(TEXT, at, ODD[i]);
}
