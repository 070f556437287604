librop_a_SOURCES += src/model/answers.c src/model/info.c src/model/journal.c src/model/observed.c src/model/replication.c src/model/replication.h src/model/slots.c
