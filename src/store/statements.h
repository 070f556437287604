/* statements.h - every SQL statement of the program, named; and the cursor that binds, runs and reads them. */
#ifndef ROP_STORE_STATEMENTS_H
#define ROP_STORE_STATEMENTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/mem.h"

struct rop_store;

/* When a statement is prepared: SETUP on its first use, READ at opening, READ_2 and so on too, unless the database is
 * still of an older schema, WRITE at opening for writing (so that a database that does not fit is found before anything
 * is sent). */
enum sql_when {
	SQL_WHEN_SETUP,
	SQL_WHEN_READ,
	SQL_WHEN_READ_2,
	SQL_WHEN_READ_3,
	SQL_WHEN_READ_4,
	SQL_WHEN_READ_5,
	SQL_WHEN_READ_6,
	SQL_WHEN_WRITE
};

/* The columns of an expectation, in the order in which commit.c writes and image.c reads them. */
#define SQL_EXPECT_COLUMNS \
	"kind, subject, node, peer, first_slot, last_slot, epoch, name, value, was, address, " \
	"command, precondition, why, issued_wall_ms, issued_boot_ms, deadline_boot_ms, attempts"

/* Where the node of a move of its own machine ("node:ID") was seen last. */
#define SQL_ADDRESS_OF_MOVE \
	"coalesce((SELECT m.address FROM member m WHERE m.cluster = t.cluster AND 'node:' || m.node = t.subject)," \
	" (SELECT x.address FROM expectation x WHERE x.cluster = t.cluster AND 'node:' || x.node = t.subject" \
	" ORDER BY x.id DESC LIMIT 1))"

/* Moves and steps of a cluster, the newest ?2 of each. */
#define SQL_HISTORY_LINES \
	"SELECT * FROM (SELECT t.pass, 0 AS kind, t.id, p.wall_ms, p.pid, t.from_state AS a," \
	" t.to_state AS b, t.why AS c, t.row AS d," \
	" CASE WHEN t.subject LIKE 'node:%' THEN " SQL_ADDRESS_OF_MOVE " END AS e, 0 AS attempts, 0 AS resolved," \
	" CASE WHEN t.subject LIKE '%:%' THEN t.subject END AS f" \
	" FROM transition_log t JOIN pass p ON p.id = t.pass WHERE t.cluster = ?1 ORDER BY t.id DESC" \
	" LIMIT ?2)" \
	" UNION ALL SELECT * FROM (SELECT x.pass, 1, x.id, x.issued_wall_ms, p.pid, x.subject, x.command," \
	" x.status, x.note, x.address, x.attempts, x.resolved_wall_ms, x.why" \
	" FROM expectation x JOIN pass p ON p.id = x.pass WHERE x.cluster = ?1 ORDER BY x.id DESC LIMIT ?2)"

/* ... and what people asked for. */
#define SQL_HISTORY_DEEDS \
	" UNION ALL SELECT * FROM (SELECT pass, 2, id, wall_ms, pid, user, command, what, reason, host," \
	" uid, 0, note FROM deed WHERE cluster = ?1 ORDER BY id DESC LIMIT ?2)"

/* ... and wanted: these are read one by one, for their rows are another shape. */
#define SQL_HISTORY_WISHES \
	" UNION ALL SELECT * FROM (SELECT pass, 3, id, asked_wall_ms, pid, NULL, NULL, NULL, NULL, NULL," \
	" 0, 0, NULL FROM wish WHERE cluster = ?1 ORDER BY id DESC LIMIT ?2)"
#define SQL_HISTORY_DRAINS \
	" UNION ALL SELECT * FROM (SELECT pass, 4, id, asked_wall_ms, pid, NULL, NULL, NULL, NULL, NULL," \
	" 0, 0, NULL FROM drain WHERE cluster = ?1 ORDER BY id DESC LIMIT ?2)" \
	" UNION ALL SELECT * FROM (SELECT ended_pass, 5, id, ended_wall_ms, ended_pid, NULL, NULL, NULL, NULL, NULL," \
	" 0, 0, NULL FROM drain WHERE cluster = ?1 AND ended_user <> '' ORDER BY id DESC LIMIT ?2)"

/* The columns of a wish, in the order in which wish.c reads them. */
#define SQL_WISH_COLUMNS \
	"id, shard, node, address, leader, leader_address, asked_wall_ms, closed_wall_ms, status, note," \
	" user, uid, host, pid, command, reason"

/* The columns of a drain, in the order in which drain.c reads them; and of its end: who. */
#define SQL_DRAIN_COLUMNS "id, target, is_zone, asked_wall_ms, until_wall_ms, fewer, ended_wall_ms"
#define SQL_DRAIN_BY " user, uid, host, pid, command, reason"
#define SQL_DRAIN_ENDED_BY " ended_user, ended_uid, ended_host, ended_pid, ended_command, ended_reason"

/* X(name, when, text). Parameters are numbered in the order in which they are bound. */
/* clang-format off */
#define SQL_STATEMENTS(X) \
	/* opening */ \
	X(IDENTITY, SETUP, "SELECT (SELECT application_id FROM pragma_application_id)," \
		" (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)") \
	X(QUICK_CHECK, SETUP, "PRAGMA quick_check(1)") \
	X(FOREIGN_KEY_CHECK, SETUP, "PRAGMA foreign_key_check") \
	X(COPY, SETUP, "VACUUM INTO ?1") \
	/* transactions */ \
	X(BEGIN_WRITE, SETUP, "BEGIN IMMEDIATE") \
	X(BEGIN_READ, SETUP, "BEGIN DEFERRED") \
	X(COMMIT, SETUP, "COMMIT") \
	X(ROLLBACK, SETUP, "ROLLBACK") \
	/* one request of a group */ \
	X(REQUEST_BEGIN, SETUP, "SAVEPOINT request") \
	X(REQUEST_KEEP, SETUP, "RELEASE request") \
	X(REQUEST_UNDO, SETUP, "ROLLBACK TO request") \
	/* the database itself */ \
	X(DATA_VERSION, READ, "PRAGMA data_version") \
	X(INSTANCE, READ_2, "SELECT name FROM instance") \
	/* clusters */ \
	X(CLUSTER_NAMES, READ, "SELECT name FROM cluster ORDER BY name") \
	X(CLUSTER_IDS, READ, "SELECT id FROM cluster ORDER BY id") \
	X(CLUSTER_FIND, READ, "SELECT id, boot_id FROM cluster WHERE name = ?1") \
	X(CLUSTER_GET, READ_4, "SELECT formed_wall_ms, reached_revision, state, state_since_wall_ms," \
		" state_since_boot_ms, boot_id, paused, paused_until_wall_ms, paused_by, moving FROM cluster" \
		" WHERE id = ?1") \
	X(CLUSTER_GET_3, READ, "SELECT formed_wall_ms, reached_revision, state, state_since_wall_ms," \
		" state_since_boot_ms, boot_id, paused, paused_until_wall_ms, paused_by, 0 FROM cluster" \
		" WHERE id = ?1") \
	X(CLUSTER_PAUSED, READ, "SELECT 1 FROM cluster WHERE name = ?1 AND paused = 1" \
		" AND (paused_until_wall_ms = 0 OR paused_until_wall_ms > ?2)") \
	X(CLUSTER_PAUSES, READ, "SELECT name, paused_by, paused_until_wall_ms FROM cluster WHERE paused = 1 ORDER" \
		" BY name") \
	X(CLUSTER_ADD, WRITE, "INSERT INTO cluster (name) VALUES (?1)") \
	X(CLUSTER_PAUSE, WRITE, "UPDATE cluster SET paused = 1, paused_until_wall_ms = ?2, paused_by = ?3," \
		" pause_changed_wall_ms = ?4 WHERE id = ?1") \
	X(CLUSTER_RESUME, WRITE, "UPDATE cluster SET paused = 0, paused_until_wall_ms = 0, paused_by = NULL," \
		" pause_changed_wall_ms = ?2 WHERE id = ?1 AND paused = 1") \
	X(CLUSTER_MOVE, WRITE, "UPDATE cluster SET boot_id = ?2, state = coalesce(?3, state)," \
		" state_since_wall_ms = iif(?4, ?5, state_since_wall_ms)," \
		" state_since_boot_ms = iif(?4, ?6, state_since_boot_ms)," \
		" formed_wall_ms = iif(?7 AND formed_wall_ms = 0, ?5, formed_wall_ms)," \
		" reached_revision = iif(?8 <> 0, ?8, reached_revision), moving = coalesce(?9, moving) WHERE id = ?1") \
	/* a new boot: the same moments on the new boot's clock; ?2, ?3: now, on the boot and the wall clock */ \
	X(CLUSTER_REBOOT, WRITE, "UPDATE cluster SET state_since_boot_ms = ?2 - max(0, ?3 - state_since_wall_ms)" \
		" WHERE id = ?1") \
	X(EXPECT_REBOOT, WRITE, "UPDATE expectation SET issued_boot_ms = ?2 - max(0, ?3 - issued_wall_ms)," \
		" deadline_boot_ms = ?2 - max(0, ?3 - issued_wall_ms) + deadline_boot_ms - issued_boot_ms" \
		" WHERE cluster = ?1 AND status = 'pending'") \
	/* revisions */ \
	X(REVISION_NEWEST, READ, "SELECT revision, digest FROM revision WHERE cluster = ?1" \
		" ORDER BY revision DESC LIMIT 1") \
	X(REVISION_SOURCE, READ, "SELECT source, path FROM revision JOIN cluster ON cluster.id = revision.cluster" \
		" WHERE name = ?1 ORDER BY revision DESC LIMIT 1") \
	/* rows are never deleted: their order is that of acceptance, whatever the wall clock did */ \
	X(REVISION_OF_PATH, READ, "SELECT name, source FROM revision r JOIN cluster c ON c.id = r.cluster" \
		" WHERE path = ?1 AND revision = (SELECT max(revision) FROM revision WHERE cluster = r.cluster)" \
		" ORDER BY r.rowid DESC LIMIT 1") \
	X(REVISION_MOVE, WRITE, "UPDATE revision SET path = ?3 WHERE cluster = ?1 AND revision = ?2 AND path <> ?3") \
	X(REVISION_ADD, WRITE, "INSERT INTO revision (cluster, revision, wall_ms, digest, canonical, source, path)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	/* topology files with errors */ \
	X(FILE_ERRORS, READ_2, "SELECT path, cluster, text, since_wall_ms FROM file_error" \
		" WHERE ?1 IS NULL OR cluster = ?1 ORDER BY path") \
	X(FILE_ERROR_SET, WRITE, "INSERT INTO file_error (path, cluster, text, since_wall_ms) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT (path) DO UPDATE SET cluster = excluded.cluster, text = excluded.text" \
		" WHERE cluster IS NOT excluded.cluster OR text <> excluded.text") \
	X(FILE_ERROR_DROP, WRITE, "DELETE FROM file_error WHERE path = ?1") \
	/* members */ \
	X(OTHERS_GET, READ, "SELECT m.node, c.name FROM member AS m JOIN cluster AS c ON c.id = m.cluster" \
	  " WHERE m.cluster <> ?1 ORDER BY m.cluster LIMIT 1000") \
	X(MEMBERS_GET_3, READ, "SELECT node, address, shard, NULL, 0 FROM member WHERE cluster = ?1 ORDER BY id") \
	X(MEMBERS_GET, READ_4, "SELECT node, address, shard, ip, forgotten_boot_ms FROM member" \
		" WHERE cluster = ?1 ORDER BY id") \
	X(MEMBERS_CLEAR, WRITE, "DELETE FROM member WHERE cluster = ?1") \
	X(MEMBER_ADD, WRITE, "INSERT INTO member (cluster, node, address, shard, ip, forgotten_boot_ms)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)" \
		" ON CONFLICT (cluster, node) DO UPDATE SET address = excluded.address, shard = excluded.shard," \
		" ip = excluded.ip, forgotten_boot_ms = excluded.forgotten_boot_ms") \
	/* shards; without a copy its columns are NULL */ \
	X(SHARDS_GET, READ_3, "SELECT s.number, s.slots, c.node, c.address, c.led, c.repl_offset, c.keys," \
		" c.seen_wall_ms" \
		" FROM shard s LEFT JOIN shard_copy c ON c.cluster = s.cluster AND c.number = s.number" \
		" WHERE s.cluster = ?1 ORDER BY s.number, c.place") \
	X(SHARD_COPIES_CLEAR, WRITE, "DELETE FROM shard_copy WHERE cluster = ?1") \
	X(SHARDS_CLEAR, WRITE, "DELETE FROM shard WHERE cluster = ?1") \
	X(SHARD_ADD, WRITE, "INSERT INTO shard (cluster, number, slots) VALUES (?1, ?2, ?3)") \
	X(SHARD_COPY_ADD, WRITE, "INSERT INTO shard_copy (cluster, number, place, node, address, led," \
		" repl_offset, keys," \
		" seen_wall_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
	/* the journal */ \
	X(PASS_NEWEST, READ, "SELECT coalesce(max(id), 0) FROM pass WHERE cluster = ?1") \
	/* ?2: older than this; ?3: but not the newest so many, at least one; ?4: at most so many */ \
	X(PASS_OLD, WRITE, "SELECT id FROM pass WHERE cluster = ?1 AND wall_ms < ?2 AND id <" \
		" (SELECT id FROM pass WHERE cluster = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3 - 1) AND NOT EXISTS" \
		" (SELECT 1 FROM expectation WHERE pass = pass.id AND status = 'pending') ORDER BY wall_ms LIMIT ?4") \
	X(PASS_DROP, WRITE, "DELETE FROM pass WHERE id = ?1") \
	X(TRANSITIONS_DROP, WRITE, "DELETE FROM transition_log WHERE pass = ?1") \
	X(EXPECTS_DROP, WRITE, "DELETE FROM expectation WHERE pass = ?1") \
	X(PASS_ADD, WRITE, "INSERT INTO pass (cluster, wall_ms, boot_ms, boot_id, pid) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(TRANSITION_ADD, WRITE, "INSERT INTO transition_log (cluster, pass, machine, digest, subject, from_state," \
		" to_state, row, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
	X(EXPECT_ADD, WRITE, "INSERT INTO expectation (cluster, pass, " SQL_EXPECT_COLUMNS ", status)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20," \
		" 'pending')") \
	X(EXPECT_RESOLVE, WRITE, "UPDATE expectation SET status = ?3, note = ?4, resolved_wall_ms = ?5" \
		" WHERE id = ?1 AND cluster = ?2 AND status = 'pending'") \
	X(EXPECT_OF_SUBJECT, WRITE, "SELECT id FROM expectation WHERE cluster = ?1 AND subject = ?2" \
		" AND status = 'pending'") \
	/* ?3: the new range's last slot, ?2: its first one */ \
	X(EXPECT_OVERLAP, WRITE, "SELECT id, subject FROM (SELECT id, subject, last_slot FROM expectation" \
		" WHERE cluster = ?1 AND first_slot <= ?3 AND status = 'pending' AND kind = 'add-slots'" \
		" ORDER BY first_slot DESC LIMIT 1) WHERE last_slot >= ?2") \
	X(EXPECT_PENDING, READ, "SELECT id, " SQL_EXPECT_COLUMNS " FROM expectation" \
		" WHERE cluster = ?1 AND status = 'pending' ORDER BY id") \
	/* the newest try of each setting, where it was refused or is kept as something else (max() chooses the row of \
	 * the other columns) */ \
	X(SETTINGS_TRIED, READ, "SELECT node, address, name, value, note, status FROM (SELECT max(id), node," \
		" address, name, value, note, status FROM expectation WHERE cluster = ?1 AND kind = 'set-setting'" \
		" AND status <> 'superseded' GROUP BY subject)" \
		" WHERE status = 'refused' OR (status = 'met' AND note LIKE '" ROP_KEPT_AS "%') ORDER BY node, name") \
	/* An earlier program took "without a config file" for done, with that as the note. */ \
	X(SETTINGS_UNWRITTEN, READ, "SELECT s.node, s.address, s.name, s.value, p.note," \
		" coalesce(p.status, 'pending') FROM (SELECT max(id) AS id, node, address, name, value" \
		" FROM expectation" \
		" WHERE cluster = ?1" \
		" AND kind = 'set-setting' AND status = 'met' GROUP BY subject) s" \
		" LEFT JOIN (SELECT max(id), node, note, status FROM expectation" \
		" WHERE cluster = ?1 AND kind = 'persist-settings'" \
		" AND status IN ('met', 'refused', 'expired') GROUP BY node) p ON p.node = s.node" \
		" WHERE s.id > (SELECT coalesce(max(id), 0) FROM expectation WHERE cluster = ?1 AND node = s.node" \
		" AND kind = 'persist-settings' AND status = 'met' AND note IS NULL) ORDER BY s.node, s.name") \
	/* temporary settings */ \
	X(TEMPORARIES_GET, READ_3, "SELECT node, name, address, original, temporary, peer FROM temporary_setting" \
		" WHERE cluster = ?1 ORDER BY node, name") \
	/* the same of a database of schema 1 or 2, which is only read */ \
	X(TEMPORARIES_GET_2, READ, "SELECT node, name, address, original, temporary, '' FROM temporary_setting" \
		" WHERE cluster = ?1 ORDER BY node, name") \
	X(TEMPORARY_SET, WRITE, "INSERT INTO temporary_setting (cluster, node, name, address, original," \
		" temporary, peer)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (cluster, node, name)" \
		" DO UPDATE SET address = excluded.address, temporary = excluded.temporary, peer = excluded.peer") \
	X(TEMPORARY_DROP, WRITE, "DELETE FROM temporary_setting WHERE cluster = ?1 AND node = ?2 AND name = ?3") \
	/* conditions */ \
	X(CONDITIONS_GET, READ, "SELECT type, status, reason, message, since_wall_ms FROM condition" \
		" WHERE cluster = ?1") \
	X(CONDITION_SET, WRITE, "INSERT INTO condition (cluster, type, status, reason, message, since_wall_ms)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (cluster, type) DO UPDATE SET status = excluded.status," \
		" reason = excluded.reason, message = excluded.message, since_wall_ms = excluded.since_wall_ms") \
	/* history, newest first; within a pass the moves stand before the steps they caused, and before what people
	 * asked for after it; of a database of schema 3 or older, which is only read */ \
	X(HISTORY_3, READ, SQL_HISTORY_LINES " ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT ?2") \
	X(HISTORY_4, READ_4, SQL_HISTORY_LINES SQL_HISTORY_DEEDS " ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT ?2") \
	X(HISTORY_5, READ_5, SQL_HISTORY_LINES SQL_HISTORY_DEEDS SQL_HISTORY_WISHES \
		" ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT ?2") \
	X(HISTORY, READ_6, SQL_HISTORY_LINES SQL_HISTORY_DEEDS SQL_HISTORY_WISHES SQL_HISTORY_DRAINS \
		" ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT ?2") \
	/* what people want */ \
	X(WISH_OPEN, READ_5, "SELECT " SQL_WISH_COLUMNS " FROM wish WHERE cluster = ?1 AND status = 'open'") \
	X(WISH_LAST, READ_5, "SELECT " SQL_WISH_COLUMNS " FROM wish WHERE cluster = ?1 AND status <> 'open'" \
		" ORDER BY closed_wall_ms DESC, id DESC LIMIT 1") \
	X(WISH_GET, READ_5, "SELECT " SQL_WISH_COLUMNS " FROM wish WHERE id = ?1") \
	X(WISHES_OPEN, READ_5, "SELECT c.name, w.id FROM wish w JOIN cluster c ON c.id = w.cluster" \
		" WHERE w.status = 'open' ORDER BY c.name") \
	/* fail-overs that were tried since and did not come, the newest first */ \
	X(WISH_FAILURES, READ_5, "SELECT issued_boot_ms, note, status FROM expectation WHERE cluster = ?1" \
		" AND kind = 'fail-over' AND status IN ('refused', 'expired')" \
		" AND pass > (SELECT pass FROM wish WHERE id = ?2)" \
		" ORDER BY id DESC") \
	/* those that came about, the newest first; ?2: at most so many */ \
	X(FAILOVERS_MET, READ, "SELECT peer, issued_boot_ms FROM expectation WHERE cluster = ?1" \
		" AND kind = 'fail-over' AND status = 'met' ORDER BY id DESC LIMIT ?2") \
	X(WISH_ADD, WRITE, "INSERT INTO wish (cluster, pass, what, shard, node, address, leader, leader_address," \
		" asked_wall_ms, user, uid, host, pid, command, reason, drain)" \
		" VALUES (?1, ?2, 'failover', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)") \
	X(WISH_CLOSE, WRITE, "UPDATE wish SET status = ?3, note = ?4, closed_wall_ms = ?5" \
		" WHERE id = ?1 AND cluster = ?2 AND status = 'open'") \
	X(WISH_DRAIN, READ_6, "SELECT drain FROM wish WHERE id = ?1") \
	/* hosts that are to be stopped */ \
	X(DRAINS, READ_6, "SELECT " SQL_DRAIN_COLUMNS "," SQL_DRAIN_BY " FROM drain" \
		" WHERE cluster = ?1 AND ended_wall_ms = 0 ORDER BY id") \
	X(DRAIN_GET, READ_6, "SELECT " SQL_DRAIN_COLUMNS "," SQL_DRAIN_BY " FROM drain WHERE id = ?1") \
	X(DRAIN_GET_END, READ_6, "SELECT " SQL_DRAIN_COLUMNS "," SQL_DRAIN_ENDED_BY " FROM drain WHERE id = ?1") \
	X(CLUSTER_DRAINS, READ_6, "SELECT drains FROM cluster WHERE id = ?1") \
	X(CLUSTERS_DRAINS, READ_6, "SELECT name, drains FROM cluster WHERE drains > 0 ORDER BY name") \
	X(CLUSTER_DRAINS_TOLD, WRITE, "UPDATE cluster SET drains = drains + 1 WHERE id = ?1") \
	X(DRAIN_ADD, WRITE, "INSERT INTO drain (cluster, pass, target, is_zone, asked_wall_ms, until_wall_ms, fewer," \
		SQL_DRAIN_BY ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)") \
	X(DRAIN_END, WRITE, "UPDATE drain SET ended_pass = ?3, ended_wall_ms = ?4, ended_user = ?5, ended_uid = ?6," \
		" ended_host = ?7, ended_pid = ?8, ended_command = ?9, ended_reason = ?10" \
		" WHERE cluster = ?1 AND target = ?2 AND ended_wall_ms = 0") \
	X(CLUSTER_DRAINS_DROP, WRITE, "DELETE FROM drain WHERE cluster = ?1") \
	/* ?2: over before this; the newest of a cluster stays */ \
	X(DRAINS_DROP, WRITE, "DELETE FROM drain WHERE cluster = ?1 AND until_wall_ms < ?2 AND asked_wall_ms < ?2" \
		" AND ended_wall_ms < ?2 AND id < (SELECT max(id) FROM drain WHERE cluster = ?1)") \
	X(CLUSTER_WISHES_DROP, WRITE, "DELETE FROM wish WHERE cluster = ?1") \
	X(WISHES_DROP, WRITE, "DELETE FROM wish WHERE cluster = ?1 AND closed_wall_ms > 0 AND closed_wall_ms < ?2" \
		" AND id < (SELECT max(id) FROM wish WHERE cluster = ?1)") \
	/* all of one cluster */ \
	X(CLUSTER_TRANSITIONS_DROP, WRITE, "DELETE FROM transition_log WHERE cluster = ?1") \
	X(CLUSTER_EXPECTS_DROP, WRITE, "DELETE FROM expectation WHERE cluster = ?1") \
	X(CLUSTER_PASSES_DROP, WRITE, "DELETE FROM pass WHERE cluster = ?1") \
	X(CLUSTER_DEEDS_DROP, WRITE, "DELETE FROM deed WHERE cluster = ?1") \
	X(CLUSTER_REVISIONS_DROP, WRITE, "DELETE FROM revision WHERE cluster = ?1") \
	X(CLUSTER_TEMPORARIES_DROP, WRITE, "DELETE FROM temporary_setting WHERE cluster = ?1") \
	X(CLUSTER_CONDITIONS_DROP, WRITE, "DELETE FROM condition WHERE cluster = ?1") \
	X(CLUSTER_ERRORS_DROP, WRITE, "DELETE FROM file_error WHERE cluster =" \
		" (SELECT name FROM cluster WHERE id = ?1)") \
	X(CLUSTER_DROP, WRITE, "DELETE FROM cluster WHERE id = ?1") \
	/* what people asked for */ \
	X(DEED_ADD, WRITE, "INSERT INTO deed (cluster, pass, wall_ms, what, user, uid, host, pid, command, reason," \
		" note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)") \
	/* ?2: older than this; the newest of a cluster stays */ \
	X(DEEDS_DROP, WRITE, "DELETE FROM deed WHERE cluster = ?1 AND wall_ms < ?2" \
		" AND id < (SELECT max(id) FROM deed WHERE cluster = ?1)")

enum sql_name {
#define X(name, when, text) SQL_##name,
	SQL_STATEMENTS(X)
#undef X
	SQL_N
};
/* clang-format on */

/* One run of a statement. Bind in order, then step, then read in order, then end:
 *	struct sql q = sql_start(store, SQL_CLUSTER_FIND);
 *	sql_put_text(&q, name);
 *	while (sql_row(&q))
 *		id = sql_int(&q);
 *	if (!sql_end(&q, err))
 *		return false;
 * Every started run is ended. Bound texts stay the caller's and must live until the end. */
struct sql {
	struct rop_store *store;
	sqlite3_stmt *stmt;
	int rc;       /* the last result; SQLITE_ROW while there is a row */
	int at;       /* parameters bound, or columns read, so far */
	char odd[96]; /* a value that cannot be ours: the database is damaged */
};

/* Prepare what the mode needs. */
bool sql_prepare_all(struct rop_store *store, bool for_writing, struct rop_err *err);
void sql_finalize_all(struct rop_store *store);

struct sql sql_start(struct rop_store *store, enum sql_name name);
void sql_put_int(struct sql *q, int64_t value);
void sql_put_text(struct sql *q, const char *value);   /* NULL is SQL's NULL */
void sql_put_always(struct sql *q, const char *value); /* NULL is '' */

bool sql_row(struct sql *q);
int64_t sql_int(struct sql *q);
int sql_small(struct sql *q);                                   /* fits an int, or the value is odd */
const char *sql_text(struct sql *q, struct rop_arena *arena);   /* owned by the arena; NULL for NULL */
const char *sql_always(struct sql *q, struct rop_arena *arena); /* "" for NULL */
void sql_copy(struct sql *q, char *buf, size_t size);           /* too long is odd */
/* What was read cannot be ours: the database is damaged. */
void sql_odd(struct sql *q, const char *what, const char *value);
/* The index of a text among names, by its finder; odd and 0 when there is none. */
int sql_name_of(struct sql *q, int (*find)(const char *name), const char *what);

bool sql_end(struct sql *q, struct rop_err *err);
/* For statements that give no rows: step and end. */
bool sql_run(struct sql *q, struct rop_err *err);

#endif
