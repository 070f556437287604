EXTRA_DIST += examples/topologies/discovery.yaml examples/topologies/quickstart.yaml \
	examples/topologies/zones.yaml
EXTRA_DIST += examples/quickstart
EXTRA_DIST += examples/redis-operator.conf
