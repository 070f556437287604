/* second.c - another redis-operator, with a database of its own, was seen on the nodes: a warning. */
#include <string.h>

#include "policy.h"

#define OTHERS_MAX 5 /* told of */
#define HOSTS_MAX 3

struct other {
	const char *instance, *hosts[HOSTS_MAX];
	size_t n_hosts, more_hosts;
};

struct others {
	struct other at[OTHERS_MAX];
	size_t n;
};

static void add_host(struct other *other, const char *host)
{
	for (size_t i = 0; i < other->n_hosts; i++)
		if (strcmp(other->hosts[i], host) == 0)
			return;
	if (other->n_hosts == HOSTS_MAX)
		other->more_hosts++;
	else
		other->hosts[other->n_hosts++] = host;
}

static void add(struct others *others, const struct rop_operator *operator)
{
	size_t i = 0;
	while (i < others->n && strcmp(others->at[i].instance, operator->instance) != 0)
		i++;
	if (i == OTHERS_MAX)
		return;
	if (i == others->n)
		others->at[others->n++].instance = operator->instance;
	add_host(&others->at[i], operator->from);
}

static const char *sentence(const struct rop_situation *now, const struct other *other)
{
	const char *from = other->hosts[0];
	for (size_t i = 1; i < other->n_hosts; i++)
		from = rop_printf(now->arena, "%s, %s", from, other->hosts[i]);
	return rop_printf(now->arena,
			  "another redis-operator (database %s, connected from %s%s) manages cluster '%s' too: neither "
			  "knows what the other has begun, and each puts right what the other does",
			  other->instance, from, other->more_hosts ? " and more" : "", now->topology->name);
}

void policy_warn_of_second(struct rop_situation *now)
{
	struct others others = { 0 };
	if (!now->instance)
		return;
	for (size_t i = 0; i < now->seen->n; i++)
		for (size_t k = 0; k < now->seen->nodes[i].n_operators; k++) {
			const struct rop_operator *operator= & now->seen->nodes[i].operators[k];
			if (strcmp(operator->cluster, now->topology->name) == 0 &&
			    strcmp(operator->instance, now->instance) != 0)
				add(&others, operator);
		}
	for (size_t i = 0; i < others.n; i++)
		policy_warn(now, -1, ROP_WHY_SECOND_OPERATOR, sentence(now, &others.at[i]),
			    "stop one of them; on one host, let both use the same --state");
}
