/* test_names.c - declared names and discovery: which are asked, what becomes of each answer, who is told, when. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fakes.h"
#include "rop/names.h"

static struct {
	int calls;
	enum rop_code code;
	char text[512];
} told;

static void done(void *arg, const struct rop_err *err)
{
	cr_assert_eq(arg, &told);
	told.calls++;
	told.code = err ? err->code : ROP_OK;
	snprintf(told.text, sizeof told.text, "%.511s", err ? err->text : "");
}

static void names_setup(void)
{
	world_setup();
	fakes_begin();
	memset(&told, 0, sizeof told);
}

static void names_teardown(void)
{
	fakes_end();
	world_teardown();
}

TestSuite(names, .init = names_setup, .fini = names_teardown);

static struct rop_topology *listed(const char *const *hosts, size_t n)
{
	struct rop_topology *t = topology_of((int)n, 0, n);
	t->path = "cart.yaml";
	for (size_t i = 0; i < n; i++)
		if (hosts[i]) {
			t->nodes.at[i].host = hosts[i];
			t->nodes.at[i].ip = NULL;
		}
	return t;
}

static struct rop_topology *discovery(int shards, int replicas)
{
	struct rop_topology *t = topology_of(shards, replicas, 0);
	t->path = "cart.yaml";
	t->discovery_dns = "cart.internal";
	t->discovery_port = 7000;
	return t;
}

static void resolve(struct rop_topology *t, const struct rop_member *members, size_t n)
{
	rop_names_resolve(NULL, pool, t, members, n, done, &told);
	cr_assert_eq(told.calls, 0, "never from inside the call");
}

static void answer(const char *host, const char *ip)
{
	fake_resolves(host, &ip, ip ? 1 : 0, ip ? NULL : "there is no such name");
}

/* ---- listed nodes ------------------------------------------------------------------------------------------ */

Test(names, are_used_where_a_node_has_no_address_or_is_discovered)
{
	const char *const HOSTS[] = { NULL, NULL, "c.internal" }, *const NONE[] = { NULL, NULL, NULL };
	cr_assert(rop_names_used(listed(HOSTS, 3)));
	cr_assert_not(rop_names_used(listed(NONE, 3)));
	cr_assert(rop_names_used(discovery(3, 0)));
	struct rop_topology *both = listed(NONE, 3);
	both->discovery_dns = "cart.internal";
	cr_assert(rop_names_used(both));
}

Test(names, all_are_asked_at_once_and_told_once_after_the_last)
{
	const char *const HOSTS[] = { "a.internal", NULL, "c.internal", "d.internal" };
	struct rop_topology *t = listed(HOSTS, 4);
	resolve(t, NULL, 0);
	cr_assert_eq(fakes.n_names, 3, "not the one that has an address");
	answer("d.internal", "10.1.0.4");
	answer("a.internal", "10.1.0.1");
	cr_assert_eq(told.calls, 0);
	answer("c.internal", "2001:db8::3");
	cr_assert(told.calls == 1 && told.code == ROP_OK);
	cr_assert_str_eq(t->nodes.at[0].ip, "10.1.0.1");
	cr_assert_str_eq(t->nodes.at[1].ip, "10.0.0.2");
	cr_assert_str_eq(t->nodes.at[2].ip, "2001:db8::3");
	cr_assert_str_eq(t->nodes.at[3].ip, "10.1.0.4");
	cr_assert_str_eq(t->nodes.at[3].host, "d.internal", "people see the name");
}

Test(names, the_first_address_counts_and_is_kept)
{
	const char *const HOSTS[] = { "a.internal" };
	struct rop_topology *t = listed(HOSTS, 1);
	char first[] = "10.1.0.1";
	const char *const IPS[] = { first, "10.1.0.2" };
	resolve(t, NULL, 0);
	fake_resolves("a.internal", IPS, 2, NULL);
	memset(first, 'x', sizeof first - 1); /* the resolver's memory is gone by then */
	cr_assert_str_eq(t->nodes.at[0].ip, "10.1.0.1");
}

/* It is a silent node: the others are looked at. */
Test(names, one_that_fails_has_no_address_and_says_why)
{
	const char *const HOSTS[] = { "a.internal", "b.internal", "c.internal" };
	struct rop_topology *t = listed(HOSTS, 3);
	resolve(t, NULL, 0);
	answer("b.internal", NULL);
	answer("a.internal", "10.1.0.1");
	cr_assert_eq(told.calls, 0, "the others are still looked up: what they write to must live");
	answer("c.internal", "10.1.0.3");
	cr_assert(told.calls == 1 && told.code == ROP_OK);
	cr_assert(t->nodes.at[0].ip && !t->nodes.at[1].ip && t->nodes.at[2].ip);
	cr_assert_str_eq(t->nodes.at[1].no_ip, "its name does not resolve: there is no such name");
	const struct rop_endpoint *endpoints = rop_endpoints_of(pool, t, NULL);
	cr_assert(!endpoints[1].ip && strcmp(endpoints[1].no_ip, t->nodes.at[1].no_ip) == 0);
	for (size_t i = 0; i < 3; i++) /* the list is of those that are tried one after the other */
		cr_assert(endpoints[i].n_ips == 0 && !endpoints[i].ips, "%zu: one address or none makes no list", i);
}

Test(names, a_name_of_several_addresses_has_them_all)
{
	const char *const HOSTS[] = { "a.internal" };
	struct rop_topology *t = listed(HOSTS, 1);
	const char *const IPS[] = { "::1", "127.0.0.1" };
	resolve(t, NULL, 0);
	fake_resolves("a.internal", IPS, 2, NULL);
	const struct rop_endpoint *endpoints = rop_endpoints_of(pool, t, NULL);
	cr_assert_eq(endpoints[0].n_ips, 2);
	cr_assert_str_eq(endpoints[0].ips[1], "127.0.0.1");
}

/* Two ports of one host, or two names for it: both are nodes, each with the address. */
Test(names, two_names_of_one_address_are_two_nodes)
{
	const char *const HOSTS[] = { "a.internal", "alias.internal" };
	struct rop_topology *t = listed(HOSTS, 2);
	resolve(t, NULL, 0);
	answer("a.internal", "10.1.0.1");
	answer("alias.internal", "10.1.0.1");
	cr_assert(told.calls == 1 && told.code == ROP_OK && t->nodes.n == 2);
	cr_assert_str_eq(t->nodes.at[0].ip, "10.1.0.1");
	cr_assert_str_eq(t->nodes.at[1].ip, "10.1.0.1");
}

/* With the real loop and resolver: who is told then is gone. */
Test(names, a_loop_that_is_freed_tells_nobody)
{
	const char *const HOSTS[] = { "localhost", "127.0.0.1" };
	struct rop_topology *t = listed(HOSTS, 2);
	fakes.on = false;
	struct rop_loop *loop = rop_loop_new(NULL);
	rop_names_resolve(loop, pool, t, NULL, 0, done, &told);
	rop_loop_free(loop);
	cr_assert_eq(told.calls, 0);
	loop = rop_loop_new(NULL);
	rop_names_resolve(loop, pool, t, NULL, 0, done, &told);
	rop_loop_run(loop);
	rop_loop_free(loop);
	fakes.on = true;
	cr_assert(told.calls == 1 && told.code == ROP_OK, "%s", told.text);
	cr_assert_str_eq(t->nodes.at[1].ip, "127.0.0.1");
}

Test(names, one_that_is_gone_is_looked_for_where_it_was_last)
{
	const char *const HOSTS[] = { "a.internal", "b.internal", "c.internal" };
	const struct rop_member MEMBERS[] = {
		{ .node = "x", .address = "a.internal:6379", .ip = "10.1.0.1" },
		{ .node = "y", .address = "b.internal:7000", .ip = "10.1.0.2" }, /* another port is another node */
		{ .node = "z", .address = "c.internal:6379", .ip = "10.1.0.3" },
	};
	struct rop_topology *t = listed(HOSTS, 3);
	resolve(t, MEMBERS, 3);
	answer("a.internal", NULL);
	answer("b.internal", NULL);
	answer("c.internal", "10.1.0.9");
	cr_assert_str_eq(t->nodes.at[0].ip, "10.1.0.1");
	cr_assert_str_eq(t->nodes.at[0].no_ip, "its name does not resolve: there is no such name");
	cr_assert_null(t->nodes.at[1].ip);
	cr_assert_str_eq(t->nodes.at[2].ip, "10.1.0.9", "what the name says now counts");
	cr_assert_null(t->nodes.at[2].no_ip);
}

/* ---- discovery --------------------------------------------------------------------------------------------- */

static const char *hosts_of(const struct rop_topology *t)
{
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct rop_declared_node *node = &t->nodes.at[i];
		cr_assert_str_eq(node->host, node->ip);
		rop_text_add(&text, "%s/%d ", node->host, node->port);
	}
	return rop_strdup(pool, text.at ? text.at : "");
}

static void discover(struct rop_topology *t, const char *const *ips, size_t n)
{
	cr_assert_eq(fakes.n_names, 1);
	fake_resolves("cart.internal", ips, n, n ? NULL : "there is no such name");
	cr_assert_eq(told.calls, 1);
	(void)t;
}

Test(names, discovered_addresses_are_nodes_in_a_fixed_order)
{
	const char *const IPS[] = { "10.1.0.3", "10.1.0.1", "2001:db8::2", "10.1.0.2" };
	struct rop_topology *t = discovery(2, 1);
	resolve(t, NULL, 0);
	discover(t, IPS, 4);
	cr_assert_eq(told.code, ROP_OK, "%s", told.text);
	cr_assert_str_eq(hosts_of(t), "10.1.0.1/7000 10.1.0.2/7000 10.1.0.3/7000 2001:db8::2/7000 ");
}

/* A file has one of the two only. Were there both, the answer is told once all the same. */
Test(names, where_nodes_are_discovered_only_that_name_is_asked)
{
	const char *const IPS[] = { "10.1.0.1", "10.1.0.2" }, *const HOSTS[] = { "gone.internal" };
	struct rop_topology *t = listed(HOSTS, 1);
	t->discovery_dns = "cart.internal";
	t->discovery_port = 7000;
	resolve(t, NULL, 0);
	discover(t, IPS, 2);
	cr_assert(told.code == ROP_OK && t->nodes.n == 3 && fakes.n_names == 0);
}

Test(names, too_few_addresses_are_refused_with_the_numbers)
{
	const char *const IPS[] = { "10.1.0.3", "10.1.0.1", "10.1.0.2" };
	struct rop_topology *t = discovery(2, 1);
	resolve(t, NULL, 0);
	discover(t, IPS, 3);
	cr_assert_eq(told.code, ROP_UNREACHABLE);
	cr_assert_str_eq(told.text, "discovery name 'cart.internal' has 3 addresses; 2 shards with 1 replicas each "
				    "need 4 nodes");
}

Test(names, a_discovery_name_that_is_none_is_said)
{
	struct rop_topology *t = discovery(1, 0);
	resolve(t, NULL, 0);
	discover(t, NULL, 0);
	cr_assert_eq(told.code, ROP_UNREACHABLE);
	cr_assert_str_eq(told.text, "cart.yaml: discovery name 'cart.internal' does not resolve: there is no such "
				    "name");
}

static struct rop_member member(const char *address)
{
	return (struct rop_member){ .node = "x", .address = address };
}

/* Discovery only adds: what vanished from the answer is a missing node. */
Test(names, members_that_the_answer_lacks_are_nodes_still)
{
	const char *const IPS[] = { "10.1.0.2", "10.1.0.4" };
	const struct rop_member MEMBERS[] = { member("10.1.0.1:6379"), member("10.1.0.2:7000"),
					      member("[2001:db8::3]:7003"), member("no address"), member("[::1]:1") };
	struct rop_topology *t = discovery(5, 0);
	resolve(t, MEMBERS, 5);
	discover(t, IPS, 2);
	cr_assert_eq(told.code, ROP_OK, "%s", told.text);
	cr_assert_str_eq(hosts_of(t), "10.1.0.2/7000 10.1.0.4/7000 10.1.0.1/6379 2001:db8::3/7003 ::1/1 ");
}

Test(names, members_do_for_a_name_that_is_not_answered)
{
	const struct rop_member MEMBERS[] = { member("10.1.0.1:7000"), member("10.1.0.2:7000") };
	struct rop_topology *t = discovery(2, 0);
	resolve(t, MEMBERS, 2);
	discover(t, NULL, 0);
	cr_assert_eq(told.code, ROP_OK, "%s", told.text);
	cr_assert_str_eq(hosts_of(t), "10.1.0.1/7000 10.1.0.2/7000 ");
}

Test(names, members_that_are_too_few_do_not)
{
	const struct rop_member MEMBERS[] = { member("10.1.0.1:7000") };
	struct rop_topology *t = discovery(2, 0);
	resolve(t, MEMBERS, 1);
	discover(t, NULL, 0);
	cr_assert_eq(told.code, ROP_UNREACHABLE);
	cr_assert(strstr(told.text, "has 1 addresses"), "%s", told.text);
}
