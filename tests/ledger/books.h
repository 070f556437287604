/* books.h - a journal as it is verified: an account for each key, with the writes to it; and what their times tell. */
#ifndef LEDGER_BOOKS_H
#define LEDGER_BOOKS_H

#include "journal.h"
#include "names.h"
#include "slots.h"

struct record {
	size_t account;
	uint32_t worker;
	uint64_t number;
	int64_t begin_us, end_us, px_ms;
	enum outcome outcome;
	unsigned seen[2]; /* so often it was found, in a pair's first and second list */
};

struct account { /* its name is the key's: keys.list.at[its number] */
	enum kind kind;
	unsigned slot;
	size_t first, n; /* its records, by worker and number */
};

struct gap {
	int64_t us, from_us;
};

struct books {
	struct journal_head head;
	LIST(struct record) records;
	LIST(struct account) accounts;
	struct names keys;

	uint64_t outcomes[OUTCOMES_N];
	uint64_t detours[DETOURS_N];    /* acknowledged writes that met such a thing */
	uint64_t direct;                /* acknowledged writes that met none */
	struct gap gap, slots_gap;      /* the longest between two acknowledged writes: of all, of those to the slots */
	int64_t last_us, slots_last_us; /* when the newest acknowledged one ended */
	uint64_t between, slots_between;
};

/* What is counted besides; NULL: nothing. */
struct books_window {
	int64_t from_us, to_us;
	const struct slot_set *slots;
};

/* A line of the journal behind another one (see journal_parse); in the order of the file. */
void books_add(struct books *books, const struct entry *entry, const struct books_window *window);
/* Sorts the records to their accounts; nothing is added afterwards. */
void books_close(struct books *books);
/* All of a file; what is wrong with it ends the process. */
void books_read(struct books *books, const char *path, const struct books_window *window);
void books_free(struct books *books);

static inline const char *account_name(const struct books *books, const struct account *account)
{
	return books->keys.list.at[account - books->accounts.at].text;
}
/* The account's record of that write, or NULL. */
struct record *account_find(const struct books *books, const struct account *account, uint32_t worker, uint64_t number);

#endif
