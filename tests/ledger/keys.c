/* keys.c - the keys that are written, and who may write which. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOT_OF_A_HUNDRED = 80, SHARE_OF_SHARED = 4 };

/* What is hot gets a hash tag that lies in one of the hot slots; a pair needs one in any case. */
static void name_key(struct keys *keys, struct key *key, const char *word, bool tagged)
{
	char tag[24] = "";
	if (key->hot) {
		unsigned slot = slot_set_at(&keys->hot, random_under(&keys->seed, keys->hot.n));
		snprintf(tag, sizeof tag, "{%u}:", keys->tags[slot]);
	} else if (tagged) {
		snprintf(tag, sizeof tag, "{%zu}:", key->number);
	}
	int n = snprintf(key->name, sizeof key->name, "%s:%s%s:%zu.%u", keys->run, tag, word, key->number,
			 key->generation);
	key->slot = slot_of(key->name, (size_t)n);
}

static bool draw_hot(struct keys *keys)
{
	return keys->hot.n > 0 && random_under(&keys->seed, 100) < HOT_OF_A_HUNDRED;
}

static struct key *make(struct keys *keys, size_t n, const char *word, bool tagged)
{
	struct key *made = zeroed(n, sizeof *made);
	for (size_t i = 0; i < n; i++) {
		made[i].number = i;
		made[i].hot = draw_hot(keys);
		name_key(keys, &made[i], word, tagged);
	}
	return made;
}

static size_t shared_n(const struct keys *keys)
{
	return (keys->n + SHARE_OF_SHARED - 1) / SHARE_OF_SHARED;
}

void keys_init(struct keys *keys, const char *run, size_t wanted, size_t workers, const struct slot_set *hot,
	       uint64_t seed)
{
	*keys = (struct keys){
		.n = (wanted + workers - 1) / workers * workers, .workers = workers, .hot = *hot, .seed = seed
	};
	snprintf(keys->run, sizeof keys->run, "%s", run);
	slot_tags(keys->tags);
	keys->lists = make(keys, keys->n, KIND_WORDS[KIND_OWN], false);
	keys->shared = make(keys, shared_n(keys), KIND_WORDS[KIND_SHARED], false);
	keys->registers = make(keys, keys->n, KIND_WORDS[KIND_REGISTER], false);
	keys->pairs = make(keys, keys->n, KIND_WORDS[KIND_PAIR], true);
}

void keys_done(struct keys *keys)
{
	free(keys->lists);
	free(keys->shared);
	free(keys->registers);
	free(keys->pairs);
}

static size_t owned_by(const struct keys *keys, uint32_t worker, uint64_t *seed)
{
	return worker + keys->workers * random_under(seed, keys->n / keys->workers);
}

struct key *keys_draw(struct keys *keys, enum kind kind, uint32_t worker, uint64_t number, uint64_t *seed,
		      struct key *once)
{
	switch (kind) {
	case KIND_OWN: return &keys->lists[owned_by(keys, worker, seed)];
	case KIND_REGISTER: return &keys->registers[owned_by(keys, worker, seed)];
	case KIND_SHARED: return &keys->shared[random_under(seed, shared_n(keys))];
	case KIND_PAIR: return &keys->pairs[random_under(seed, keys->n)];
	case KIND_LASTING:
	case KIND_FLEETING:
	case KINDS_N: break;
	}
	*once = (struct key){ .number = worker, .generation = (unsigned)number, .hot = draw_hot(keys) };
	name_key(keys, once, KIND_WORDS[kind], false);
	return once;
}

void keys_retire(struct keys *keys, struct key *key)
{
	key->generation++;
	name_key(keys, key, KIND_WORDS[KIND_REGISTER], false);
}
