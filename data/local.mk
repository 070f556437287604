# What is installed beside the program: configuration, units, user and folders for systemd, man pages, completion, schema.
EXTRA_DIST += data/schema.sql
EXTRA_DIST += data/schema-2.sql
EXTRA_DIST += data/schema-3.sql
EXTRA_DIST += data/schema-4.sql data/schema-5.sql data/schema-6.sql
dist_pkgdata_DATA = data/redis-operator.schema.json data/redis-operator-output.schema.json

confdir = $(sysconfdir)/redis-operator
examplesdir = $(docdir)/examples
dist_examples_DATA = examples/crontab examples/topologies/discovery.yaml examples/topologies/quickstart.yaml \
	examples/topologies/zones.yaml
nodist_examples_DATA = data/redis-operator.conf

dist_man_MANS = \
	data/man/redis-operator.1 \
	data/man/redis-operator-acl.1 \
	data/man/redis-operator-drain.1 \
	data/man/redis-operator-backup.1 \
	data/man/redis-operator-failover.1 \
	data/man/redis-operator-import.1 \
	data/man/redis-operator-machine.1 \
	data/man/redis-operator-plan.1 \
	data/man/redis-operator-status.1 \
	data/man/redis-operator-takeover.1 \
	data/man/redis-operator-machine.5 \
	data/man/redis-operator.conf.5 \
	data/man/redis-operator.yaml.5 \
	data/man/redis-operator-run.8

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = data/bash-completion/redis-operator

DATA_MADE = data/redis-operator.conf
if SYSTEMD_FILES
systemdsystemunit_DATA = data/systemd/redis-operator.service data/systemd/redis-operator-apply@.service \
	data/systemd/redis-operator-apply@.timer
sysusers_DATA = data/sysusers.d/redis-operator.conf
tmpfiles_DATA = data/tmpfiles.d/redis-operator.conf
DATA_MADE += data/systemd/redis-operator.service data/systemd/redis-operator-apply@.service \
	data/tmpfiles.d/redis-operator.conf
endif
CLEANFILES += data/redis-operator.conf data/systemd/redis-operator.service data/systemd/redis-operator-apply@.service \
	data/tmpfiles.d/redis-operator.conf
EXTRA_DIST += data/systemd/hardening.conf data/systemd/redis-operator.service.in \
	data/systemd/redis-operator-apply@.service.in data/systemd/redis-operator-apply@.timer \
	data/sysusers.d/redis-operator.conf data/tmpfiles.d/redis-operator.conf.in

# The build's paths, and the lines that both services share. (The brackets keep configure from filling these in here.)
DATA_EDIT = $(SED) -e '/^[@]hardening[@]$$/{r $(srcdir)/data/systemd/hardening.conf' -e 'd' -e '}'
DATA_PATHS = $(SED) -e 's|[@]bindir[@]|$(bindir)|g' -e 's|[@]confdir[@]|$(confdir)|g'

data/systemd/redis-operator.service: data/systemd/redis-operator.service.in data/systemd/hardening.conf Makefile
	$(AM_V_GEN)$(MKDIR_P) data/systemd && \
	  $(DATA_EDIT) $(srcdir)/data/systemd/redis-operator.service.in | $(DATA_PATHS) >$@.tmp && mv $@.tmp $@
data/systemd/redis-operator-apply@.service: data/systemd/redis-operator-apply@.service.in data/systemd/hardening.conf Makefile
	$(AM_V_GEN)$(MKDIR_P) data/systemd && \
	  $(DATA_EDIT) $(srcdir)/data/systemd/redis-operator-apply@.service.in | $(DATA_PATHS) >$@.tmp && mv $@.tmp $@
data/tmpfiles.d/redis-operator.conf: data/tmpfiles.d/redis-operator.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) data/tmpfiles.d && $(DATA_PATHS) $(srcdir)/data/tmpfiles.d/redis-operator.conf.in >$@.tmp && mv $@.tmp $@
data/redis-operator.conf: examples/redis-operator.conf Makefile
	$(AM_V_GEN)$(MKDIR_P) data && $(SED) 's|/etc/redis-operator|$(confdir)|g' $(srcdir)/examples/redis-operator.conf >$@.tmp && mv $@.tmp $@

# What stands in $(confdir) belongs to the person who edits it: made when missing, removed when untouched.
install-data-local: data/redis-operator.conf
	$(INSTALL) -d -m 755 "$(DESTDIR)$(confdir)" "$(DESTDIR)$(confdir)/clusters.d"
	@if test -e "$(DESTDIR)$(confdir)/redis-operator.conf"; then \
	  echo "$(DESTDIR)$(confdir)/redis-operator.conf is there and stays as it is"; \
	else \
	  echo "$(INSTALL_DATA) data/redis-operator.conf $(DESTDIR)$(confdir)/redis-operator.conf"; \
	  $(INSTALL_DATA) data/redis-operator.conf "$(DESTDIR)$(confdir)/redis-operator.conf"; \
	fi

uninstall-local: data/redis-operator.conf
	@if test ! -e "$(DESTDIR)$(confdir)/redis-operator.conf"; then :; \
	elif cmp -s data/redis-operator.conf "$(DESTDIR)$(confdir)/redis-operator.conf"; then \
	  rm -f "$(DESTDIR)$(confdir)/redis-operator.conf"; \
	else \
	  echo "$(DESTDIR)$(confdir)/redis-operator.conf was edited and stays"; \
	fi

# Folders that are ours alone, when nothing else is in them.
uninstall-hook:
	@for dir in "$(confdir)/clusters.d" "$(confdir)" "$(examplesdir)" "$(docdir)" "$(machinesdir)" "$(pkgdatadir)"; do \
	  test ! -d "$(DESTDIR)$$dir" || rmdir "$(DESTDIR)$$dir" 2>/dev/null || :; \
	done

all-local: $(DATA_MADE)
