EXTRA_DIST += states/cluster.yaml
