# Unit tests: one Criterion program; each tests/unit/test_*.c is a suite.
TESTS =
if HAVE_CRITERION
check_PROGRAMS += tests/unit/units
TESTS += tests/unit/run
endif
tests_unit_units_SOURCES = tests/unit/test_base.c
tests_unit_units_SOURCES += tests/unit/test_config.c tests/unit/test_config_doc.c
tests_unit_units_SOURCES += tests/unit/fleet_lib.c tests/unit/fleet_lib.h tests/unit/test_fleet.c tests/unit/test_fleet_live.c \
	tests/unit/test_loop.c
tests_unit_units_SOURCES += tests/unit/random.h tests/unit/toy.c tests/unit/toy.h tests/unit/test_machine.c \
	tests/unit/test_machine_random.c tests/unit/test_machine_run.c tests/unit/test_sat.c
tests_unit_units_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_units_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_units_LDADD = $(ROP_LIBS) $(CRITERION_LIBS)
EXTRA_DIST += tests/topologies tests/golden tests/machines tests/live/schema.sh tests/live/graphviz.sh
