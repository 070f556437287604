/* fault_vfs.c - a thin layer over SQLite's own VFS; see fault_vfs.h. */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <string.h>

struct fault_plan fault;

struct file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs *below;
static sqlite3_vfs layer;

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static bool fails_now(void)
{
	fault.calls++;
	bool fails = fault.fail_at && (fault.calls == fault.fail_at || (fault.for_good && fault.calls > fault.fail_at));
	fault.failures += fails;
	return fails;
}

static int on_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int on_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
	if (fault.no_reads)
		return SQLITE_IOERR_READ;
	return real_of(f)->pMethods->xRead(real_of(f), buf, n, at);
}

static int on_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
	if (!fails_now())
		return real_of(f)->pMethods->xWrite(real_of(f), buf, n, at);
	if (fault.torn && n > 1)
		real_of(f)->pMethods->xWrite(real_of(f), buf, n / 2, at);
	return fault.rc;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (fails_now())
		return fault.rc == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_TRUNCATE;
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_sync(sqlite3_file *f, int flags)
{
	if (fails_now())
		return SQLITE_IOERR_FSYNC;
	return fault.lazy ? SQLITE_OK : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int on_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int on_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int on_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int on_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int on_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static const sqlite3_io_methods METHODS = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_device,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	(void)vfs;
	struct file *file = (struct file *)f;
	file->real = (sqlite3_file *)(file + 1);
	memset(file->real, 0, (size_t)below->szOsFile);
	int rc = below->xOpen(below, name, file->real, flags, out_flags);
	file->base.pMethods = file->real->pMethods ? &METHODS : NULL;
	return rc;
}

void fault_vfs_install(void)
{
	below = sqlite3_vfs_find(NULL);
	layer = *below; /* everything but opening goes straight through, with the data it expects */
	layer.zName = "fault";
	layer.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	layer.xOpen = on_open;
	sqlite3_vfs_register(&layer, 1);
}
