librop_a_SOURCES += src/loop/loop.c src/loop/loop.h src/loop/resolve.c src/loop/worker.c
