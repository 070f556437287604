/* folder.c - the folder of topology files: what is there, what is right, and what stands in two of them.
 *
 * A scan reads what has changed, finds conflicts over all files, and then tells each cluster what is wanted. A file
 * with errors changes nothing: what it said last stays in force; after a restart that is what the journal accepted from
 * it last. Only a file that is gone ends something, and that is the managing.
 */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rop/text.h"

/* ---- the list ---------------------------------------------------------------------------------------------- */

static struct file *file_get(struct daemon *daemon, const char *path)
{
	struct file **at = &daemon->files;
	while (*at && strcmp((*at)->path, path) < 0)
		at = &(*at)->next;
	if (*at && strcmp((*at)->path, path) == 0)
		return *at;
	struct file *file = rop_malloc(sizeof *file);
	*file = (struct file){ .next = *at, .path = rop_heap_strdup(path) };
	*at = file;
	return file;
}

static void file_free(struct file *file)
{
	revision_free(file->parsed);
	rop_text_done(&file->errors);
	free(file->logged);
	free(file->path);
	free(file);
}

/* ---- errands to the database ------------------------------------------------------------------------------- */

/* In an arena of its own, which goes with it. size: of the structure that it is the first member of. */
static void *errand_new(struct daemon *daemon, size_t size)
{
	struct rop_arena *arena = rop_arena_new();
	struct errand *errand = rop_alloc(arena, size);
	errand->daemon = daemon;
	errand->arena = arena;
	errand->next = daemon->errands;
	daemon->errands = errand;
	return errand;
}

static void errand_free(struct errand *errand)
{
	struct errand **at = &errand->daemon->errands;
	while (*at != errand)
		at = &(*at)->next;
	*at = errand->next;
	rop_write_close(&errand->write);
	rop_arena_free(errand->arena);
}

void files_free(struct daemon *daemon)
{
	rop_text_done(&daemon->strays);
	while (daemon->errands)
		errand_free(daemon->errands);
	while (daemon->files) {
		struct file *next = daemon->files->next;
		file_free(daemon->files);
		daemon->files = next;
	}
}

static struct cluster *cluster_of_path(const struct daemon *daemon, const char *path)
{
	for (struct cluster *c = daemon->clusters; c; c = c->next)
		if (c->wanted && strcmp(c->path, path) == 0)
			return c;
	return NULL;
}

static struct cluster *cluster_of_name(const struct daemon *daemon, const char *name)
{
	for (struct cluster *c = daemon->clusters; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static bool same_version(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void read_file(struct daemon *daemon, struct file *file)
{
	revision_free(file->parsed);
	file->asked = false;
	rop_text_done(&file->errors);
	file->parsed = revision_load(&daemon->config, file->path, &file->errors);
	file->own_errors = file->errors.n;
}

static bool is_topology(const char *name)
{
	size_t n = strlen(name);
	return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

/* cart.yml, which somebody takes for a topology: said once, as long as it is there. */
static void note_stray(struct daemon *daemon, const char *name, struct rop_text *now)
{
	size_t n = strlen(name);
	if (name[0] == '.' || n < 5 || strcasecmp(name + n - 4, ".yml") != 0)
		return;
	ROP_OWN_TEXT line = { 0 };
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", daemon->config.clusters, name);
	rop_text_add(&line, "/%s/\n", name); /* no name has a slash: none is part of another */
	rop_text_put(now, line.at, line.n);
	if (!daemon->strays.n || !strstr(daemon->strays.at, line.at))
		rop_log(ROP_LOG_WARN, "not taken for a topology file: its name does not end in .yaml",
			ROP_FIELDS({ "path", path }));
}

/* A link that leads nowhere, or to what may not be looked at, is a file with errors: it is not gone. */
static bool is_there(const char *path, struct stat *ret_version)
{
	return stat(path, ret_version) == 0 || lstat(path, ret_version) == 0;
}

static bool read_folder(struct daemon *daemon, bool all, bool *ret_news, struct rop_err *err)
{
	const char *folder = daemon->config.clusters;
	bool news = false;
	DIR *dir = opendir(folder);
	if (!dir)
		return rop_fail(err, ROP_INVALID,
				"the folder of topology files %s cannot be read: %s\n"
				"  -> make it, or name another one: --clusters DIR, or `clusters` in the configuration",
				folder, strerror(errno));
	for (struct file *file = daemon->files; file; file = file->next)
		file->seen = false;
	struct rop_text strays = { 0 };
	for (struct dirent *entry; (entry = readdir(dir));) {
		note_stray(daemon, entry->d_name, &strays);
		char path[4096];
		struct stat version;
		if (!is_topology(entry->d_name) ||
		    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path ||
		    !is_there(path, &version))
			continue;
		struct file *file = file_get(daemon, path);
		file->seen = true;
		if (!all && same_version(&file->version, &version))
			continue;
		file->version = version;
		read_file(daemon, file);
		news = true;
	}
	closedir(dir);
	rop_text_done(&daemon->strays);
	daemon->strays = strays;
	for (struct file *file = daemon->files; file; file = file->next)
		news |= !file->seen;
	*ret_news = news;
	return true;
}

/* ---- conflicts --------------------------------------------------------------------------------------------- */

struct claim { /* a name or an address, by the file that says it */
	char *key;
	struct file *file;
	const char *what; /* for people */
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : strcmp(x->file->path, y->file->path);
}

/* What a file stands for: what it says, or while it has errors what it said last. */
static const struct rop_topology *stands_for(struct daemon *daemon, const struct file *file)
{
	if (file->parsed)
		return file->parsed->topology;
	const struct cluster *c = cluster_of_path(daemon, file->path);
	return c ? c->wanted->topology : NULL;
}

static void add_conflict(struct file *file, const struct file *other, const char *what)
{
	rop_text_add(&file->errors, "%s: error: %s is also declared in %s\n", file->path, what, other->path);
}

static void find_conflicts(struct daemon *daemon)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	ROP_LIST(struct claim) claims = { 0 };
	for (struct file *file = daemon->files; file; file = file->next) {
		const struct rop_topology *t = stands_for(daemon, file);
		if (file->errors.n > file->own_errors) {
			file->errors.n = file->own_errors;
			file->errors.at[file->own_errors] = '\0';
		}
		if (!t)
			continue;
		*rop_push(arena, &claims) = (struct claim){ .key = rop_printf(arena, "cluster %s", t->name),
							    .file = file,
							    .what = rop_printf(arena, "cluster '%s'", t->name) };
		for (size_t i = 0; i < t->nodes.n; i++) {
			const char *host = t->nodes.at[i].host;
			int port = t->nodes.at[i].port;
			*rop_push(arena, &claims) = (struct claim){
				.key = rop_printf(arena, "node %s %d", host, port),
				.file = file,
				.what = rop_printf(arena, "node %s", rop_address_join(arena, host, port)),
			};
		}
	}
	if (claims.n)
		qsort(claims.at, claims.n, sizeof *claims.at, compare_claims);
	for (size_t i = 1; i < claims.n; i++) {
		const struct claim *a = &claims.at[i - 1], *b = &claims.at[i];
		if (strcmp(a->key, b->key) != 0 || a->file == b->file)
			continue;
		add_conflict(a->file, b->file, a->what);
		add_conflict(b->file, a->file, b->what);
	}
}

/* ---- what follows ------------------------------------------------------------------------------------------ */

static void want(struct daemon *daemon, struct file *file)
{
	ROP_OWN_TEXT errors = { 0 }; /* stays empty: it was right when it was read */
	const char *name = file->parsed->topology->name;
	struct cluster *before = cluster_of_path(daemon, file->path), *c = cluster_of_name(daemon, name);
	if (before && before != c)
		cluster_want(before, NULL); /* the file is another cluster's now */
	if (!c)
		c = cluster_new(daemon, name, file->path);
	if (c->wanted && strcmp(c->wanted->source, file->parsed->source) == 0 && strcmp(c->path, file->path) == 0 &&
	    c->wanted->topology->interval_ms == file->parsed->topology->interval_ms &&
	    c->wanted->topology->connect_timeout_ms == file->parsed->topology->connect_timeout_ms &&
	    c->wanted->topology->command_timeout_ms == file->parsed->topology->command_timeout_ms)
		return; /* written again, nothing else */
	rop_log(ROP_LOG_INFO, c->wanted ? "its topology has changed" : "managed from now on",
		ROP_FIELDS({ "cluster", name }, { "path", file->path }));
	free(c->path);
	c->path = rop_heap_strdup(file->path);
	cluster_want(c, revision_parse(&daemon->config, file->path, file->parsed->source, &errors));
}

/* The last good revision of a file with errors, from the journal: after a restart nothing else knows it. */
struct asking {
	struct errand errand; /* first */
	const char *path, *cluster, *source;
};

static bool ask(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct asking *a = ROP_OWNER(write, struct asking, errand.write);
	return rop_store_source_of_path(store, a->errand.arena, a->path, &a->cluster, &a->source, err);
}

static void take_last_good(struct daemon *daemon, const struct asking *a)
{
	ROP_OWN_TEXT errors = { 0 };
	const struct file *file = daemon->files;
	while (file && strcmp(file->path, a->path) != 0)
		file = file->next;
	if (!file || !file->errors.n || !a->source || cluster_of_path(daemon, a->path) ||
	    cluster_of_name(daemon, a->cluster))
		return;
	struct revision *revision = revision_parse(&daemon->config, a->path, a->source, &errors);
	if (!revision)
		return;
	rop_log(ROP_LOG_WARN, "its file has errors: the revision accepted last stays in force",
		ROP_FIELDS({ "cluster", a->cluster }, { "path", a->path }));
	cluster_want(cluster_new(daemon, a->cluster, a->path), revision);
}

static void answered(struct rop_write *write, const struct rop_err *err)
{
	struct asking *a = ROP_OWNER(write, struct asking, errand.write);
	struct daemon *daemon = a->errand.daemon;
	if (err)
		daemon_fail(daemon, err);
	else if (!daemon->ending)
		take_last_good(daemon, a);
	errand_free(&a->errand);
}

static void ask_for_last_good(struct daemon *daemon, struct file *file)
{
	if (file->asked || cluster_of_path(daemon, file->path))
		return;
	file->asked = true;
	struct asking *a = errand_new(daemon, sizeof *a);
	a->path = rop_strdup(a->errand.arena, file->path);
	rop_writer_call(daemon->writer, &a->errand.write, ask, answered);
}

static void log_errors(struct file *file)
{
	const char *now = file->errors.n ? file->errors.at : NULL;
	if (rop_streq(file->logged, now))
		return;
	free(file->logged);
	file->logged = now ? rop_heap_strdup(now) : NULL;
	if (now)
		rop_log(ROP_LOG_ERROR, "a topology file has errors",
			ROP_FIELDS({ "path", file->path }, { "error", now }));
	else
		rop_log(ROP_LOG_INFO, "the topology file is right again", ROP_FIELDS({ "path", file->path }));
}

/* A file that is gone: its cluster is managed no more. Nothing on the nodes changes. */
static void drop_gone(struct daemon *daemon)
{
	for (struct file **at = &daemon->files; *at;) {
		struct file *file = *at;
		if (file->seen) {
			at = &file->next;
			continue;
		}
		struct cluster *c = cluster_of_path(daemon, file->path);
		*at = file->next;
		if (c) {
			rop_log(ROP_LOG_INFO, "its file is gone: no longer managed, nothing is changed",
				ROP_FIELDS({ "cluster", c->name }, { "path", file->path }));
			cluster_want(c, NULL);
		}
		file_free(file);
	}
}

/* ---- errors into the journal, where `status` finds them ------------------------------------------------------ */

struct noting {
	struct errand errand;                   /* first */
	ROP_LIST(struct rop_file_error) errors; /* as they are now */
};

static bool note_errors(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct noting *n = ROP_OWNER(write, struct noting, errand.write);
	ROP_OWN_ARENA arena = rop_arena_new(); /* of this try */
	struct rop_file_error *known;
	size_t n_known;
	if (!rop_store_file_errors(store, arena, NULL, &known, &n_known, err))
		return false;
	for (size_t i = 0; i < n_known; i++) {
		bool still = false;
		for (size_t k = 0; k < n->errors.n; k++)
			still |= strcmp(known[i].path, n->errors.at[k].path) == 0;
		if (!still && !rop_store_file_error(store, known[i].path, NULL, NULL, rop_wall_ms(), err))
			return false;
	}
	for (size_t k = 0; k < n->errors.n; k++)
		if (!rop_store_file_error(store, n->errors.at[k].path, n->errors.at[k].cluster, n->errors.at[k].text,
					  rop_wall_ms(), err))
			return false;
	return true;
}

static void errors_noted(struct rop_write *write, const struct rop_err *err)
{
	struct noting *n = ROP_OWNER(write, struct noting, errand.write);
	if (err)
		daemon_fail(n->errand.daemon, err);
	errand_free(&n->errand);
}

static void keep_errors(struct daemon *daemon)
{
	struct noting *n = errand_new(daemon, sizeof *n);
	struct rop_arena *arena = n->errand.arena;
	for (struct file *file = daemon->files; file; file = file->next) {
		const struct rop_topology *t = file->errors.n ? stands_for(daemon, file) : NULL;
		if (file->errors.n)
			*rop_push(arena,
				  &n->errors) = (struct rop_file_error){ .path = rop_strdup(arena, file->path),
									 .cluster = t ? rop_strdup(arena, t->name)
										      : NULL,
									 .text = rop_strdup(arena, file->errors.at) };
	}
	rop_writer_call(daemon->writer, &n->errand.write, note_errors, errors_noted);
}

/* ---- the scan ---------------------------------------------------------------------------------------------- */

bool files_scan(struct daemon *daemon, bool all, struct rop_err *err)
{
	bool news = false, errors = false;
	if (!read_folder(daemon, all, &news, err))
		return false;
	if (!news && daemon->ready)
		return true;
	drop_gone(daemon);
	find_conflicts(daemon);
	for (struct file *file = daemon->files; file; file = file->next) {
		if (!rop_streq(file->logged, file->errors.n ? file->errors.at : NULL))
			errors = true;
		log_errors(file);
		if (file->errors.n)
			ask_for_last_good(daemon, file);
		else
			want(daemon, file);
	}
	if (errors || !daemon->ready)
		keep_errors(daemon);
	return true;
}
