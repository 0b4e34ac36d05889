/*-------------------------------------------------------------------------
 *
 * test_compare.c
 *	  What a sample says of the whole, and the hash of rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <math.h>

#include "compare/bound.h"
#include "compare/row_hash.h"
#include "unit.h"

/* P(at most k of n), added up. */
static double
binomial(int n, int k, double p)
{
	double		sum = 0;

	for (int i = 0; i <= k; i++)
		sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) +
				   i * log(p) + (n - i) * log1p(-p));
	return sum;
}

static void
test_bound(void)
{
	static const int sizes[] = {1, 2, 3, 10, 59, 100, 1000, 5000};

	unit_check(pgm_sample_bound(0, 0) == 1, false, "nothing drawn says nothing");
	unit_check(pgm_sample_bound(7, 7) == 1, false, "all of them differ");
	unit_check(fabs(pgm_sample_bound(500000, 0) - 5.9915e-6) < 1e-9, false,
			   "none of 500,000: at most 0.0006 %%");
	unit_check(fabs(pgm_sample_bound(10, 1) - 0.394163) < 1e-6, false,
			   "1 of 10, from the tables");
	for (int i = 0; i < lengthof(sizes); i++)
		for (int k = 0; k < sizes[i]; k += 1 + sizes[i] / 13)
		{
			double		p = pgm_sample_bound(sizes[i], k);

			unit_check(p > (double) k / sizes[i] && p < 1 &&
					   fabs(binomial(sizes[i], k, p) - 0.05) < 1e-6, true,
					   "%d of %d: %g", k, sizes[i], p);
		}

	/* where adding up is out of reach: the normal distribution is close */
	for (int64 n = 1000000; n <= INT64CONST(1000000000000); n *= 1000)
	{
		double		p = pgm_sample_bound(n, n / 100);
		double		normal = 0.01 + 1.644854 * sqrt(0.01 * 0.99 / (double) n);

		unit_check(fabs(p - normal) < 0.03 * (normal - 0.01), false,
				   "1 %% of %.0e rows", (double) n);
	}
}

static uint64
next(uint64 *state)
{
	uint64		x = *state += UINT64CONST(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static bool
same(PgmRowHash a, PgmRowHash b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* A bit that changes changes about half of each half of the hash. */
static void
test_hash(void)
{
	PgmRowHashKey key;
	PgmRowHashKey other;
	uint64		state = 1;
	uint64		words[9] = {0};
	PgmRowHash	first;
	PgmRowHash	sum = {0, 0};

	for (int i = 0; i < lengthof(key.word); i++)
		key.word[i] = next(&state);
	other = key;
	other.word[5] ^= 1;
	for (int n = 1; n <= lengthof(words); n++)
	{
		int			lo = 0;
		int			hi = 0;

		first = pgm_row_hash(&key, words, n);
		unit_check(same(first, pgm_row_hash(&key, words, n)), true,
				   "the same twice, %d words", n);
		unit_check(!same(first, pgm_row_hash(&other, words, n)), true,
				   "another with another key, %d words", n);
		unit_check(!same(first, pgm_row_hash(&key, words, n - 1)), true,
				   "a zero more is another row, %d words", n);
		for (int bit = 0; bit < n * 64; bit++)
		{
			PgmRowHash	changed;

			words[bit / 64] ^= UINT64CONST(1) << (bit % 64);
			changed = pgm_row_hash(&key, words, n);
			words[bit / 64] ^= UINT64CONST(1) << (bit % 64);
			for (int i = 0; i < 64; i++)
			{
				lo += ((changed.lo ^ first.lo) >> i) & 1;
				hi += ((changed.hi ^ first.hi) >> i) & 1;
			}
		}
		unit_check(lo > n * 64 * 28 && lo < n * 64 * 36 &&
				   hi > n * 64 * 28 && hi < n * 64 * 36, true,
				   "bits that change, of %d words: %d, %d", n, lo, hi);
	}

	/* values that have changed places do not cancel out in a sum */
	for (int i = 0; i < 4; i++)
	{
		PgmRowHash	hash;

		words[0] = i / 2;
		words[1] = i % 2;
		hash = pgm_row_hash(&key, words, 2);
		sum.lo += (i == 0 || i == 3) ? hash.lo : -hash.lo;
		sum.hi += (i == 0 || i == 3) ? hash.hi : -hash.hi;
	}
	unit_check(sum.lo != 0 && sum.hi != 0, false,
			   "(0,0), (1,1) is not (0,1), (1,0)");
}

void
test_compare(void)
{
	test_bound();
	test_hash();
}
