EXTRA_DIST += data/redis-operator.schema.json
