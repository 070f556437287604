/* books.c - a journal as it is verified: an account for each key; and what the writes' times tell. */
#include "books.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_gap(struct gap *longest, int64_t *last_us, int64_t now_us)
{
	if (*last_us && now_us - *last_us > longest->us)
		*longest = (struct gap){ .us = now_us - *last_us, .from_us = *last_us };
	*last_us = now_us;
}

static void take_times(struct books *books, const struct entry *entry, const struct books_window *window)
{
	int64_t end = entry->end_us;
	take_gap(&books->gap, &books->last_us, end);
	if (!window)
		return;
	bool in_slots = window->slots->has[entry->slot], in_time = end >= window->from_us && end <= window->to_us;
	if (in_slots)
		take_gap(&books->slots_gap, &books->slots_last_us, end);
	books->between += in_time;
	books->slots_between += in_time && in_slots;
}

void books_add(struct books *books, const struct entry *entry, const struct books_window *window)
{
	size_t account = names_add(&books->keys, entry->key, strlen(entry->key));
	if (account == books->accounts.n)
		*list_add(&books->accounts) = (struct account){ .kind = entry->kind, .slot = entry->slot };
	books->accounts.at[account].n++;
	*list_add(&books->records) = (struct record){
		.account = account,
		.worker = entry->worker,
		.number = entry->number,
		.begin_us = entry->begin_us,
		.end_us = entry->end_us,
		.px_ms = entry->px_ms,
		.outcome = entry->outcome,
	};
	books->outcomes[entry->outcome]++;
	if (entry->outcome != ACKNOWLEDGED)
		return;
	bool direct = true;
	for (size_t i = 0; i < DETOURS_N; i++) {
		books->detours[i] += entry->detours[i] > 0;
		direct &= entry->detours[i] == 0;
	}
	books->direct += direct;
	take_times(books, entry, window);
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_account(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	int diff = order(a->account, b->account);
	if (diff == 0)
		diff = order(a->worker, b->worker);
	return diff ? diff : order(a->number, b->number);
}

void books_close(struct books *books)
{
	size_t first = 0;
	if (books->records.n > 0)
		qsort(books->records.at, books->records.n, sizeof *books->records.at, by_account);
	for (size_t i = 0; i < books->accounts.n; i++) {
		books->accounts.at[i].first = first;
		first += books->accounts.at[i].n;
	}
}

void books_read(struct books *books, const char *path, const struct books_window *window)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, number = 0;
	ssize_t n;
	if (!file)
		die("%s cannot be read: %s", path, strerror(errno));
	*books = (struct books){ 0 };
	while ((n = getline(&line, &size, file)) > 0) {
		struct entry entry;
		if (line[n - 1] != '\n')
			die("%s:%zu: the line is cut off; was the ledger killed, or the disk full?", path, number + 1);
		line[n - 1] = '\0';
		if (number++ == 0) {
			if (!journal_parse_head(line, &books->head))
				die("%s is no journal of a ledger", path);
			continue;
		}
		if (!journal_parse(line, &entry) || entry.worker >= books->head.workers)
			die("%s:%zu: this is no line of a journal", path, number);
		books_add(books, &entry, window);
	}
	if (ferror(file) || number == 0)
		die("%s cannot be read, or is empty", path);
	free(line);
	fclose(file);
	books_close(books);
}

void books_free(struct books *books)
{
	free(books->records.at);
	free(books->accounts.at);
	names_free(&books->keys);
}

struct record *account_find(const struct books *books, const struct account *account, uint32_t worker, uint64_t number)
{
	struct record wanted = { .account = (size_t)(account - books->accounts.at),
				 .worker = worker,
				 .number = number };
	return bsearch(&wanted, books->records.at + account->first, account->n, sizeof wanted, by_account);
}
