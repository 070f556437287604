-- schema-2.sql - from version 1 to version 2: what a daemon keeps beside the journal, and a journal that can forget.
-- Run after schema.sql by src/store/migrate.c. Never edited once released: a change is a new migration.

-- One row, made with the database: tells operators with different databases apart.
CREATE TABLE instance (
	id   INTEGER PRIMARY KEY CHECK (id = 1),
	name TEXT    NOT NULL CHECK (length(name) = 8)     -- hex digits
) STRICT;
INSERT INTO instance (id, name) VALUES (1, lower(hex(randomblob(4))));

-- Topology files that could not be taken, until they are right again, or gone.
CREATE TABLE file_error (
	path          TEXT    NOT NULL PRIMARY KEY,
	cluster       TEXT,                                -- by name: the one the file last stood for, if any
	text          TEXT    NOT NULL,
	since_wall_ms INTEGER NOT NULL                     -- since when there are errors, whichever they were at first
) STRICT, WITHOUT ROWID;

-- The newest pass of a cluster, and its old ones; and what hangs on a pass that is to be forgotten.
CREATE INDEX pass_of_cluster ON pass (cluster);
CREATE INDEX pass_by_age ON pass (cluster, wall_ms);
CREATE INDEX transition_of_pass ON transition_log (pass);
CREATE INDEX expectation_of_pass ON expectation (pass);
CREATE INDEX revision_of_path ON revision (path);
