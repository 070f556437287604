librop_a_SOURCES += src/model/answers.c src/model/journal.c src/model/observed.c src/model/replication.c src/model/slots.c
