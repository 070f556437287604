/* functions.c - function libraries go before slots: FUNCTION DUMP of who has them, FUNCTION RESTORE on who is to get
 * slots. Nothing of the target's own is written over: who holds others, or other code under a name, is left alone.
 */
#include "functions.h"

#include "risks.h"
#include "rop/libraries.h"
#include "rop/text.h"

static bool is_known(const struct rop_node *node)
{
	return node->functions == 0 || (node->functions > 0 && node->libraries);
}

static const char *libraries_of(const struct rop_node *node)
{
	return node->functions == 0 ? "" : node->libraries;
}

bool policy_lacks_functions(const struct rop_situation *now, size_t target, size_t source)
{
	const struct rop_node *to = &now->seen->nodes[target], *from = &now->seen->nodes[source];
	if (from->functions == 0 || from->functions == ROP_COUNT_NOT_ASKED)
		return from->functions == 0 ? to->functions == ROP_COUNT_UNKNOWN : false;
	return !is_known(from) || !is_known(to) || !rop_libraries_hold(libraries_of(to), libraries_of(from));
}

const char *policy_functions_clash(const struct rop_situation *now, size_t target, size_t source)
{
	const struct rop_node *to = &now->seen->nodes[target], *from = &now->seen->nodes[source];
	if (!is_known(to) || !is_known(from) || !policy_lacks_functions(now, target, source))
		return NULL;
	const char *other = rop_libraries_clash(now->arena, libraries_of(to), libraries_of(from));
	if (other)
		return rop_printf(now->arena,
				  "%s and %s have function library '%s' with other code each; slots do not go from one "
				  "to the other while clients would call other code there",
				  to->address, from->address, other);
	other = rop_libraries_beyond(now->arena, libraries_of(to), libraries_of(from));
	if (other)
		return rop_printf(now->arena,
				  "%s lacks function libraries that %s has, and holds '%s', which that one has not: "
				  "which of them is right is not known here",
				  to->address, from->address, other);
	return NULL;
}

struct guard risk_of_functions(const struct rop_situation *now, const struct rop_step *step)
{
	const int sides[] = { step->node, step->peer };
	if (step->peer < 0)
		return guard_wait("nobody is known who has the functions");
	for (size_t k = 0; k < 2; k++) {
		const struct rop_node *node = &now->seen->nodes[sides[k]];
		if (node->role == ROP_ROLE_REPLICA || !rop_node_answers(node))
			return guard_wait("functions go from one primary that answers to another");
		if (!is_known(node))
			return guard_unknown(now, (size_t)sides[k], "which function libraries it holds");
	}
	const char *clash = policy_functions_clash(now, (size_t)step->node, (size_t)step->peer);
	return clash ? guard_wait(clash) : guard_go;
}

void policy_find_functions_apart(struct rop_situation *now)
{
	for (size_t i = 0; i < now->migrations.n; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		if (!m->in_hand || m->open || now->seen->nodes[m->target].open.n)
			continue;
		const char *clash = policy_functions_clash(now, (size_t)m->target, (size_t)m->source);
		if (!clash)
			continue;
		policy_find(
			now, m->target, ROP_WHY_FUNCTIONS_APART, clash,
			"load the same libraries on both (FUNCTION LOAD REPLACE, FUNCTION DELETE), then apply again");
		return;
	}
}
