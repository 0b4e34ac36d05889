/*-------------------------------------------------------------------------
 *
 * kinds.h
 *	  What is known of a statement by its kind alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_KINDS_H
#define PGM_SQL_KINDS_H

#include "nodes/nodes.h"
#include "storage/lockdefs.h"

#define PGM_MODE_BY_STATEMENT (-1)

/* Does the server carry it out inside of a transaction block? */
typedef enum PgmKindBlock
{
	PGM_IN_BLOCK,
	PGM_OUTSIDE_OF_BLOCK,
	PGM_BLOCK_BY_STATEMENT
} PgmKindBlock;

/* What it can change, apart from what code that it calls does. */
typedef enum PgmKindEffects
{
	PGM_ANY_EFFECTS,
	PGM_CATALOG_EFFECTS,		/* no rows but those of the catalogs, or those
								 * of a table that is rewritten or checked */
	PGM_ROW_EFFECTS,
	PGM_EFFECTS_BY_STATEMENT
} PgmKindEffects;

/* May it be tried on clones of its tables? */
typedef enum PgmTriable
{
	PGM_NOT_TRIABLE,
	PGM_TRIABLE,
	PGM_NEEDLESS,				/* nothing to be learnt, no effect to miss */
	PGM_TRIABLE_BY_STATEMENT
} PgmTriable;

typedef enum PgmKindFlag
{
	PGM_RUNS_CODE = 1 << 0,		/* that cannot be looked into */
	PGM_ONLY_NAMES_CODE = 1 << 1,	/* functions, to be called later */
	PGM_REACHES_FURTHER = 1 << 2,	/* tables that it does not name, or code
									 * that does */
	PGM_MAY_LOOK = 1 << 3,		/* at rows of any table, ours among them */
	PGM_CHANGES_ROWS = 1 << 4,	/* one by one, and triggers do what they do */
	PGM_TIMED_BY_ROWS = 1 << 5, /* which are not known before */
	PGM_ONLY_IN_TRANSACTION = 1 << 6	/* has no effect beyond its own */
} PgmKindFlag;

typedef struct PgmStatementKind
{
	LOCKMODE	target_mode;	/* of the table that it is about */
	PgmKindBlock block;
	PgmKindEffects effects;
	PgmTriable	triable;
	int			flags;
} PgmStatementKind;

extern const PgmStatementKind *pgm_statement_kind(const Node *stmt);
extern bool pgm_statement_is(const Node *stmt, PgmKindFlag flag);

#endif							/* PGM_SQL_KINDS_H */
