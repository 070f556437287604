/* fuzz.h - what the fuzz targets share: a target is one function of bytes, and a program in two ways.
 *
 * Linked with libFuzzer (tests/fuzz/run) it makes up inputs; without (make check) it reads the files that are given,
 * and each must do no harm: a sanitizer, an assertion or the time limit tells.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "rop/observed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a pass does with answers of n nodes: observe, assess, say what is open. Aborts where a text of it could not be
 * shown, or a sum is no number. */
void fuzz_assess(struct rop_arena *arena, const struct rop_answer *answers, size_t n, const char **setting_names,
		 size_t n_settings);

#endif
