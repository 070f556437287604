/* fuzz.c - from answers to a situation, and the program around a target where libFuzzer is not. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rop/policy.h"
#include "rop/text.h"

static void must(bool true_of_all, const char *what)
{
	if (true_of_all)
		return;
	fprintf(stderr, "fuzz: not so: %s\n", what);
	abort();
}

static void must_be_visible(const char *text)
{
	must(!text || rop_text_is_visible(text, strlen(text)), "every text may be shown");
}

static void look_through(const struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		must_be_visible(node->reach_why);
		must_be_visible(node->flavour);
		must_be_visible(node->open_text);
		for (size_t s = 0; s < seen->n_settings; s++)
			must_be_visible(node->settings[s]);
		for (size_t o = 0; o < node->n_operators; o++) {
			must_be_visible(node->operators[o].cluster);
			must_be_visible(node->operators[o].from);
		}
		must(node->keys >= -1 && node->keys <= ROP_KEYS_MAX && node->epoch >= 0 && node->version >= 0,
		     "numbers are");
	}
	must(seen->foreign.n <= ROP_FOREIGN_MAX, "few foreign peers are kept");
	for (size_t f = 0; f < seen->foreign.n; f++) {
		must_be_visible(seen->foreign.at[f].address);
		must_be_visible(seen->foreign.at[f].flags);
	}
}

void fuzz_assess(struct rop_arena *arena, const struct rop_answer *answers, size_t n, const char **setting_names,
		 size_t n_settings)
{
	struct rop_topology topology = {
		.name = "fuzz", .shards = n > 2 ? 2 : 1, .replicas_per_shard = n > 3, .interval_ms = 5000
	};
	struct rop_image image = { 0 };
	for (size_t i = 0; i < n; i++)
		*rop_push(arena, &topology.nodes) = (struct rop_declared_node){ .host = answers[i].ip,
										.ip = answers[i].ip,
										.port = answers[i].port };
	struct rop_observed *seen = rop_observed_from_answers(arena, answers, n, setting_names, n_settings, 1);
	look_through(seen);
	struct rop_situation now = {
		.arena = arena, .topology = &topology, .seen = seen, .image = &image, .wall_ms = 1
	};
	rop_situation_assess(&now);
	rop_situation_open(&now);
	for (size_t f = 0; f < now.findings.n; f++)
		must_be_visible(now.findings.at[f].text);
}

#ifndef ROP_LIBFUZZER
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		static uint8_t bytes[1 << 22];
		size_t n = fread(bytes, 1, sizeof bytes, file);
		fclose(file);
		uint8_t *exact = malloc(n + 1); /* so that a read behind the end is seen */
		memcpy(exact, bytes, n);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
	}
	return 0;
}
#endif
