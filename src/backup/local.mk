librop_a_SOURCES += \
	src/backup/already.c src/backup/already.h \
	src/backup/clone.c \
	src/backup/crew.c src/backup/crew.h \
	src/backup/digest.c src/backup/digest.h \
	src/backup/drill.c \
	src/backup/feed.c src/backup/feed.h \
	src/backup/moment.c src/backup/moment.h \
	src/backup/give.c \
	src/backup/manifest.c src/backup/manifest.h src/backup/manifest_json.h \
	src/backup/manifest_load.c \
	src/backup/mark.c \
	src/backup/piece.c src/backup/piece.h \
	src/backup/proof.c \
	src/backup/resync.c src/backup/resync.h \
	src/backup/shelf.c \
	src/backup/sink.c src/backup/sink.h \
	src/backup/snapshot.c src/backup/snapshot.h \
	src/backup/still.c src/backup/still.h \
	src/backup/take.c \
	src/backup/tally.c src/backup/tally.h \
	src/backup/target.c src/backup/target.h \
	src/backup/unpack.c src/backup/unpack.h
