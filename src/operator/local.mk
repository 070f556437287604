librop_a_SOURCES += \
	src/operator/children.c \
	src/operator/drive.c \
	src/operator/events.c \
	src/operator/gather.c \
	src/operator/holders.c \
	src/operator/leaving.c \
	src/operator/look.c \
	src/operator/memory.c \
	src/operator/moves.c \
	src/operator/names.c \
	src/operator/over.c \
	src/operator/over.h \
	src/operator/pass.c \
	src/operator/pass.h \
	src/operator/predict.c \
	src/operator/reconcile.c \
	src/operator/remember.c \
	src/operator/seed.c \
	src/operator/seed_shape.c \
	src/operator/sending.c \
	src/operator/sending.h \
	src/operator/shipped.c \
	src/operator/why_not.c \
	src/operator/writer.c
