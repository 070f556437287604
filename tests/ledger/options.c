/* options.c - what the command line asks for: one table for all commands. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"

enum form { TEXT, NUMBER, SLOT_SET, FLAG, TIMES };

static const struct option {
	const char *name, *commands; /* first letters of the commands that know it */
	enum form form;
	size_t at;
	int64_t least, most;
} OPTIONS[] = {
	{ "--nodes", "rvp", TEXT, offsetof(struct options, nodes), 0, 0 },
	{ "--journal", "rv", TEXT, offsetof(struct options, journal), 0, 0 },
	{ "--stop-file", "rp", TEXT, offsetof(struct options, stop_file), 0, 0 },
	{ "--lost", "v", TEXT, offsetof(struct options, lost_file), 0, 0 },
	{ "--connections", "r", NUMBER, offsetof(struct options, connections), 1, 10000 },
	{ "--writes", "r", NUMBER, offsetof(struct options, writes), 1, 1000000000 },
	{ "--seconds", "rp", NUMBER, offsetof(struct options, seconds), 1, 1000000 },
	{ "--rate", "rp", NUMBER, offsetof(struct options, rate), 1, 1000000 },
	{ "--seed", "r", NUMBER, offsetof(struct options, seed), 0, INT64_MAX },
	{ "--keys", "r", NUMBER, offsetof(struct options, keys), 1, 1000000 },
	{ "--timeout-ms", "rvp", NUMBER, offsetof(struct options, timeout_ms), 10, 600000 },
	{ "--hot-slots", "r", SLOT_SET, offsetof(struct options, slots), 0, 0 },
	{ "--slots", "v", SLOT_SET, offsetof(struct options, slots), 0, 0 },
	{ "--between", "v", TIMES, 0, 0, 0 },
	{ "--json", "v", FLAG, offsetof(struct options, json), 0, 0 },
	{ "-v", "r", FLAG, offsetof(struct options, verbose), 0, 0 },
};

static int64_t number_of(const char *name, const char *text, int64_t least, int64_t most)
{
	size_t digits = strspn(text, "0123456789");
	int64_t number = digits > 0 && digits <= 18 && text[digits] == '\0' ? strtoll(text, NULL, 10) : -1;
	if (number < least || number > most)
		die("%s: '%s' is no number from %lld to %lld", name, text, (long long)least, (long long)most);
	return number;
}

static const struct option *option_of(const char *command, const char *name)
{
	for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++)
		if (strcmp(OPTIONS[i].name, name) == 0 && strchr(OPTIONS[i].commands, command[0]))
			return &OPTIONS[i];
	die("%s: unknown option '%s'", command, name);
}

/* How many values it takes. */
static int take(const struct option *option, char **values, int n, struct options *ret)
{
	void *at = (char *)ret + option->at;
	int wanted = option->form == TIMES ? 2 : option->form != FLAG;
	if (n < wanted)
		die("%s needs %s", option->name, wanted == 2 ? "two times" : "a value");
	switch (option->form) {
	case TEXT: *(const char **)at = values[0]; break;
	case NUMBER: *(int64_t *)at = number_of(option->name, values[0], option->least, option->most); break;
	case FLAG: *(bool *)at = true; break;
	case SLOT_SET:
		if (!slot_set_add(at, values[0]))
			die("%s: '%s' is no list of slots like 0-99,200", option->name, values[0]);
		break;
	case TIMES:
		ret->between = true;
		ret->from_us = number_of(option->name, values[0], 0, INT64_MAX);
		ret->to_us = number_of(option->name, values[1], 0, INT64_MAX);
		break;
	}
	return wanted;
}

void options_parse(int argc, char **argv, const char *command, struct options *ret)
{
	*ret = (struct options){ .connections = 32, .seed = 1, .keys = 1024, .timeout_ms = 1000 };
	for (int i = 0; i < argc; i++)
		i += take(option_of(command, argv[i]), argv + i + 1, argc - i - 1, ret);
	if (!ret->nodes)
		die("%s: which cluster? --nodes H:P,H:P,...", command);
	if (!ret->journal && command[0] != 'p')
		die("%s: which journal? --journal FILE", command);
}
