EXTRA_DIST += examples/quickstart
