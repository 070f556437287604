librop_a_SOURCES += \
	src/policy/aim.c src/policy/alike.c src/policy/alike.h src/policy/announced.c src/policy/assess.c src/policy/assign.c \
	src/policy/colour.c src/policy/conditions.c src/policy/copies.c src/policy/copies.h src/policy/differ.c src/policy/epochs.c \
	src/policy/elsewhere.c src/policy/findings.c src/policy/guard.h src/policy/greet.c src/policy/introduce.c \
	src/policy/layout.c src/policy/links.c src/policy/lowering.c src/policy/migrating.c src/policy/migrations.c \
	src/policy/migrations.h src/policy/neighbours.c src/policy/placement.c src/policy/raise.c src/policy/rebalance.c \
	src/policy/placement.h src/policy/policy.h src/policy/refusals.c src/policy/refusals.h src/policy/rights.c \
	src/policy/risk.c src/policy/risk_moves.c src/policy/risk_moves.h src/policy/retire.c src/policy/retire.h src/policy/retiring.c src/policy/risk_retire.c src/policy/seats.c src/policy/seats.h src/policy/second.c src/policy/served.c src/policy/served.h src/policy/settings.c \
	src/policy/settle.c src/policy/steps.c src/policy/subject.c src/policy/still_open.c src/policy/strangers.c src/policy/temporary.c src/policy/tries.c \
	src/policy/unsettable.c src/policy/unwritten.c src/policy/values.c src/policy/vocabulary.c src/policy/weigh.c
