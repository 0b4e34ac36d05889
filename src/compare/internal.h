/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the files of a comparison share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPARE_INTERNAL_H
#define PGM_COMPARE_INTERNAL_H

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "nodes/plannodes.h"
#include "port/atomics.h"
#include "tcop/dest.h"

#include "compare/compare.h"
#include "compare/row_hash.h"

#define PGM_COMPARE_BUCKETS 4096

/* A column of a, and what it is compared with. */
typedef struct PgmPair
{
	char	   *name;			/* of the column of a */
	char	   *a;				/* expressions: over a row of a */
	char	   *b;				/* and over a row of b */
} PgmPair;

struct PgmComparison
{
	Oid			role;			/* as which both are read */
	bool		as_owner;		/* it is the owner of both */
	Oid			a;
	Oid			b;
	char	   *a_name;			/* qualified and quoted */
	char	   *b_name;
	int			npairs;			/* those of the key come first */
	PgmPair    *pairs;
	int			nkeys;			/* 0 without a key */
	bool		as_stored;		/* of one layout, compared as they are */
	List	   *only_a;			/* names of columns that are not compared */
	List	   *only_b;
	TupleDesc	tupdesc;		/* of what is compared, of both sides */
	TupleDesc	keydesc;
};

typedef enum PgmCompareSide
{
	PGM_SIDE_A,
	PGM_SIDE_B,
	PGM_SIDE_BOTH				/* a is b: one row has both */
} PgmCompareSide;

/* The query for the rows of a side; a NULL range is all of them. */
extern char *pgm_compare_query(const PgmComparison *comparison,
							   PgmCompareSide side,
							   const PgmCompareRange *range);

/* The keys in pages of b that a does not have. */
extern char *pgm_compare_only_b_query(const PgmComparison *comparison,
									  const PgmCompareRange *range);

/* The role and the settings while code of others may run. */
typedef struct PgmCompareScope
{
	Oid			user;
	int			sec_context;
	int			guc_level;
} PgmCompareScope;

extern void pgm_compare_enter(PgmCompareScope *scope,
							  const PgmComparison *comparison);
extern void pgm_compare_leave(const PgmCompareScope *scope);

/* In a scope: columns of a side, and those of its relation that they use. */
extern TupleDesc pgm_compare_describe(const PgmComparison *comparison,
									  PgmCompareSide side, Bitmapset **used);

/* In a scope: read a side with the active snapshot. */
extern void pgm_compare_read(const PgmComparison *comparison,
							 const char *query, DestReceiver *receiver);

/*
 * In a scope: the same side as a scan that processes can share, and what it
 * reads; NULL if they cannot.
 */
extern PlannedStmt *pgm_compare_shared_plan(const PgmComparison *comparison,
											const char *query, Oid *relid);

/* How rows are placed, told apart and drawn; anew for each comparison. */
typedef struct PgmCompareSecrets
{
	PgmRowHashKey row_key;
	PgmRowHashKey bucket_key;
	uint64		drawn_below;	/* of the hash of the key */
	bool		all;			/* are drawn */
	bool		stored;			/* told apart by what is on the page */
} PgmCompareSecrets;

/* Sums of hashes, by bucket. */
typedef struct PgmCompareSums
{
	PgmRowHash	bucket[PGM_COMPARE_BUCKETS];
	bool		unlike;			/* a row cannot be told by what is stored */
} PgmCompareSums;

/* What pgmigrate.progress shows; not of a range, nor within a run. */
typedef struct PgmCompareProgress
{
	const PgmComparison *comparison;	/* NULL: nothing is shown */
	Oid			marker;			/* locked, so that others cannot claim it */
	bool		again;			/* for the rows that differ */
	double		rows;			/* of both sides, about; 0 if not known */
	TimestampTz shown;
} PgmCompareProgress;

extern void pgm_compare_progress_begin(PgmCompareProgress *progress,
									   const PgmComparison *comparison,
									   const PgmCompareRange *range,
									   bool again);
extern void pgm_compare_progress(PgmCompareProgress *progress, int64 rows,
								 TimestampTz now);
extern void pgm_compare_progress_end(PgmCompareProgress *progress);

/*
 * Takes the rows of a side, or the part of them that this process reads, into
 * the sums, and adds their number to the total of the side.  Lives in the
 * current context.
 */
extern DestReceiver *pgm_compare_summing(const PgmComparison *comparison,
										 const PgmCompareSecrets *secrets,
										 PgmCompareSide side,
										 PgmCompareSums *sums,
										 pg_atomic_uint64 *totals,
										 const PgmCompareProgress *progress);

/*
 * In a scope: sum both sides with parallel workers, and count the rows drawn
 * of a.  False, with nothing done, where that is not possible or not worth it.
 */
extern bool pgm_compare_sum_in_parallel(const PgmComparison *comparison,
										const PgmCompareSecrets *secrets,
										PgmCompareSums *sums,
										const PgmCompareProgress *progress,
										int64 *rows);

#endif							/* PGM_COMPARE_INTERNAL_H */
