librop_a_SOURCES += \
	src/store/commit.c src/store/deed.c src/store/drain.c src/store/file_error.c src/store/files.c src/store/forget.c src/store/group.c \
	src/store/history.c src/store/image.c src/store/inner.h src/store/lock.c \
	src/store/migrate.c src/store/open.c src/store/pause.c src/store/accepted.c src/store/sentences.c \
	src/store/statements.c src/store/statements.h src/store/transaction.c src/store/wish.c src/store/wish_rows.c

# data/schema*.sql as C string literals, one a line, for migrate.c
SCHEMAS = src/store/schema.inc src/store/schema-2.inc src/store/schema-3.inc src/store/schema-4.inc \
	src/store/schema-5.inc src/store/schema-6.inc
BUILT_SOURCES += $(SCHEMAS)
CLEANFILES += $(SCHEMAS)
SQL_TO_C = $(AM_V_GEN)$(MKDIR_P) src/store && sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/'
src/store/schema.inc: $(top_srcdir)/data/schema.sql
	$(SQL_TO_C) $(top_srcdir)/data/schema.sql >$@.tmp && mv $@.tmp $@
src/store/schema-2.inc: $(top_srcdir)/data/schema-2.sql
	$(SQL_TO_C) $(top_srcdir)/data/schema-2.sql >$@.tmp && mv $@.tmp $@
src/store/schema-3.inc: $(top_srcdir)/data/schema-3.sql
	$(SQL_TO_C) $(top_srcdir)/data/schema-3.sql >$@.tmp && mv $@.tmp $@
src/store/schema-4.inc: $(top_srcdir)/data/schema-4.sql
	$(SQL_TO_C) $(top_srcdir)/data/schema-4.sql >$@.tmp && mv $@.tmp $@
src/store/schema-5.inc: $(top_srcdir)/data/schema-5.sql
	$(SQL_TO_C) $(top_srcdir)/data/schema-5.sql >$@.tmp && mv $@.tmp $@
src/store/schema-6.inc: $(top_srcdir)/data/schema-6.sql
	$(SQL_TO_C) $(top_srcdir)/data/schema-6.sql >$@.tmp && mv $@.tmp $@
src/store/librop_a-migrate.$(OBJEXT): $(SCHEMAS)
