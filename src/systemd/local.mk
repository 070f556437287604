librop_a_SOURCES += src/systemd/journal.h src/systemd/service.c
