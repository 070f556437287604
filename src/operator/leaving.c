/* leaving.c - the topology with the nodes that an earlier revision declared and this one does not. */
#include "rop/leaving.h"

#include <arpa/inet.h>
#include <string.h>

#include "rop/text.h"

static bool is_declared(struct rop_arena *arena, const struct rop_topology *topology, const char *address)
{
	for (size_t i = 0; i < topology->nodes.n; i++) {
		const struct rop_declared_node *node = &topology->nodes.at[i];
		if (!node->leaving && strcmp(rop_address_join(arena, node->host, node->port), address) == 0)
			return true;
	}
	return false;
}

static bool is_literal(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static bool take(struct rop_arena *arena, const struct rop_member *member, struct rop_declared_node *ret_node)
{
	char *host;
	int port;
	if (!member->address || !rop_address_split(arena, member->address, &host, &port))
		return false;
	*ret_node = (struct rop_declared_node){ .host = host,
						.port = port,
						.leaving = rop_strdup(arena, member->node) };
	ret_node->ip = is_literal(host) ? host : rop_strdup(arena, member->ip);
	if (!is_literal(host)) /* at the address that it had it counts only under the id that it had */
		ret_node->no_ip = "it is not declared any more, and its name is not looked up";
	return true;
}

/* The first is listed still, or left after the other. */
static bool is_newer(const struct rop_member *a, const struct rop_member *b)
{
	return b->forgotten_boot_ms && (!a->forgotten_boot_ms || a->forgotten_boot_ms > b->forgotten_boot_ms);
}

const struct rop_member *rop_member_at(const struct rop_image *image, const char *address)
{
	const struct rop_member *newest = NULL;
	for (size_t m = 0; m < image->members.n; m++) {
		const struct rop_member *member = &image->members.at[m];
		if (rop_streq(member->address, address) && (!newest || is_newer(member, newest)))
			newest = member;
	}
	return newest;
}

struct rop_topology *rop_topology_leaving(struct rop_arena *arena, const struct rop_topology *topology,
					  const struct rop_image *image)
{
	struct rop_topology *with = rop_alloc(arena, sizeof *with);
	*with = *topology;
	memset(&with->nodes, 0, sizeof with->nodes);
	with->n_leaving = 0;
	for (size_t i = 0; i < topology->nodes.n - topology->n_leaving; i++)
		*rop_push(arena, &with->nodes) = topology->nodes.at[i];
	/* Discovery may only add, and what was never formed has no members. Those that have left already come last. */
	for (int left = 0; left < 2 && !topology->discovery_dns && image->formed_wall_ms; left++)
		for (size_t m = 0; m < image->members.n; m++) {
			const struct rop_member *member = &image->members.at[m];
			struct rop_declared_node node;
			if ((member->forgotten_boot_ms != 0) != left || !take(arena, member, &node) ||
			    is_declared(arena, topology, member->address))
				continue;
			if (rop_member_at(image, member->address) != member)
				node.no_ip = "another node was a member there after it";
			*rop_push(arena, &with->nodes) = node;
			with->n_leaving++;
		}
	return with;
}
