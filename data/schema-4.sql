-- schema-4.sql - from version 3 to version 4: what people asked for, and who they were;
-- where a node was reached last, for a name that does not resolve any more; and whether slots are being moved.
-- Run after schema-3.sql by src/store/migrate.c. Never edited once released: a change is a new migration.

CREATE TABLE deed (
	id      INTEGER PRIMARY KEY,
	cluster INTEGER NOT NULL REFERENCES cluster (id),
	pass    INTEGER NOT NULL,                         -- the newest one at that time: its place in history; 0: none yet
	wall_ms INTEGER NOT NULL,
	what    TEXT    NOT NULL CHECK (what IN ('apply', 'consent', 'pause', 'resume')),
	user    TEXT    NOT NULL,                         -- the person's; behind sudo the one who called it
	uid     INTEGER NOT NULL,
	host    TEXT    NOT NULL,
	pid     INTEGER NOT NULL,
	command TEXT    NOT NULL,
	reason  TEXT,                                     -- as the person gave it
	note    TEXT                                      -- of consent: to which losses; of a pause: until when
) STRICT;
CREATE INDEX deed_of_cluster ON deed (cluster, id);

-- A literal address; NULL: the node is declared by one, or was never reached.
ALTER TABLE member ADD COLUMN ip TEXT;
-- Of one that is not declared any more: since when no node lists it, on the boot clock; 0: some do.
ALTER TABLE member ADD COLUMN forgotten_boot_ms INTEGER NOT NULL DEFAULT 0;

-- Slots are being moved towards the shards' shares: what was begun is walked to its end.
ALTER TABLE cluster ADD COLUMN moving INTEGER NOT NULL DEFAULT 0 CHECK (moving IN (0, 1));
