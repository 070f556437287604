/* shares.c - how many of the slots each shard is to have, from what is declared alone. */
#include "rop/topology.h"

static int64_t weight_of(const int *weights, int k)
{
	return weights ? weights[k] : 1;
}

static int64_t sum_of(const int *weights, int shards)
{
	int64_t sum = 0;
	for (int k = 0; k < shards; k++)
		sum += weight_of(weights, k);
	return sum;
}

int rop_shares_too_small(const int *weights, int shards)
{
	int64_t sum = sum_of(weights, shards);
	for (int k = 0; k < shards; k++)
		if (ROP_SLOTS * weight_of(weights, k) < sum)
			return k + 1;
	return 0;
}

/* The remainders' order is found by bisection: those above a bound get one more, and of those at it the first. */
void rop_shares(const int *weights, int shards, int *ret_shares)
{
	int64_t sum = sum_of(weights, shards), low = 0, high = sum;
	int left = ROP_SLOTS;
	for (int k = 0; k < shards; k++) {
		ret_shares[k] = (int)(ROP_SLOTS * weight_of(weights, k) / sum);
		left -= ret_shares[k];
	}
	while (low < high) { /* the least bound that not more than `left` remainders are above of */
		int64_t bound = low + (high - low) / 2;
		int above = 0;
		for (int k = 0; k < shards; k++)
			above += ROP_SLOTS * weight_of(weights, k) % sum > bound;
		if (above > left)
			low = bound + 1;
		else
			high = bound;
	}
	for (int at_it = 0; at_it < 2; at_it++)
		for (int k = 0; k < shards && left > 0; k++) {
			int64_t rest = ROP_SLOTS * weight_of(weights, k) % sum;
			if (at_it ? rest == low : rest > low) {
				ret_shares[k]++;
				left--;
			}
		}
}
