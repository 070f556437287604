# The shipped machines: compiled in as the default (src/cli), and installed to read and to start an own one from.
machinesdir = $(pkgdatadir)/machines
dist_machines_DATA = states/cluster.yaml states/migration.yaml states/retire.yaml \
	states/failover.yaml
# README.md is the format; the drawings are held against the machine by tests/unit/test_shipped.c.
EXTRA_DIST += states/README.md states/cluster.dot states/cluster.mmd states/migration.dot states/migration.mmd states/retire.dot states/retire.mmd \
	states/failover.dot states/failover.mmd
