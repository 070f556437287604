/* verify.c - `ledger verify`: the journal against what is in the cluster. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "judge.h"
#include "places.h"
#include "read_back.h"
#include "report.h"
#include "run.h"

#define FIRST_MAP_US (5 * US_PER_S)

static void write_lost(const char *path, const struct text *lost)
{
	FILE *file = fopen(path, "we");
	if (!file || fwrite(lost->at, 1, lost->n, file) != lost->n || fclose(file) != 0)
		die("%s cannot be written: %s", path, strerror(errno));
}

int verify(const struct options *with)
{
	struct books_window window = { .from_us = 0, .to_us = INT64_MAX, .slots = &with->slots };
	struct verdict verdict = { 0 };
	struct cluster cluster;
	struct places places;
	struct books books;
	struct judge judge;
	if (with->between) {
		window.from_us = with->from_us;
		window.to_us = with->to_us;
	}
	books_read(&books, with->journal, &window);
	if (books.last_us > now_us())
		die("%s is of another machine, or from before it was booted: its times mean nothing here",
		    with->journal);
	cluster_open(&cluster, with->nodes, with->timeout_ms * US_PER_MS);
	if (!cluster_first_map(&cluster, FIRST_MAP_US))
		die("none of %s tells who owns the slots: nothing can be read back", with->nodes);
	judge_init(&judge, &books, &verdict);
	read_back(&cluster, &judge);
	places_search(&cluster, &books, &verdict, &places);
	report_print(with, &books, &places, &verdict);
	if (with->lost_file)
		write_lost(with->lost_file, &verdict.lost);
	bool clean = verdict_clean(&verdict);
	judge_done(&judge);
	books_free(&books);
	verdict_free(&verdict);
	cluster_close(&cluster);
	return clean ? 0 : 1;
}
