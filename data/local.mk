EXTRA_DIST += data/redis-operator.schema.json
EXTRA_DIST += data/schema.sql
EXTRA_DIST += data/schema-2.sql
