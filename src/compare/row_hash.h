/*-------------------------------------------------------------------------
 *
 * row_hash.h
 *	  A keyed hash of 128 bits, for sums over rows.
 *
 * The key is drawn anew for each comparison, so nobody can write rows that
 * pass for one another.  Two rows that differ have the same hash with a
 * probability of about 2^-64 at most.
 *
 * Two lanes of folded multiplication: each word is combined with a secret, and
 * the product of 128 bits is folded into 64.  The lanes take turns, two words
 * each, so that the processor works on both at a time, and have secrets of
 * their own.  What is summed is the outcome of a last round over both lanes,
 * so that sums over rows with parts in common do not cancel out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPARE_ROW_HASH_H
#define PGM_COMPARE_ROW_HASH_H

typedef struct PgmRowHash
{
	uint64		lo;
	uint64		hi;
} PgmRowHash;

typedef struct PgmRowHashKey
{
	uint64		word[6];
} PgmRowHashKey;

static inline uint64
pgm_hash_fold(uint64 a, uint64 b)
{
#ifdef PG_INT128_TYPE
	unsigned	PG_INT128_TYPE product = (unsigned PG_INT128_TYPE) a * b;

	return (uint64) product ^ (uint64) (product >> 64);
#else
	uint64		a0 = a & 0xffffffff;
	uint64		a1 = a >> 32;
	uint64		b0 = b & 0xffffffff;
	uint64		b1 = b >> 32;
	uint64		middle = a1 * b0 + (a0 * b0 >> 32);
	uint64		carry = a0 * b1 + (middle & 0xffffffff);

	return (a * b) ^ (a1 * b1 + (middle >> 32) + (carry >> 32));
#endif
}

static inline PgmRowHash
pgm_row_hash(const PgmRowHashKey *key, const uint64 *words, Size n)
{
	PgmRowHash	hash;
	uint64		lo = key->word[0] ^ n;
	uint64		hi = key->word[1] ^ n;
	Size		i;

	for (i = 0; i + 3 < n; i += 4)
	{
		lo = pgm_hash_fold(words[i] ^ key->word[2], words[i + 1] ^ lo);
		hi = pgm_hash_fold(words[i + 2] ^ key->word[3], words[i + 3] ^ hi);
	}
	if (i + 1 < n)
	{
		lo = pgm_hash_fold(words[i] ^ key->word[2], words[i + 1] ^ lo);
		i += 2;
	}
	if (i < n)
		hi = pgm_hash_fold(words[i] ^ key->word[3], key->word[4] ^ hi);
	hash.lo = pgm_hash_fold(lo ^ key->word[4], hi ^ key->word[3]);
	hash.hi = pgm_hash_fold(lo ^ key->word[2], hi ^ key->word[5]);
	return hash;
}

#endif							/* PGM_COMPARE_ROW_HASH_H */
