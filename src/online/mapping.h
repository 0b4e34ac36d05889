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
	bool		by_author;		/* made by USING of the author */
	Bitmapset  *unproven;		/* columns that are only cast back, while more
								 * than a cast has made the new values */
	char	   *missing;		/* why there is none, or NULL */
} PgmMappingText;

/* What is known of a change when its way back is mapped. */
typedef struct PgmInverse
{
	List	   *change;			/* its subcommands */
	const char *change_text;
	List	   *commands;		/* those of the author that take it back */
	const char *text;
	Bitmapset  *key;			/* columns to find rows by */
	bool		foreseen;		/* nothing of it is planned */
	bool		unread;			/* nor are expressions analyzed */
} PgmInverse;

/*
 * How the rows of "source" become rows of "target", which has its columns under
 * the same numbers.  The subcommands of ALTER TABLE have the expressions of
 * USING.  Both tables are open; the current user is their owner, restricted.
 */
extern PgmMappingText *pgm_mapping_make(Relation source, Relation target,
										List *commands, const char *text);

/*
 * The way back: as the author says, where he does and it can be used; else by
 * an explicit cast.  Where more than a cast has made the new value, what a
 * cast makes of it, and in any case a key that different values may become,
 * has to make it again, or does not fit.
 */
extern PgmMappingText *pgm_mapping_make_back(Relation source, Relation target,
											 const PgmInverse *inverse);

/*
 * Both for one column of a table that is made of another one of it.  The
 * author's subcommands name the columns as they are now.
 */
extern PgmMappingText *pgm_mapping_within(Relation rel, AttrNumber from,
										  AttrNumber to, List *commands,
										  const char *text);
extern PgmMappingText *pgm_mapping_within_back(Relation rel, AttrNumber from,
											   AttrNumber to,
											   const PgmInverse *inverse);

/*
 * What ALTER COLUMN TYPE or ADD COLUMN would make of a column: the traits, and
 * what is missing.  The text is analyzed as the role, which runs checks of
 * domains, not at all with InvalidOid; it is not planned, so more may fail.
 * Nothing is said if it cannot be told, for a name that is not there yet.
 */
extern void pgm_mapping_foresee(Relation rel, AlterTableCmd *command, Oid role,
								PgmMappingText *forth);

/*
 * mapping_use.c.  A whole number as a narrower one: fails for those out of
 * range, and leaves the others different.
 */
extern bool pgm_mapping_narrows(Node *node, AttrNumber *column, int64 *lowest,
								int64 *highest);

/* What an expression depends on becomes what the trigger depends on. */
extern void pgm_mapping_depend(Oid trigger, Oid source, const char *columns);
typedef struct PgmMappedColumn
{
	AttrNumber	copy;			/* column of the source, 0 if not a copy */
	AttrNumber	narrow;			/* the number that it is made of … */
	int64		highest;		/* … and that must be within this, or 0 */
	int64		lowest;
	ExprState  *state;			/* NULL for a copy and for no value */
	ExprState  *proof;			/* that it makes its source again, or NULL */
	bool		unproven;		/* as it would be, but nothing can prove it */
	Expr	   *broken;			/* cannot be made ready, or NULL */
	Bitmapset  *reads;			/* columns of the source */
	int16		length;
	bool		by_value;
} PgmMappedColumn;

/* Lives in the context it was compiled in. */
typedef struct PgmMapping
{
	int			ncolumns;
	PgmMappedColumn *columns;
	TupleDesc	source;
	bool		may_fail;		/* for code as it is now */
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
 * fit?  Nobody has to catch an error of it then.  To what is broken none fits.
 */
extern bool pgm_mapping_fits(const PgmMapping *mapping, AttrNumber column,
							 TupleTableSlot *source);

/*
 * Compute one column of a row.  The result is in the memory of the expression
 * context, or in the slot.
 */
extern Datum pgm_mapping_value(PgmMapping *mapping, AttrNumber column,
							   TupleTableSlot *source, bool *isnull);

/* Does that value of a column make its source again, if that is asked for? */
extern bool pgm_mapping_proven(PgmMapping *mapping, AttrNumber column,
							   TupleTableSlot *source);

/* All of them, into a virtual slot of the target. */
extern void pgm_mapping_fill(PgmMapping *mapping, TupleTableSlot *source,
							 TupleTableSlot *target);

/* Is a column of the target certainly the same for both rows? */
extern bool pgm_mapping_unchanged(const PgmMapping *mapping,
								  AttrNumber column, TupleTableSlot *old,
								  TupleTableSlot *new);

#endif							/* PGM_ONLINE_MAPPING_H */
