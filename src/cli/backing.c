/* backing.c - what `backup` and `restore` say while threads are at work: one live line, else one every ten seconds. */
#include "backing.h"

#include "rop/backup_report.h"
#include "rop/text.h"

#define SAID_EVERY_MS 10000

struct backing backing_begin(struct cli *cli, const char *what, int64_t of)
{
	int64_t now = rop_boot_ms();
	return (struct backing){ .cli = cli, .what = what, .began_ms = now, .said_ms = now, .of = of };
}

void backing_tell(void *arg, const struct rop_backup_progress *shards, size_t n)
{
	struct backing *b = arg;
	int64_t now = rop_boot_ms();
	ROP_OWN_TEXT line = { 0 };
	if (!b->cli->live && now - b->said_ms < SAID_EVERY_MS)
		return;
	b->said_ms = now;
	rop_text_add(&line, "%s: ", b->what);
	rop_report_backup_progress(shards, n, now - b->began_ms, b->of, &line);
	if (b->cli->live) {
		fprintf(stderr, "\r\033[K%.*s", (int)rop_text_fits(line.at, cli_columns(stderr)), line.at);
		b->line_open = true;
	} else if (b->cli->values.output == CLI_TEXT) {
		cli_tell(b->cli, "%s", line.at);
	}
}

void backing_end(struct backing *b)
{
	if (b->line_open)
		fputs("\r\033[K", stderr);
	b->line_open = false;
}
