/* converged.c - is all as declared? */
#include "rop/policy.h"

bool rop_situation_converged(const struct rop_situation *now)
{
	return now->all_answer && !now->refused && now->views_agree && now->slots_assigned && now->slots_in_place &&
	       now->replicas_attached && now->links_up && now->state_ok && now->settings_as_declared &&
	       !now->temporaries_in_force && !now->temporaries_waiting && !now->leaving && !now->leavers_held;
}
