# Unit tests: one Criterion program; each tests/unit/test_*.c is a suite.
if HAVE_CRITERION
check_PROGRAMS += tests/unit/units
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
