/* fault_vfs.h - a SQLite VFS that counts what changes files, and fails where it is told to. For tests only. */
#ifndef ROP_TEST_FAULT_VFS_H
#define ROP_TEST_FAULT_VFS_H

#include <stdbool.h>

struct fault_plan {
	int fail_at;   /* the k-th write, truncation or sync fails, counted from 1; 0: none */
	int rc;        /* with this code: SQLITE_FULL, SQLITE_IOERR_WRITE, ... */
	bool for_good; /* everything after it fails too: the disk is gone, or the process died there */
	bool torn;     /* a failing write leaves its first half behind */
	bool lazy;     /* syncs are only counted: quick, and no difference unless the machine stops */
	bool no_reads; /* every read fails */
	int calls;     /* how many there were so far */
	int failures;
};
extern struct fault_plan fault;

/* Becomes the default VFS of this process, around the one that was. */
void fault_vfs_install(void);

#endif
