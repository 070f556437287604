librop_a_SOURCES += \
	src/model/answers.c src/model/compare.c src/model/info.c src/model/journal.c src/model/key_slot.c src/model/libraries.c src/model/node_line.c src/model/node_line.h \
	src/model/observed.c src/model/permissions.c src/model/operators.c src/model/operators.h src/model/replication.c \
	src/model/replication.h src/model/shares.c src/model/slots.c src/model/view.c src/model/view.h
