/* verdict.c - what was found wrong: how often, and the first of each in words. */
#include "verdict.h"

#include <stdio.h>

enum { TOLD_OF_EACH = 5, LINE_ROOM = 512 };

const struct fault_words FAULT_WORDS[FAULTS_N] = {
#define X(id, word, json, meaning) { word, json, meaning },
	FAULTS(X)
#undef X
};

void verdict_add(struct verdict *verdict, enum fault fault, const char *fmt, ...)
{
	char line[LINE_ROOM];
	va_list ap;
	if (verdict->counts[fault]++ >= TOLD_OF_EACH)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	char *at = text_room(&verdict->told, 2 * LINE_ROOM);
	verdict->told.n += (size_t)snprintf(at, 2 * LINE_ROOM, "%s (%s): %s\n", FAULT_WORDS[fault].word,
					    FAULT_WORDS[fault].meaning, line);
}

void verdict_free(struct verdict *verdict)
{
	text_free(&verdict->told);
	text_free(&verdict->lost);
}

bool verdict_clean(const struct verdict *verdict)
{
	for (size_t i = 0; i < FAULTS_N; i++)
		if (verdict->counts[i] > 0)
			return false;
	return true;
}
