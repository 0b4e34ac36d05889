/*-------------------------------------------------------------------------
 *
 * bound.h
 *	  What a sample says of the whole.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPARE_BOUND_H
#define PGM_COMPARE_BOUND_H

/*
 * The upper bound, at 95 %, of the share of rows that differ when so many of
 * a sample did (Clopper and Pearson, one-sided).
 */
extern double pgm_sample_bound(int64 rows, int64 differences);

#endif							/* PGM_COMPARE_BOUND_H */
