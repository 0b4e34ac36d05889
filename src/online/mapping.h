/*-------------------------------------------------------------------------
 *
 * mapping.h
 *	  A row of one table as a row of the table beside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_MAPPING_H
#define PGM_ONLINE_MAPPING_H

#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* As it is stored: the columns in order, NULL for what is not mapped. */
typedef struct PgmMappingText
{
	char	   *columns;		/* nodeToString of a list of expressions */
	bool		may_fail;		/* an expression may raise an error, for
								 * another reason than a number that does not
								 * fit */
	bool		pinned;			/* and may depend on settings */
	bool		may_collide;	/* different values may become the same */
	bool		narrows;		/* a whole number may not fit */
	char	   *missing;		/* why there is none, or NULL */
} PgmMappingText;

/*
 * How the rows of "source" become rows of "target", which has its columns under
 * the same numbers.  The subcommands of ALTER TABLE have the expressions of
 * USING; NIL for the way back, by explicit casts.  Both tables are open; the
 * current user is their owner, restricted.
 */
extern PgmMappingText *pgm_mapping_make(Relation source, Relation target,
										List *commands, const char *text);

/* The same for one column of a table that is made of another one of it. */
extern PgmMappingText *pgm_mapping_within(Relation rel, AttrNumber from,
										  AttrNumber to, List *commands,
										  const char *text);

/*
 * What ALTER COLUMN TYPE or ADD COLUMN would make of a column: the traits, and
 * what is missing.  No foreign code is run, so more expressions may fail.
 * Nothing is said if it cannot be told, for a name that is not there yet.
 */
extern void pgm_mapping_foresee(Relation rel, AlterTableCmd *command,
								PgmMappingText *forth);

/* The same of the way back from what ALTER COLUMN TYPE makes. */
extern void pgm_mapping_foresee_back(Relation rel, AlterTableCmd *command,
									 PgmMappingText *back);

/* What an expression depends on becomes what the trigger depends on. */
extern void pgm_mapping_depend(Oid trigger, Oid source, const char *columns);

typedef struct PgmMappedColumn
{
	AttrNumber	copy;			/* column of the source, 0 if not a copy */
	AttrNumber	narrow;			/* the number that it is made of … */
	int64		highest;		/* … and that must be within this, or 0 */
	int64		lowest;
	ExprState  *state;			/* NULL for a copy and for no value */
	Bitmapset  *reads;			/* columns of the source */
	int16		length;
	bool		by_value;
} PgmMappedColumn;

/* Ready for use; lives in the context it was compiled in. */
typedef struct PgmMapping
{
	int			ncolumns;
	PgmMappedColumn *columns;
	TupleDesc	source;
	ExprContext *context;
} PgmMapping;

/* In the executor state's own context.  Current user as above. */
extern PgmMapping *pgm_mapping_compile(const char *columns, Relation source,
									   Relation target, EState *estate);

/* The only column of the mapping is then this one of the table. */
extern PgmMapping *pgm_mapping_compile_within(const char *columns,
											  Relation rel, AttrNumber to,
											  EState *estate);

/*
 * Is a column of the target no whole number that becomes narrower and does not
 * fit?  Nobody has to catch an error of it then.
 */
extern bool pgm_mapping_fits(const PgmMapping *mapping, AttrNumber column,
							 TupleTableSlot *source);

/*
 * Compute one column of a row.  The result is in the memory of the expression
 * context, or in the slot.
 */
extern Datum pgm_mapping_value(PgmMapping *mapping, AttrNumber column,
							   TupleTableSlot *source, bool *isnull);

/* All of them, into a virtual slot of the target. */
extern void pgm_mapping_fill(PgmMapping *mapping, TupleTableSlot *source,
							 TupleTableSlot *target);

/* Is a column of the target certainly the same for both rows? */
extern bool pgm_mapping_unchanged(const PgmMapping *mapping,
								  AttrNumber column, TupleTableSlot *old,
								  TupleTableSlot *new);

#endif							/* PGM_ONLINE_MAPPING_H */
