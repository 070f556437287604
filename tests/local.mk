# Unit tests: one Criterion program; each tests/unit/test_*.c is a suite.
TESTS =
if HAVE_CRITERION
check_PROGRAMS += tests/unit/units
TESTS += tests/unit/run
endif
tests_unit_units_SOURCES = tests/unit/test_base.c
tests_unit_units_SOURCES += tests/unit/test_config.c tests/unit/test_config_doc.c
tests_unit_units_SOURCES += tests/unit/fleet_lib.c tests/unit/fleet_lib.h tests/unit/test_fleet.c \
	tests/unit/test_fleet_live.c tests/unit/test_loop.c tests/unit/test_carry.c
tests_unit_units_SOURCES += tests/unit/test_fleet_gate.c
tests_unit_units_SOURCES += tests/unit/test_retire.c tests/unit/test_retire_members.c tests/unit/test_drain.c tests/unit/test_drained.c tests/unit/test_handover.c tests/unit/test_misplaced.c tests/unit/test_spread.c tests/unit/test_takeover.c
tests_unit_units_SOURCES += tests/unit/random.h tests/unit/toy.c tests/unit/toy.h tests/unit/test_machine.c \
	tests/unit/test_machine_random.c tests/unit/test_machine_run.c tests/unit/test_sat.c
# The pure core: worlds made up, a reconciler driven by hand.
tests_unit_units_SOURCES += tests/unit/world.c tests/unit/world.h tests/unit/hand.c tests/unit/hand.h \
	tests/unit/test_model.c tests/unit/test_policy_layout.c tests/unit/test_policy_open.c tests/unit/test_policy_corners.c tests/unit/test_policy_alike.c tests/unit/test_policy_announced.c tests/unit/test_policy_rights.c tests/unit/test_shard_ids.c tests/unit/test_moved.c tests/unit/test_epochs.c tests/unit/test_moves_handed.c tests/unit/test_aim.c tests/unit/test_room.c tests/unit/test_ghosts.c tests/unit/test_lost.c tests/unit/test_kept.c tests/unit/test_identities.c tests/unit/test_rebalance.c \
	tests/unit/test_policy_guard.c tests/unit/test_policy_served.c \
	tests/unit/test_policy_situation.c tests/unit/test_policy_steps.c tests/unit/test_replicas_stay.c tests/unit/test_libraries.c tests/unit/test_by_server.c tests/unit/test_policy_tries.c tests/unit/test_policy_temporary.c \
	tests/unit/test_reconcile.c tests/unit/test_reconcile_end.c tests/unit/test_reconcile_keep.c tests/unit/test_plan.c tests/unit/test_shipped.c \
	tests/unit/test_oom.c
tests_unit_units_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_units_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_units_LDADD = $(ROP_LIBS) $(CRITERION_LIBS) -lm
tests_unit_units_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc,--wrap=realloc # test_oom.c lets them fail
EXTRA_DIST += tests/topologies tests/golden tests/machines

# The daemon's surroundings: its configuration, its log, the service manager.
tests_unit_units_SOURCES += tests/unit/test_daemon_config.c
tests_unit_units_SOURCES += tests/unit/test_log.c
tests_unit_units_SOURCES += tests/unit/test_service.c

# The store: SQLite's header is needed to look from outside and to fail on purpose.
tests_unit_units_SOURCES += tests/unit/test_store.c tests/unit/test_store_files.c tests/unit/test_store_faults.c \
	tests/unit/store_fixture.c tests/unit/store_fixture.h tests/unit/fault_vfs.c tests/unit/fault_vfs.h
tests_unit_units_SOURCES += tests/unit/test_store_group.c tests/unit/test_wish.c
tests_unit_units_SOURCES += tests/unit/test_store_beside.c
tests_unit_units_CFLAGS += $(SQLITE_CFLAGS)
EXTRA_DIST += tests/unit/run tests/unit/lsan.supp

# Shards: numbers and memory.
tests_unit_units_SOURCES += tests/unit/test_shards.c
tests_unit_units_SOURCES += tests/unit/test_slot_counts.c

# Saved plans, and their files: of the command line that which neither prints nor exits.
tests_unit_units_SOURCES += tests/unit/test_report.c
tests_unit_units_SOURCES += tests/unit/test_saved_plan.c

# The simulated world, with the machine compiled in.
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/bus.c tests/sim/data.c tests/sim/drain_story.c tests/sim/placement_story.c tests/sim/election.c tests/sim/faults.c tests/sim/fresh.c tests/sim/ghost.c tests/sim/gossip.c tests/sim/handover_story.c tests/sim/takeover_story.c \
	tests/sim/honest.c tests/sim/judge.c tests/sim/judge_bus.c tests/sim/judge_data.c tests/sim/judge_leave.c tests/sim/judge_moves.c tests/sim/leave.c tests/sim/leave_broken.c tests/sim/leave_story.c tests/sim/look.c tests/sim/main.c tests/sim/moves.c tests/sim/moves_broken.c tests/sim/moves_jobs.c tests/sim/moves_story.c tests/sim/weights.c tests/sim/operator.c \
	tests/sim/plights.c tests/sim/promise.c tests/sim/server.c tests/sim/shards.c tests/sim/sim.h tests/sim/start.c tests/sim/story.c tests/sim/trace.c tests/sim/witness.c \
	tests/sim/verdict.c tests/sim/views.c tests/sim/world.c
nodist_tests_sim_sim_SOURCES = src/cli/builtin.c
tests_sim_sim_LDADD = $(ROP_LIBS)

# Measuring programs, built when tests/bench/run asks for them.
EXTRA_PROGRAMS += tests/bench/observe tests/bench/bare tests/bench/model
tests_bench_observe_SOURCES = tests/bench/observe.c
tests_bench_observe_CFLAGS = $(AM_CFLAGS) $(HIREDIS_CFLAGS)
tests_bench_observe_LDADD = $(HIREDIS_LIBS)
tests_bench_bare_SOURCES = tests/bench/bare.c
tests_bench_model_SOURCES = tests/bench/model.c
tests_bench_model_LDADD = librop.a $(YAML_LIBS)
# Of the daemon: many clusters told by one process, and one pass over one of them.
EXTRA_PROGRAMS += tests/bench/stub tests/bench/look
tests_bench_stub_SOURCES = tests/bench/stub.c
tests_bench_look_SOURCES = tests/bench/look.c
tests_bench_look_LDADD = $(ROP_LIBS)
EXTRA_DIST += tests/bench/daemon
CLEANFILES += $(EXTRA_PROGRAMS)

# What runs them all, what needs real servers, other versions of them, machines booted by systemd: whole folders, so that
# none is forgotten.
EXTRA_DIST += tests/run tests/campaign tests/bench tests/servers tests/versions tests/lib tests/static tests/live tests/booted

# The daemon.
tests_unit_units_SOURCES += tests/unit/test_writer.c tests/unit/test_drive.c
# A drive on a made-up loop, fleet and writer (fakes.c): what it does when, without waiting for it.
tests_unit_units_SOURCES += tests/unit/fakes.c tests/unit/fakes.h tests/unit/test_drive_turns.c tests/unit/test_names.c \
	tests/unit/test_events.c tests/unit/test_seed.c
tests_unit_units_LDFLAGS += -Wl,--wrap=rop_boot_ms,--wrap=rop_wall_ms,--wrap=rop_resolve \
	-Wl,--wrap=rop_timer_new,--wrap=rop_timer_start,--wrap=rop_timer_stop,--wrap=rop_timer_free \
	-Wl,--wrap=rop_fleet_new,--wrap=rop_fleet_free,--wrap=rop_fleet_expect,--wrap=rop_fleet_observe \
	-Wl,--wrap=rop_fleet_send,--wrap=rop_writer_commit,--wrap=rop_writer_call,--wrap=rop_write_close

# Snapshots and backups.
tests_unit_units_SOURCES += tests/unit/test_rdb.c tests/unit/test_backup.c

# Fuzz targets: here over the corpus that is kept; tests/fuzz/run builds them with libFuzzer.
check_PROGRAMS += tests/fuzz/answers tests/fuzz/rdb tests/fuzz/reader
tests_fuzz_answers_SOURCES = tests/fuzz/answers.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h
tests_fuzz_answers_LDADD = $(ROP_LIBS)
tests_fuzz_rdb_SOURCES = tests/fuzz/rdb.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h
tests_fuzz_rdb_LDADD = $(ROP_LIBS)
tests_fuzz_reader_SOURCES = tests/fuzz/reader.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h
tests_fuzz_reader_CFLAGS = $(AM_CFLAGS) $(HIREDIS_CFLAGS)
tests_fuzz_reader_LDADD = $(ROP_LIBS)
TESTS += tests/fuzz/check
EXTRA_DIST += tests/fuzz/check tests/fuzz/run tests/fuzz/rdb_corpus tests/fuzz/corpus

# What the tests do not notice: a target of its own, for it takes its time.
EXTRA_DIST += tests/mutants tests/mutants.equivalent
.PHONY: mutants
mutants:
	$(top_srcdir)/tests/mutants --budget 600s
