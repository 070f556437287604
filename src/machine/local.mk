librop_a_SOURCES += \
	src/machine/check.c src/machine/engine.c src/machine/graph.c src/machine/internal.h src/machine/load.c \
	src/machine/logic.c src/machine/sat.c src/machine/sat.h src/machine/table.c src/machine/verify.c \
	src/machine/row_words.c
