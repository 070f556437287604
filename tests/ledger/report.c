/* report.c - what verify found, as text or JSON on stdout; the first of each fault in words on stderr. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static void print_text(const struct options *with, const struct books *books, const struct places *places,
		       const struct verdict *verdict)
{
	printf("acknowledged %" PRIu64 ", unknown %" PRIu64 ", refused %" PRIu64 "\n", books->outcomes[ACKNOWLEDGED],
	       books->outcomes[UNKNOWN], books->outcomes[REFUSED]);
	printf("of the acknowledged: direct %" PRIu64, books->direct);
	for (size_t i = 0; i < DETOURS_N; i++)
		printf(", %s %" PRIu64, DETOUR_WORDS[i], books->detours[i]);
	printf("\nlongest gap between two acknowledged: %" PRId64 " us, from %" PRId64 " on\n", books->gap.us,
	       books->gap.from_us);
	if (with->slots.n > 0)
		printf("... in the slots: %" PRId64 " us, from %" PRId64 " on\n", books->slots_gap.us,
		       books->slots_gap.from_us);
	if (with->between)
		printf("acknowledged from %" PRId64 " to %" PRId64 ": %" PRIu64 "\n", with->from_us, with->to_us,
		       books->between);
	if (with->slots.n > 0)
		printf("... on keys in the slots: %" PRIu64 "\n", books->slots_between);
	printf("on %zu primaries: %zu keys of the journal, %zu others\n", places->primaries, places->ours,
	       places->others);
	for (size_t i = 0; i < FAULTS_N; i++)
		printf("%s%s %" PRIu64, i ? ", " : "", FAULT_WORDS[i].word, verdict->counts[i]);
	printf("\n");
}

static void print_gap(const char *name, const struct gap *gap)
{
	printf(", \"%s\": { \"us\": %" PRId64 ", \"from\": %" PRId64 " }", name, gap->us, gap->from_us);
}

static void print_json(const struct options *with, const struct books *books, const struct places *places,
		       const struct verdict *verdict)
{
	printf("{ \"verified\": %s", verdict_clean(verdict) ? "true" : "false");
	for (size_t i = 0; i < OUTCOMES_N; i++)
		printf(", \"%s\": %" PRIu64, OUTCOME_WORDS[i], books->outcomes[i]);
	for (size_t i = 0; i < FAULTS_N; i++)
		printf(", \"%s\": %" PRIu64, FAULT_WORDS[i].json, verdict->counts[i]);
	printf(", \"direct\": %" PRIu64, books->direct);
	for (size_t i = 0; i < DETOURS_N; i++)
		printf(", \"%s\": %" PRIu64, DETOUR_WORDS[i], books->detours[i]);
	print_gap("longestGap", &books->gap);
	if (with->slots.n > 0)
		print_gap("longestGapInSlots", &books->slots_gap);
	if (with->between)
		printf(", \"between\": %" PRIu64, books->between);
	if (with->slots.n > 0)
		printf(", \"betweenInSlots\": %" PRIu64, books->slots_between);
	printf(", \"primaries\": %zu, \"keys\": %zu, \"otherKeys\": %zu }\n", places->primaries, places->ours,
	       places->others);
}

void report_print(const struct options *with, const struct books *books, const struct places *places,
		  const struct verdict *verdict)
{
	if (with->json)
		print_json(with, books, places, verdict);
	else
		print_text(with, books, places, verdict);
	fflush(stdout);
	if (verdict->told.n > 0)
		fwrite(verdict->told.at, 1, verdict->told.n, stderr);
}
