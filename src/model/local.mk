librop_a_SOURCES += src/model/journal.c
