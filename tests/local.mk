# Unit tests: one Criterion program; each tests/unit/test_*.c is a suite.
TESTS =
if HAVE_CRITERION
check_PROGRAMS += tests/unit/units
TESTS += tests/unit/run
endif
tests_unit_units_SOURCES = tests/unit/test_base.c tests/unit/test_config.c tests/unit/test_config_doc.c
tests_unit_units_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_units_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_units_LDADD = $(ROP_LIBS) $(CRITERION_LIBS)
EXTRA_DIST += tests/topologies tests/golden/diagnostics.txt tests/live/schema.sh

# The store: SQLite's header is needed to look from outside and to fail on purpose.
tests_unit_units_SOURCES += tests/unit/test_store.c tests/unit/test_store_files.c tests/unit/test_store_faults.c \
	tests/unit/store_fixture.c tests/unit/store_fixture.h tests/unit/fault_vfs.c tests/unit/fault_vfs.h
tests_unit_units_CFLAGS += $(SQLITE_CFLAGS)
EXTRA_DIST += tests/unit/run tests/unit/lsan.supp

# Measuring programs, built when tests/bench/run asks for them.
EXTRA_PROGRAMS += tests/bench/observe tests/bench/bare
tests_bench_observe_SOURCES = tests/bench/observe.c
tests_bench_observe_CFLAGS = $(AM_CFLAGS) $(HIREDIS_CFLAGS)
tests_bench_observe_LDADD = $(HIREDIS_LIBS)
tests_bench_bare_SOURCES = tests/bench/bare.c
CLEANFILES += $(EXTRA_PROGRAMS)

# What runs them all, and what needs real servers.
EXTRA_DIST += tests/run tests/bench/run \
	tests/lib/build.sh tests/lib/live.sh tests/lib/packages.sh tests/lib/peers.sh tests/lib/rounds.sh tests/lib/sim.sh \
	tests/static/layers.sh tests/static/scripts.sh \
	tests/live/lib.sh tests/live/peers.sh

# The operator killed, paused, run twice, without its database, among nodes that restart.
EXTRA_DIST += tests/live/identity.sh tests/live/killed.sh tests/live/pending.sh tests/live/together.sh \
	tests/live/database.sh tests/live/restart.sh tests/live/watch.sh
