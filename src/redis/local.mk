librop_a_SOURCES += \
	src/redis/carry_pace.c \
	src/redis/carry_pace.h \
	src/redis/carry_stock.c \
	src/redis/carry_stock.h \
	src/redis/fleet.c \
	src/redis/fleet.h \
	src/redis/fleet_carry.c \
	src/redis/fleet_functions.c \
	src/redis/fleet_observe.c \
	src/redis/fleet_send.c \
	src/redis/fleet_witness.c \
	src/redis/gate.c \
	src/redis/gate.h \
	src/redis/link.c \
	src/redis/link.h \
	src/redis/observe.c \
	src/redis/observe.h \
	src/redis/reader.c \
	src/redis/reader.h \
	src/redis/slot_counts.c \
	src/redis/slot_counts.h \
	src/redis/slot_jobs.c \
	src/redis/slot_jobs.h \
	src/redis/verdict.c \
	src/redis/verdict.h \
	src/redis/wire.c \
	src/redis/wire.h
