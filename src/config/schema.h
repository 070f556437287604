/* schema.h - inside config/: every key of the topology file, declared once. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
	CONFIG_MAP,
	CONFIG_LIST, /* its items are the keys "<path>[]" */
	CONFIG_INT,
	CONFIG_TEXT,
	CONFIG_DURATION,
	CONFIG_CHOICE,
	CONFIG_SETTINGS, /* a map of names that are not ours to list */
	CONFIG_WEIGHTS,  /* a map of the numbers of shards */
	CONFIG_TYPES
};

#define CONFIG_NOT_STORED SIZE_MAX

struct config_key {
	const char *path; /* "spec.nodes[].address" */
	enum config_type type;
	bool required;
	int64_t min, max;               /* INT: the number; DURATION: ms; TEXT: bytes; LIST: items */
	const char *fallback;           /* as it would be written; NULL: none */
	const char *example;            /* for the hint that tells how to add it */
	const char *choices[3];         /* CHOICE, NULL at the end; the second one stores true */
	bool (*fits)(const char *text); /* TEXT: its form; NULL: any */
	const char *form;               /* what `fits` wants, in words */
	size_t at;       /* where the value goes: in struct rop_topology, or rop_declared_node for "[]." keys.
			  * INT int, TEXT const char *, DURATION int64_t, CHOICE bool */
	size_t declared; /* where a bool says that the file has it; 0: nobody asks */
	const char *doc;
};

extern const struct config_key CONFIG_KEYS[];
extern const size_t CONFIG_KEYS_N;

const char *config_key_name(const struct config_key *key); /* the last part of its path */
/* Is it written directly in the map at `parent` ("" is the root)? */
bool config_key_in(const struct config_key *key, const char *parent);

/* Redis settings that a topology may not set. */
enum config_setting_kind {
	CONFIG_SETTING_FREE,
	CONFIG_SETTING_SECRET,
	CONFIG_SETTING_OURS,
	CONFIG_SETTING_EACH,
	CONFIG_SETTING_FIXED,
};
enum config_setting_kind config_setting_kind(const char *name);

#endif
