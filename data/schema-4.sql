-- schema-4.sql - from version 3 to version 4: where a node was reached last, for a name that does not resolve any more.
-- Run after schema-3.sql by src/store/migrate.c. Never edited once released: a change is a new migration.

-- A literal address; NULL: the node is declared by one, or was never reached.
ALTER TABLE member ADD COLUMN ip TEXT;
