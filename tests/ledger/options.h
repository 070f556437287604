/* options.h - what the command line asks for. */
#ifndef LEDGER_OPTIONS_H
#define LEDGER_OPTIONS_H

#include "slots.h"

struct options {
	const char *nodes, *journal, *stop_file, *lost_file;
	int64_t connections, writes, seconds, rate, seed, keys, timeout_ms;
	struct slot_set slots; /* --hot-slots, or --slots */
	bool between;
	int64_t from_us, to_us; /* --between */
	bool json, verbose;
};

/* argv from behind the command's name on. What is wrong ends the process with a sentence. */
void options_parse(int argc, char **argv, const char *command, struct options *ret);

#endif
