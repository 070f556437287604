/* slots.c - sets of the 16384 slots. */
#include <stdio.h>
#include <string.h>

#include "rop/observed.h"

#define WORDS (ROP_SLOTS / 64)

void rop_slots_add(struct rop_slots *slots, int first, int last)
{
	for (int s = first; s <= last && s < ROP_SLOTS;) {
		if (s % 64 == 0 && last - s >= 63) {
			slots->bits[s / 64] = UINT64_MAX;
			s += 64;
			continue;
		}
		slots->bits[s / 64] |= (uint64_t)1 << (s % 64);
		s++;
	}
}

void rop_slots_join(struct rop_slots *slots, const struct rop_slots *more)
{
	for (int i = 0; i < WORDS; i++)
		slots->bits[i] |= more->bits[i];
}

void rop_slots_drop(struct rop_slots *slots, const struct rop_slots *less)
{
	for (int i = 0; i < WORDS; i++)
		slots->bits[i] &= ~less->bits[i];
}

/* The compiler's own is a call where the processor is not known to have it. */
static int count_bits(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(word * 0x0101010101010101 >> 56);
}

bool rop_slots_has(const struct rop_slots *slots, int slot)
{
	return slots->bits[slot / 64] >> (slot % 64) & 1;
}

int rop_slots_common(const struct rop_slots *a, const struct rop_slots *b)
{
	int n = 0;
	for (int i = 0; i < WORDS; i++)
		n += count_bits(a->bits[i] & b->bits[i]);
	return n;
}

bool rop_slots_within(const struct rop_slots *part, const struct rop_slots *whole)
{
	for (size_t w = 0; w < ROP_SLOTS / 64; w++)
		if (part->bits[w] & ~whole->bits[w])
			return false;
	return true;
}

int rop_slots_between(const struct rop_slots *slots, int first, int last)
{
	int n = 0;
	for (int at = first / 64; at <= last / 64 && first <= last; at++) {
		uint64_t word = slots->bits[at];
		if (at == first / 64)
			word &= UINT64_MAX << (first % 64);
		if (at == last / 64)
			word &= UINT64_MAX >> (63 - last % 64);
		n += count_bits(word);
	}
	return n;
}

bool rop_slots_meet(const struct rop_slots *a, const struct rop_slots *b)
{
	for (int i = 0; i < WORDS; i += 8) {
		uint64_t both = 0;
		for (int k = i; k < i + 8; k++)
			both |= a->bits[k] & b->bits[k];
		if (both)
			return true;
	}
	return false;
}

int rop_slots_count(const struct rop_slots *slots)
{
	return rop_slots_common(slots, slots);
}

/* The first slot at or after `from` that is in the set (wanted = true) or is not; ROP_SLOTS when none. */
static int scan(const struct rop_slots *slots, int from, bool wanted)
{
	const uint64_t flip = wanted ? 0 : UINT64_MAX;
	if (from >= ROP_SLOTS)
		return ROP_SLOTS;
	int at = from / 64;
	uint64_t word = (slots->bits[at] ^ flip) & UINT64_MAX << (from % 64);
	while (!word && ++at < WORDS)
		word = slots->bits[at] ^ flip;
	return word ? at * 64 + __builtin_ctzll(word) : ROP_SLOTS;
}

int rop_slots_first(const struct rop_slots *slots)
{
	return scan(slots, 0, true);
}

bool rop_slots_run(const struct rop_slots *slots, int from, int *ret_first, int *ret_last)
{
	int first = scan(slots, from, true);
	if (first == ROP_SLOTS)
		return false;
	*ret_first = first;
	*ret_last = scan(slots, first, false) - 1;
	return true;
}

const char *rop_slots_text(struct rop_arena *arena, const struct rop_slots *slots)
{
	ROP_OWN_TEXT text = { 0 };
	for (int from = 0, first, last; rop_slots_run(slots, from, &first, &last); from = last + 1) {
		const char *gap = text.n ? " " : "";
		if (first == last)
			rop_text_add(&text, "%s%d", gap, first);
		else
			rop_text_add(&text, "%s%d-%d", gap, first, last);
	}
	return rop_strndup(arena, text.n ? text.at : "", text.n);
}

bool rop_slots_parse(const char *text, struct rop_slots *ret_slots)
{
	struct rop_slots slots = { 0 };
	for (const char *p = text; *p;) {
		int first, last, n = 0;
		if (sscanf(p, "%5d-%5d%n", &first, &last, &n) < 2 || !n) {
			if (sscanf(p, "%5d%n", &first, &n) != 1)
				return false;
			last = first;
		}
		if (first < 0 || last < first || last >= ROP_SLOTS || (p[n] && p[n] != ' '))
			return false;
		rop_slots_add(&slots, first, last);
		p += n + (p[n] == ' ');
	}
	*ret_slots = slots;
	return true;
}
