/*-------------------------------------------------------------------------
 *
 * column_internal.h
 *	  A change by another column, for the files that carry it out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_COLUMN_INTERNAL_H
#define PGM_ONLINE_COLUMN_INTERNAL_H

#include "online/internal.h"
#include "online/shadow_column.h"

/* Sorts after the triggers of others. */
#define PGM_COLUMN_TRIGGER "~pgmigrate_"

/*
 * A column and its double.  The one that leads has the name; what is written
 * to it is written to the one that follows, under a name of ours.
 */
typedef struct PgmColumnPair
{
	AttrNumber	lead;
	AttrNumber	follow;
	bool		not_null;		/* the one that leads */
	PgmMappingText forth;		/* expression of the one that follows … */
	PgmMappingText back;		/* … and of the one that leads, if that is
								 * written to */
} PgmColumnPair;

/* What the trigger of a table has to know. */
typedef struct PgmColumnSpec
{
	int64		operation;
	Oid			relid;
	Oid			owner;
	Oid			unfit;			/* table of what did not fit */
	int			n;
	PgmColumnPair *pairs;
	char	  **settings;
	int			nsettings;
} PgmColumnSpec;

/* prepare.c: a schema of the operation, and a table of what did not fit. */
extern void pgm_shadow_make_schema(PgmShadow *shadow);
extern void pgm_shadow_remember_settings(PgmShadow *shadow);

/* switch.c */
extern void pgm_shadow_drop_schema(PgmShadow *shadow);

/*
 * build_indexes.c: one of a table, by the command that makes it, adjusted,
 * unless it is there and valid.
 */
extern void pgm_shadow_ensure_index(PgmShadow *shadow, Oid relid,
									const char *name, const char *command,
									void (*adjust) (IndexStmt *stmt,
													void *arg), void *arg);

/* column_trigger.c: in a transaction, with the table locked. */
extern Oid	pgm_column_trigger_create(const PgmColumnSpec *spec);
extern void pgm_column_trigger_drop(Oid relid, int64 operation);

/* False if it is gone, or does not fire in every session. */
extern bool pgm_column_trigger_read(Oid relid, int64 operation,
									PgmColumnSpec *spec);

/*
 * While this process fills those that follow, they are made of those that
 * lead, whatever is written to them; a value that does not fit is an error.
 */
extern void pgm_column_filling(bool filling);

/* column_pairs.c: names of ours; was such an index begun, with none there? */
extern char *pgm_column_hidden(int64 operation, AttrNumber column);
extern char *pgm_column_hidden_object(int64 operation, Oid object);
extern bool pgm_column_is_claimed(const PgmOperation *op, const char *name);

/* The tables of the change: the one that is altered, and all below it. */
extern List *pgm_column_members(const PgmShadow *shadow);

/* The columns that follow, as nodes of ADD COLUMN; and what they are. */
extern void pgm_column_add(const PgmShadow *shadow);
extern void pgm_column_specify(const PgmShadow *shadow, Oid relid,
							   PgmColumnSpec *spec);

/*
 * What is written of columns is about those that follow.  Names of columns and
 * of their doubles, in turn.
 */
extern void pgm_column_rename_inverse(PgmInverse *inverse, List *names);

/*
 * An index or constraint of a column that leads at first, and its double.
 * Once the names are exchanged they are in the details of the operation.
 */
typedef struct PgmColumnObject
{
	Oid			relid;			/* of the table */
	char		kind;			/* of a constraint, 'i' for an index */
	Oid			was;
	Oid			becomes;		/* InvalidOid if it is not made yet */
} PgmColumnObject;

extern List *pgm_column_objects(const PgmShadow *shadow);

/* Of the columns of a table that lead now; in a transaction. */
extern List *pgm_column_objects_on(const PgmShadow *shadow, Oid relid);

/* Of one column of a table that leads at first. */
extern List *pgm_column_objects_of(int64 operation, Oid relid,
								   AttrNumber column);
extern void pgm_column_save_objects(PgmShadow *shadow, List *objects);

/* Makes the doubles, outside of a transaction. */
extern void pgm_column_make_objects(PgmShadow *shadow);

/* An index on the columns of a list of names and their doubles, in turn. */
extern void pgm_column_rename_index(IndexStmt *stmt, void *names);

/* column_exchange.c: of all tables of the change, with their locks. */
extern void pgm_column_exchange(PgmShadow *shadow, bool back);
extern void pgm_column_check_exchange(PgmShadow *shadow);	/* back, ahead */
extern char *pgm_column_default(Oid relid, AttrNumber column);	/* or NULL */

/* column_compare.c: outside of a transaction; with the locks, inside. */
extern void pgm_column_compare(PgmShadow *shadow);
extern int64 pgm_column_count_unfit(PgmShadow *shadow);

extern bool pgm_column_is_unique(Oid index);
extern bool pgm_column_nulls_are_distinct(Oid index);	/* column_since.c */

/* column_refusal.c: why it cannot be, as pgm_shadow_refusal. */
extern char *pgm_column_refusal(Oid relid, const PgmSource *source, int n,
								Oid reader);

/* shadow_column.c: the phases, for shadow_table.c. */
extern bool pgm_is_column(const PgmShadow *shadow);
extern char *pgm_column_no_way_back(const PgmMappingText *back,
									int64 operation, Oid relid,
									AttrNumber column);
extern void pgm_column_advance(PgmShadow *shadow);
extern void pgm_column_check(const PgmShadow *shadow);
extern void pgm_column_switch(PgmShadow *shadow);
extern void pgm_column_switch_back(PgmShadow *shadow, bool without_unfit);
extern void pgm_column_check_back(PgmShadow *shadow);
extern void pgm_column_set_sequences_back(PgmShadow *shadow, bool ahead);
extern void pgm_column_remove(PgmShadow *shadow);

#endif							/* PGM_ONLINE_COLUMN_INTERNAL_H */
