EXTRA_DIST += examples/quickstart
EXTRA_DIST += examples/redis-operator.conf
