/* backup_drill.h - of this folder: `backup drill`. */
#ifndef CLI_BACKUP_DRILL_H
#define CLI_BACKUP_DRILL_H

#include "cli.h"

enum rop_code backup_drill(struct cli *cli, const char *folder);

#endif
