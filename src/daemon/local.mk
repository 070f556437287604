librop_a_SOURCES += src/daemon/cluster.c src/daemon/daemon.c src/daemon/daemon.h src/daemon/end.c src/daemon/folder.c \
	src/daemon/revision.c src/daemon/tell.c
