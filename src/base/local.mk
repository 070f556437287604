librop_a_SOURCES += src/base/err.c src/base/io.c src/base/log.c src/base/mem.c src/base/text.c src/base/wrap.c
