redis_operator_SOURCES = src/cli/main.c
redis_operator_LDADD = $(ROP_LIBS)
