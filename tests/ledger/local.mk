# ledger: a client of its own making that proves what a cluster has kept. It stands on nothing of src/.
check_PROGRAMS += tests/ledger/ledger
tests_ledger_ledger_SOURCES = tests/ledger/base.c tests/ledger/base.h tests/ledger/books.c tests/ledger/books.h \
	tests/ledger/caller.c tests/ledger/caller.h tests/ledger/cluster.c tests/ledger/cluster.h tests/ledger/conn.c \
	tests/ledger/conn.h tests/ledger/journal.c tests/ledger/journal.h tests/ledger/judge.c tests/ledger/judge.h \
	tests/ledger/keys.c tests/ledger/keys.h tests/ledger/loop.c tests/ledger/loop.h tests/ledger/main.c \
	tests/ledger/map.c tests/ledger/map.h tests/ledger/names.c tests/ledger/names.h tests/ledger/options.c \
	tests/ledger/options.h tests/ledger/places.c tests/ledger/places.h tests/ledger/probe.c tests/ledger/read_back.c \
	tests/ledger/read_back.h tests/ledger/report.c tests/ledger/report.h tests/ledger/resp.c tests/ledger/resp.h \
	tests/ledger/run.c tests/ledger/run.h tests/ledger/slots.c tests/ledger/slots.h tests/ledger/stopping.c \
	tests/ledger/stopping.h tests/ledger/verdict.c tests/ledger/verdict.h tests/ledger/verify.c \
	tests/ledger/words.c tests/ledger/words.h tests/ledger/workers.c tests/ledger/workers.h
EXTRA_DIST += tests/lib/ledger.sh tests/live/ledger.sh

# What of it is pure, in the unit tests.
tests_unit_units_SOURCES += tests/unit/test_ledger.c tests/unit/test_ledger_judge.c tests/ledger/base.c \
	tests/ledger/books.c tests/ledger/journal.c tests/ledger/judge.c tests/ledger/names.c tests/ledger/resp.c \
	tests/ledger/slots.c tests/ledger/verdict.c tests/ledger/words.c
