/* import_text.h - the file itself, as import_proof.c has it written until it is right. */
#ifndef ROP_REPORT_IMPORT_TEXT_H
#define ROP_REPORT_IMPORT_TEXT_H

#include "rop/import.h"

/* The topology file. The same cluster gives the same bytes. */
char *report_import_text(const struct rop_import *im);

#endif
