-- schema.sql - what must outlive the process, version 1: the journal, and what it says of each cluster.
-- Compiled into the program and run by src/store/migrate.c. Never edited once released: a change is a new migration.
-- *_wall_ms is the wall clock (Unix time), *_boot_ms the clock that starts at boot and belongs to one boot id.

CREATE TABLE cluster (
	id                   INTEGER PRIMARY KEY,
	name                 TEXT    NOT NULL UNIQUE,
	formed_wall_ms       INTEGER NOT NULL DEFAULT 0,  -- first seen formed; 0: never
	reached_revision     INTEGER NOT NULL DEFAULT 0,  -- 0: none
	state                TEXT,                        -- of the cluster machine
	state_since_wall_ms  INTEGER NOT NULL DEFAULT 0,
	state_since_boot_ms  INTEGER NOT NULL DEFAULT 0,
	boot_id              TEXT    NOT NULL DEFAULT '', -- of state_since_boot_ms and of all pending expectations
	paused               INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
	paused_until_wall_ms INTEGER NOT NULL DEFAULT 0,  -- 0: until resumed
	paused_by            TEXT,
	pause_changed_wall_ms INTEGER NOT NULL DEFAULT 0  -- when it was last paused or resumed
) STRICT;

-- Every accepted version of the topology file.
CREATE TABLE revision (
	cluster   INTEGER NOT NULL REFERENCES cluster (id),
	revision  INTEGER NOT NULL CHECK (revision > 0),
	wall_ms   INTEGER NOT NULL,
	digest    TEXT    NOT NULL,
	canonical TEXT    NOT NULL,
	source    TEXT    NOT NULL,
	path      TEXT    NOT NULL,
	PRIMARY KEY (cluster, revision)
) STRICT;

-- The node ids the cluster was last seen to consist of.
CREATE TABLE member (
	id      INTEGER PRIMARY KEY,
	cluster INTEGER NOT NULL REFERENCES cluster (id),
	node    TEXT    NOT NULL CHECK (length(node) <= 40),
	address TEXT,
	shard   INTEGER NOT NULL,
	UNIQUE (cluster, node)
) STRICT;

-- One row for each transaction of the journal. Its id orders history, whatever the wall clock did meanwhile.
CREATE TABLE pass (
	id      INTEGER PRIMARY KEY,
	cluster INTEGER NOT NULL REFERENCES cluster (id),
	wall_ms INTEGER NOT NULL,
	boot_ms INTEGER NOT NULL,
	boot_id TEXT    NOT NULL,
	pid     INTEGER NOT NULL
) STRICT;

CREATE TABLE transition_log (
	id         INTEGER PRIMARY KEY,
	cluster    INTEGER NOT NULL REFERENCES cluster (id),
	pass       INTEGER NOT NULL REFERENCES pass (id),
	machine    TEXT    NOT NULL,
	digest     TEXT    NOT NULL,
	subject    TEXT    NOT NULL,
	from_state TEXT    NOT NULL,
	to_state   TEXT    NOT NULL,
	row        TEXT    NOT NULL,
	why        TEXT    NOT NULL
) STRICT;
CREATE INDEX transition_of_cluster ON transition_log (cluster);

-- A command and what must be seen after it. Written before the command is sent.
CREATE TABLE expectation (
	id               INTEGER PRIMARY KEY,
	cluster          INTEGER NOT NULL REFERENCES cluster (id),
	pass             INTEGER NOT NULL REFERENCES pass (id),
	kind             TEXT    NOT NULL,
	subject          TEXT    NOT NULL,
	node             TEXT    NOT NULL CHECK (length(node) <= 40),
	peer             TEXT    NOT NULL CHECK (length(peer) <= 40),
	first_slot       INTEGER NOT NULL,
	last_slot        INTEGER NOT NULL,
	epoch            INTEGER NOT NULL,
	name             TEXT,
	value            TEXT,
	was              TEXT,
	address          TEXT,
	command          TEXT,
	precondition     TEXT,
	why              TEXT,
	issued_wall_ms   INTEGER NOT NULL,
	issued_boot_ms   INTEGER NOT NULL,
	deadline_boot_ms INTEGER NOT NULL,
	attempts         INTEGER NOT NULL,
	status           TEXT    NOT NULL CHECK (status IN ('pending', 'met', 'refused', 'expired', 'superseded')),
	note             TEXT,
	resolved_wall_ms INTEGER NOT NULL DEFAULT 0,
	CHECK (kind <> 'add-slots' OR (first_slot >= 0 AND first_slot <= last_slot AND last_slot < 16384))
) STRICT;
CREATE INDEX expectation_of_cluster ON expectation (cluster);
-- One pending expectation for a subject: a second one is refused.
CREATE UNIQUE INDEX expectation_pending ON expectation (cluster, subject) WHERE status = 'pending';
-- Pending slot ranges never overlap, so the nearest range below is the only one that can.
CREATE INDEX expectation_slots ON expectation (cluster, first_slot) WHERE status = 'pending' AND kind = 'add-slots';

-- Settings that are different for a while, with the value to put back: the first one seen, not a later one.
CREATE TABLE temporary_setting (
	cluster   INTEGER NOT NULL REFERENCES cluster (id),
	node      TEXT    NOT NULL CHECK (length(node) <= 40),
	name      TEXT    NOT NULL,
	address   TEXT,
	original  TEXT    NOT NULL,
	temporary TEXT    NOT NULL,
	PRIMARY KEY (cluster, node, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE condition (
	cluster       INTEGER NOT NULL REFERENCES cluster (id),
	type          TEXT    NOT NULL,
	status        TEXT    NOT NULL CHECK (status IN ('Unknown', 'False', 'True')),
	reason        TEXT    NOT NULL,
	message       TEXT    NOT NULL,
	since_wall_ms INTEGER NOT NULL,
	PRIMARY KEY (cluster, type)
) STRICT, WITHOUT ROWID;
