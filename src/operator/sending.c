/* sending.c - what the fleet is told to do for the steps of a batch: the commands of each; for keys and for function
 * libraries, which stay in redis/, an errand; how much at a time, and who must have it before more goes.
 */
#include "sending.h"

#include "rop/text.h"

/* Between two looks keys are carried for so long. */
#define CARRY_MS 250
#define TIMEOUT_MS 5000 /* of a MIGRATE, while which the source does nothing else; a third of cluster-node-timeout */
#define TIMEOUT_MIN_MS 100

static const struct rop_carry *carry_of(struct rop_arena *arena, const struct rop_situation *now,
					const struct rop_declared_migration *declared, const struct rop_step *step)
{
	int64_t timeout_ms = rop_observed_number(now->seen, (size_t)step->node, "cluster-node-timeout", TIMEOUT_MS) / 3;
	struct rop_carry *carry = rop_alloc(arena, sizeof *carry);
	*carry = (struct rop_carry){ .to = step->peer,
				     .slots = step->expect.value,
				     .databases = (int)rop_observed_number(now->seen, (size_t)step->node,
									   "cluster-databases", 1),
				     .for_ms = CARRY_MS,
				     .stall_ms = declared->stall_ms,
				     .timeout_ms = timeout_ms < TIMEOUT_MS ? timeout_ms : TIMEOUT_MS,
				     .rate = declared->rate,
				     .rests = declared->fast ? 0 : 1,
				     .move_large = declared->move_large };
	if (carry->timeout_ms < TIMEOUT_MIN_MS)
		carry->timeout_ms = TIMEOUT_MIN_MS;
	carry->witnesses = rop_witnesses(arena, now, (size_t)step->peer, &carry->n_witnesses);
	return carry;
}

static const struct rop_functions *functions_of(struct rop_arena *arena, const struct rop_situation *now,
						const struct rop_step *step)
{
	struct rop_functions *functions = rop_alloc(arena, sizeof *functions);
	*functions = (struct rop_functions){ .from = step->peer,
					     .replace = now->seen->nodes[step->node].functions > 0 };
	return functions;
}

/* Each slot that is taken over makes its new owner tell every node all that it owns, at once, and every node goes
 * through that: hundreds in one go stood still for a tenth of a second (8 nodes on 2 cores). */
static const struct rop_pace *pace_of(struct rop_arena *arena, const struct rop_situation *now,
				      const struct rop_declared_migration *declared, const struct rop_step *step)
{
	struct rop_pace *pace = rop_alloc(arena, sizeof *pace);
	*pace = (struct rop_pace){ .at_a_time = declared->fast ? 8 : 4, .rest_ms = 2 };
	pace->witnesses = rop_witnesses(arena, now, (size_t)step->node, &pace->n_witnesses);
	return pace;
}

/* So many of the fleet's commands are this step's. */
static size_t commands_of(const struct rop_step *step)
{
	bool errand = step->expect.kind == ROP_STEP_CARRY || step->expect.kind == ROP_STEP_FUNCTIONS;
	return errand ? 1 : step->n_commands;
}

const struct rop_command *commands_of_steps(struct rop_arena *arena, const struct rop_situation *now,
					    const struct rop_declared_migration *declared, const struct rop_step *steps,
					    size_t n, size_t *ret_n)
{
	ROP_LIST(struct rop_command) commands = { 0 };
	for (size_t i = 0; i < n; i++) {
		const struct rop_step *step = &steps[i];
		struct rop_command command = { .node = step->node };
		if (step->expect.kind == ROP_STEP_CARRY)
			command.carry = carry_of(arena, now, declared, step);
		if (step->expect.kind == ROP_STEP_FUNCTIONS)
			command.functions = functions_of(arena, now, step);
		if (step->expect.kind == ROP_STEP_TAKE)
			command.pace = pace_of(arena, now, declared, step);
		for (size_t c = 0; c < commands_of(step); c++) {
			if (c < step->n_commands) {
				command.argc = step->commands[c].argc;
				command.argv = step->commands[c].argv;
			}
			*rop_push(arena, &commands) = command;
		}
	}
	*ret_n = commands.n;
	return commands.at;
}

/* What became of a step: of its commands the first that went wrong tells. */
static struct rop_outcome outcome_of(const struct rop_outcome *of_commands, size_t n)
{
	struct rop_outcome outcome = n ? of_commands[0] : (struct rop_outcome){ .sent = ROP_SENT_OK };
	for (size_t i = 1; i < n && outcome.sent == ROP_SENT_OK; i++)
		outcome = of_commands[i];
	return outcome;
}

const struct rop_outcome *outcomes_of_steps(struct rop_arena *arena, const struct rop_step *steps, size_t n,
					    const struct rop_outcome *of_commands)
{
	struct rop_outcome *outcomes = rop_alloc_n(arena, n + 1, sizeof *outcomes);
	for (size_t i = 0, at = 0; i < n; i++) {
		outcomes[i] = outcome_of(of_commands + at, commands_of(&steps[i]));
		at += commands_of(&steps[i]);
	}
	return outcomes;
}
