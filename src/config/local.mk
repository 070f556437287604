librop_a_SOURCES += src/config/address.c src/config/address.h src/config/chars.c src/config/chars.h \
	src/config/checks.c src/config/daemon_config.c src/config/doc.c src/config/malformed.c src/config/malformed.h src/config/password.c \
	src/config/print.c src/config/documents.h src/config/schema.c src/config/schema.h src/config/source.c \
	src/config/topology.c src/config/value.c src/config/walk.c src/config/walk.h src/config/weights.c \
	src/config/yaml.c
