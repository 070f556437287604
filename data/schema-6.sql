-- schema-6.sql - from version 5 to version 6: hosts that are to be stopped, and give up their roles before that.
-- Run after schema-5.sql by src/store/migrate.c. Never edited once released: a change is a new migration.

-- In force until it is ended, or its time has passed.
CREATE TABLE drain (
	id            INTEGER PRIMARY KEY,
	cluster       INTEGER NOT NULL REFERENCES cluster (id),
	pass          INTEGER NOT NULL,                   -- the newest one at that time: its place in history; 0: none yet
	target        TEXT    NOT NULL CHECK (target <> ''), -- a host as it is declared, or a zone
	is_zone       INTEGER NOT NULL CHECK (is_zone IN (0, 1)),
	asked_wall_ms INTEGER NOT NULL,
	until_wall_ms INTEGER NOT NULL CHECK (until_wall_ms > 0),
	fewer         TEXT,                               -- "2:0 3:1": replicas that these shards may be left with; NULL: none
	user          TEXT    NOT NULL,                   -- the person's; behind sudo the one who called it
	uid           INTEGER NOT NULL,
	host          TEXT    NOT NULL,
	pid           INTEGER NOT NULL,
	command       TEXT    NOT NULL,
	reason        TEXT,                               -- as the person gave it
	ended_wall_ms INTEGER NOT NULL DEFAULT 0,         -- 0: nobody ended it
	ended_pass    INTEGER NOT NULL DEFAULT 0,         -- and by whom; '' with the same target again
	ended_user    TEXT    NOT NULL DEFAULT '',
	ended_uid     INTEGER NOT NULL DEFAULT 0,
	ended_host    TEXT    NOT NULL DEFAULT '',
	ended_pid     INTEGER NOT NULL DEFAULT 0,
	ended_command TEXT    NOT NULL DEFAULT '',
	ended_reason  TEXT
) STRICT;
CREATE INDEX drain_of_cluster ON drain (cluster, id);
-- The same one again takes the place of the one before.
CREATE UNIQUE INDEX drain_open ON drain (cluster, target) WHERE ended_wall_ms = 0;

-- Counts what people said of hosts: whoever decides something knows by it whether that was with the newest.
ALTER TABLE cluster ADD COLUMN drains INTEGER NOT NULL DEFAULT 0;

-- The one that wants this hand-over; 0: a person asked for it by itself.
ALTER TABLE wish ADD COLUMN drain INTEGER NOT NULL DEFAULT 0;
