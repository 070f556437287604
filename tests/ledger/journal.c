/* journal.c - what was written, how it ended and when: a line for each write. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slots.h"

enum { FLUSH_BYTES = 64 * 1024, LINE_ROOM = 512, FIELDS = 10 };

void journal_create(struct journal *journal, const char *path, const struct journal_head *head)
{
	*journal = (struct journal){ .path = path, .fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) };
	if (journal->fd < 0 && errno == EEXIST)
		die("%s is there already: it may be what another run is to be verified by; name another file", path);
	if (journal->fd < 0)
		die("%s cannot be made: %s", path, strerror(errno));
	char *at = text_room(&journal->lines, LINE_ROOM);
	journal->lines.n += (size_t)snprintf(at, LINE_ROOM, "ledger 1 run %s workers %u seed %" PRIu64 "\n", head->run,
					     head->workers, head->seed);
	journal_flush(journal);
}

void journal_flush(struct journal *journal)
{
	size_t written = 0;
	while (written < journal->lines.n) {
		ssize_t n = write(journal->fd, journal->lines.at + written, journal->lines.n - written);
		if (n < 0 && errno != EINTR)
			die("%s cannot be written, and without it nothing can be verified: %s", journal->path,
			    strerror(errno));
		if (n > 0)
			written += (size_t)n;
	}
	journal->lines.n = 0;
}

void journal_close(struct journal *journal)
{
	journal_flush(journal);
	if (close(journal->fd) < 0)
		die("%s cannot be written: %s", journal->path, strerror(errno));
	text_free(&journal->lines);
}

static size_t print_detours(const unsigned detours[DETOURS_N], char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < DETOURS_N; i++)
		if (detours[i] > 0)
			n += (size_t)snprintf(out + n, size - n, "%s%s=%u", n ? "," : "", DETOUR_WORDS[i], detours[i]);
	return n > 0 ? n : (size_t)snprintf(out, size, "direct");
}

void journal_print(struct text *out, const struct entry *entry)
{
	char detours[128];
	print_detours(entry->detours, detours, sizeof detours);
	char *at = text_room(out, LINE_ROOM);
	int n = snprintf(at, LINE_ROOM,
			 "%s %s %" PRId64 " %" PRId64 " %u %s %" PRIu32 ":%" PRIu64 " %" PRId64 " %s %s\n",
			 OUTCOME_WORDS[entry->outcome], KIND_WORDS[entry->kind], entry->begin_us, entry->end_us,
			 entry->slot, entry->key, entry->worker, entry->number, entry->px_ms, detours, entry->node);
	if (n < 0 || n >= LINE_ROOM)
		die("the key %s makes a line that is too long for the journal", entry->key);
	out->n += (size_t)n;
}

void journal_add(struct journal *journal, const struct entry *entry)
{
	journal_print(&journal->lines, entry);
	if (journal->lines.n >= FLUSH_BYTES)
		journal_flush(journal);
}

/* ---- read again ---------------------------------------------------------------------------------------------- */

bool journal_parse_head(const char *line, struct journal_head *ret)
{
	return sscanf(line, "ledger 1 run %15[^ ] workers %u seed %" SCNu64, ret->run, &ret->workers, &ret->seed) == 3;
}

static bool word_in(const char *word, const char *const *words, int n, int *ret)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool whole_number(const char *text, char end, int64_t *ret, const char **ret_rest)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 18 || text[digits] != end)
		return false;
	*ret = strtoll(text, NULL, 10);
	if (ret_rest)
		*ret_rest = text + digits + 1;
	return true;
}

static bool parse_detours(char *text, unsigned ret[DETOURS_N])
{
	memset(ret, 0, DETOURS_N * sizeof *ret);
	if (strcmp(text, "direct") == 0)
		return true;
	for (char *save = NULL, *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		char *equals = strchr(word, '=');
		int64_t times;
		int detour;
		if (!equals)
			return false;
		*equals = '\0';
		if (!word_in(word, DETOUR_WORDS, DETOURS_N, &detour) || !whole_number(equals + 1, '\0', &times, NULL))
			return false;
		ret[detour] = (unsigned)times;
	}
	return true;
}

bool journal_parse(char *line, struct entry *ret)
{
	char *field[FIELDS], *save = NULL;
	for (int i = 0; i < FIELDS; i++)
		if (!(field[i] = strtok_r(i ? NULL : line, " ", &save)))
			return false;
	const char *number_text;
	int outcome, kind;
	int64_t slot, worker, number;
	if (strtok_r(NULL, " ", &save) || !word_in(field[0], OUTCOME_WORDS, OUTCOMES_N, &outcome) ||
	    !word_in(field[1], KIND_WORDS, KINDS_N, &kind) || !whole_number(field[2], '\0', &ret->begin_us, NULL) ||
	    !whole_number(field[3], '\0', &ret->end_us, NULL) || !whole_number(field[4], '\0', &slot, NULL) ||
	    slot >= SLOTS || !whole_number(field[6], ':', &worker, &number_text) || worker > UINT32_MAX ||
	    !whole_number(number_text, '\0', &number, NULL) || !whole_number(field[7], '\0', &ret->px_ms, NULL) ||
	    !parse_detours(field[8], ret->detours))
		return false;
	ret->outcome = (enum outcome)outcome;
	ret->kind = (enum kind)kind;
	ret->slot = (unsigned)slot;
	ret->key = field[5];
	ret->worker = (uint32_t)worker;
	ret->number = (uint64_t)number;
	ret->node = field[9];
	return true;
}
