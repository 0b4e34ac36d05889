/*-------------------------------------------------------------------------
 *
 * row_change.h
 *	  An UPDATE or DELETE, taken apart: can it be carried out in parts?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_ROW_CHANGE_H
#define PGM_STRATEGY_ROW_CHANGE_H

#include "nodes/parsenodes.h"

#include "sql/statements.h"

/* An UPDATE or DELETE, taken apart. */
typedef struct PgmChange
{
	const PgmSource *source;
	int			n;				/* statement of it */
	RawStmt    *raw;
	Oid			relid;			/* as it is named: perhaps the root of many */
	bool		is_delete;
	Node	   *condition;		/* NULL if it is for every row */
	List	   *joined;			/* FROM or USING */
	WithClause *with;
	List	   *assigned;		/* names of columns */
	bool		from_itself;	/* a new value is made of an old one */
	bool		over_assigned;	/* the condition is about such a column */
	bool		is_volatile;	/* other new values each time */
	bool		is_ambiguous;	/* another relation has its name too */
} PgmChange;

/*
 * Statement n of a source, which lives as long.  The relation is that of its
 * name unless it is given.
 */
extern PgmChange *pgm_change_take_apart(const PgmSource *source, int n,
										Oid relid);

/* What the columns of its table are qualified with. */
extern const char *pgm_change_alias(const PgmChange *change);

/* Does it read more than the row that it changes, for all rows at once? */
extern bool pgm_change_joins(const PgmChange *change);

/*
 * Its condition for a part of the rows.  The part is an expression of SQL, in
 * which %s, twice, is what columns are qualified with.
 */
extern Node *pgm_change_within(const PgmChange *change, const char *part);

/* What keeps it from being carried out in parts, or NULL. */
extern const char *pgm_change_refusal(const PgmChange *change);

/* The same, as far as it is seen when it is analyzed. */
extern const char *pgm_change_query_refusal(const PgmChange *change,
											Query *query);

/*
 * The same for one that is to be done as it is written otherwise: what is
 * known only when rows are changed keeps it too.  Reads the catalog only.
 */
extern const char *pgm_change_risk(const PgmChange *change);

/* Likewise: does it call code that may read what other parts have changed? */
extern bool pgm_change_reads_by_function(Query *query);

#endif							/* PGM_STRATEGY_ROW_CHANGE_H */
