librop_a_SOURCES += src/host/caller.c src/host/own_servers.c src/host/paths.c src/host/saved_plan_file.c src/host/servers.c
