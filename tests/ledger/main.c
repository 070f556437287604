/* main.c - ledger: proves that no acknowledged write of a cluster is lost while the cluster is changed.
 *
 *   ledger run --nodes H:P,H:P,... --journal FILE [--connections N] [--writes N | --seconds S] [--rate R]
 *              [--seed X] [--keys K] [--hot-slots A-B,...] [--stop-file F] [--timeout-ms T] [-v]
 *
 *       N workers (32), each with one write in flight, write until N writes are acknowledged, S seconds have
 *       passed, the stop file is there, or SIGTERM or SIGINT comes. R writes a second at most; K keys of each kind
 *       (1024), most of them in the hot slots. A reply that did not come after T milliseconds (1000) is not waited
 *       for: that write is unknown.
 *
 *   ledger verify --nodes H:P,... --journal FILE [--json] [--lost FILE] [--between FROM TO] [--slots A-B,...]
 *                 [--timeout-ms T]
 *
 *       Reads all back. Exit code 0: nothing lost, doubled, out of order, or where it must not be; 1: something is.
 *       The first of each fault are told on stderr, and each lost write is a line (KEY VALUE) of the file of --lost.
 *       --between and --slots also count the writes of that time (the journal's clock) and to those slots. No slots
 *       may be moving meanwhile.
 *
 *   ledger probe --nodes H:P,... [--seconds S] [--rate R] [--stop-file F] [--timeout-ms T]
 *
 *       One GET or SET at a time at each primary, R a second (1000); prints the percentiles of their latencies.
 *
 *   ledger now
 *
 *       The journal's clock, for --between.
 *
 * Exit code 2: it could not be done. The clients are of this folder's own making, so that they share nothing with
 * the program under test. Acknowledged, unknown and refused: see words.h; the journal: journal.h.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "run.h"

static const struct {
	const char *name;
	int (*run)(const struct options *with);
} COMMANDS[] = { { "run", run }, { "verify", verify }, { "probe", probe } };

int main(int argc, char **argv)
{
	struct options with;
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "now") == 0) {
		printf("%" PRId64 "\n", now_us());
		return 0;
	}
	if (argc < 2)
		die("what is to be done? ledger run, verify, probe or now; tests/ledger/main.c says how");
	for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
		if (strcmp(COMMANDS[i].name, argv[1]) != 0)
			continue;
		options_parse(argc - 2, argv + 2, argv[1], &with);
		return COMMANDS[i].run(&with);
	}
	die("no command '%s': run, verify, probe or now", argv[1]);
}
