/* risk_kept.c - what it costs to empty a server that came back with another id and with the copy that it had. */
#include "kept.h"
#include "risks.h"

struct guard risk_of_emptying(const struct rop_situation *now, const struct rop_step *step)
{
	size_t node = (size_t)step->node;
	if (!policy_is_to_empty(now, node) || !kept_can_be_emptied(now, node))
		return guard_wait("nobody gave up what it has");
	int server = kept_server_of(now, node);
	if (server < 0)
		return guard_wait("nobody serves as many keys of its slots");
	struct rop_risk loss = kept_loss(now, node, (size_t)server);
	return guard_loss(now, &loss);
}
