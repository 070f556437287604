EXTRA_DIST += data/schema.sql
