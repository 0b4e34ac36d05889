/*-------------------------------------------------------------------------
 *
 * estimate.h
 *	  About how long a statement will take.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_ESTIMATE_H
#define PGM_CLASSIFY_ESTIMATE_H

#include "classify/verdict.h"

/* What a statement does to the rows of a table. */
typedef enum PgmWork
{
	PGM_WORK_NONE,				/* it only changes the catalog */
	PGM_WORK_SCAN,
	PGM_WORK_INDEX,
	PGM_WORK_CONCURRENTLY,		/* an index, without locking out writers */
	PGM_WORK_REWRITE
} PgmWork;

#define PGM_NWORKS (PGM_WORK_REWRITE + 1)

/* How fast the work goes. */
typedef struct PgmRate
{
	int			samples;		/* of earlier runs; 0: assumed */
	int64		bytes_per_second;	/* 0 of PGM_WORK_NONE */
	double		ms;				/* a statement of PGM_WORK_NONE */
} PgmRate;

typedef struct PgmRates
{
	PgmRate		rate[PGM_NWORKS];
} PgmRates;

extern const char *pgm_work_name(PgmWork work);

/* The work on this relation; its size is what pgm_work_bytes says. */
extern PgmWork pgm_work_of(const PgmVerdict *verdict, const PgmEffect *effect);

/*
 * Size of the part of the relation that the work goes through, 0 if there is
 * none.  Locks nothing.  In a transaction.
 */
extern int64 pgm_work_bytes(Oid relid, PgmWork work);

/*
 * So many times those bytes are counted, in an estimate as in what was
 * measured: 1, but for indexes what index_weight.h says.
 */
extern double pgm_work_weight(const PgmVerdict *verdict, Oid relid,
							  PgmWork work);

/* Can it be told from this verdict whether the statement rewrites? */
extern bool pgm_rewrite_is_known(const PgmVerdict *verdict);

/* Does it go through rows that its kind does not tell? */
extern bool pgm_depends_on_rows(const PgmVerdict *verdict);

/* The same of the tables that it names: whether it scans them. */
extern bool pgm_scan_is_known(const PgmVerdict *verdict);

/* What earlier runs on this cluster took.  In a transaction. */
extern void pgm_rates_load(PgmRates *rates);

/* Milliseconds for so many bytes. */
extern double pgm_estimate_work(const PgmRates *rates, PgmWork work,
								int64 bytes);

/* For what the statement does to this relation; 0 if that is nothing. */
extern double pgm_estimate_effect(const PgmRates *rates,
								  const PgmVerdict *verdict,
								  const PgmEffect *effect);

/* The same as a JSON object, with its basis; NULL where there is no work. */
extern char *pgm_estimate_json(const PgmRates *rates,
							   const PgmVerdict *verdict,
							   const PgmEffect *effect);

/* Milliseconds for the whole statement, negative if it cannot be told. */
extern double pgm_estimate_statement(const PgmRates *rates,
									 const PgmVerdict *verdict);

#endif							/* PGM_CLASSIFY_ESTIMATE_H */
