/* builtin.h - files that are compiled in; builtin.c is made from them by make. */
#ifndef ROP_CLI_BUILTIN_H
#define ROP_CLI_BUILTIN_H

extern const char BUILTIN_CLUSTER_YAML[], BUILTIN_MIGRATION_YAML[], BUILTIN_RETIRE_YAML[], BUILTIN_FAILOVER_YAML[];

#endif
