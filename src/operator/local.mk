librop_a_SOURCES += \
	src/operator/drive.c \
	src/operator/events.c \
	src/operator/memory.c \
	src/operator/names.c \
	src/operator/pass.c src/operator/pass.h \
	src/operator/predict.c \
	src/operator/reconcile.c \
	src/operator/seed.c \
	src/operator/seed_shape.c \
	src/operator/writer.c
