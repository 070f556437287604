-- schema-3.sql - from version 2 to version 3: who holds which data, so that it is known when no server shows it any more.
-- Run after schema-2.sql by src/store/migrate.c. Never edited once released: a change is a new migration.

-- A shard as it was seen last. Its number is its own: it does not change because a slot moved.
CREATE TABLE shard (
	cluster INTEGER NOT NULL REFERENCES cluster (id),
	number  INTEGER NOT NULL CHECK (number > 0),
	slots   TEXT    NOT NULL CHECK (slots <> ''),     -- "0-5460 6000"
	PRIMARY KEY (cluster, number)
) STRICT, WITHOUT ROWID;

-- The nodes that had a shard's data. Values are those of the last time that anything was written of the cluster.
CREATE TABLE shard_copy (
	cluster      INTEGER NOT NULL,
	number       INTEGER NOT NULL,
	place        INTEGER NOT NULL,                    -- 0: the first
	node         TEXT    NOT NULL CHECK (length(node) <= 40),
	address      TEXT,
	led          INTEGER NOT NULL CHECK (led IN (0, 1)), -- owned the slots
	repl_offset  INTEGER NOT NULL,                    -- of replication; -1: unknown
	keys         INTEGER NOT NULL,                    -- -1: unknown
	seen_wall_ms INTEGER NOT NULL,                    -- when it was a copy last; 0: known from others only
	PRIMARY KEY (cluster, number, place),
	UNIQUE (cluster, number, node),
	FOREIGN KEY (cluster, number) REFERENCES shard (cluster, number)
) STRICT, WITHOUT ROWID;

-- The primary that the node must be in sync with before the value goes back; '': it may go back at any time.
ALTER TABLE temporary_setting ADD COLUMN peer TEXT NOT NULL DEFAULT '' CHECK (length(peer) <= 40);
