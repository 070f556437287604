-- schema-5.sql - from version 4 to version 5: what people want of a cluster besides what they declare.
-- Run after schema-4.sql by src/store/migrate.c. Never edited once released: a change is a new migration.

-- Open until it is seen to be so, or found to be impossible, whichever process comes next.
CREATE TABLE wish (
	id              INTEGER PRIMARY KEY,
	cluster         INTEGER NOT NULL REFERENCES cluster (id),
	pass            INTEGER NOT NULL,                  -- the newest one at that time: its place in history; 0: none yet
	what            TEXT    NOT NULL CHECK (what IN ('failover')),
	shard           INTEGER NOT NULL CHECK (shard > 0), -- its number
	node            TEXT    NOT NULL CHECK (length(node) <= 40), -- who is to lead; '': the best replica
	address         TEXT,
	leader          TEXT    NOT NULL CHECK (length(leader) <= 40), -- who led when it was asked for
	leader_address  TEXT,
	asked_wall_ms   INTEGER NOT NULL,
	user            TEXT    NOT NULL,                  -- the person's; behind sudo the one who called it
	uid             INTEGER NOT NULL,
	host            TEXT    NOT NULL,
	pid             INTEGER NOT NULL,
	command         TEXT    NOT NULL,
	reason          TEXT,                              -- as the person gave it
	status          TEXT    NOT NULL DEFAULT 'open'
	                CHECK (status IN ('open', 'met', 'failed', 'refused', 'withdrawn')),
	closed_wall_ms  INTEGER NOT NULL DEFAULT 0,        -- 0: it is open
	note            TEXT                               -- how it ended
) STRICT;
CREATE INDEX wish_of_cluster ON wish (cluster, id);
-- One fail-over at a time.
CREATE UNIQUE INDEX wish_open ON wish (cluster) WHERE status = 'open' AND what = 'failover';
