# The shipped machines: compiled in as the default (src/cli), and installed to read and to start an own one from.
machinesdir = $(pkgdatadir)/machines
dist_machines_DATA = states/cluster.yaml
EXTRA_DIST += states/README.md
