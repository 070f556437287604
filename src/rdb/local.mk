librop_a_SOURCES += \
	src/rdb/boundaries.c src/rdb/boundaries.h \
	src/rdb/crc64.c \
	src/rdb/input.c src/rdb/input.h \
	src/rdb/lzf.c src/rdb/lzf.h \
	src/rdb/records.c \
	src/rdb/same_value.c
