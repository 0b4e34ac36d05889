/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  Two schemas side by side, and the statements between them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_INTERNAL_H
#define PGM_DIFF_INTERNAL_H

#include "lib/stringinfo.h"

#include "compat/server.h"
#include "diff/diff.h"
#include "diff/lookup.h"
#include "diff/words.h"

typedef enum PgmChange
{
	PGM_KEEP,
	PGM_CREATE,
	PGM_DROP,
	PGM_ALTER,
	PGM_RECREATE				/* dropped and created */
} PgmChange;

/* An object of either schema, or the same one of both. */
typedef struct PgmPair
{
	const PgmSchemaObject *from;	/* NULL: not there yet */
	const PgmSchemaObject *to;	/* NULL: not there any more */
	PgmChange	change;
	int			rank;			/* of the kind */
	bool		retype;			/* a column whose type is made anew */
	bool		drop_default;	/* a column whose default must go meanwhile */
	bool		new_sequence;	/* an identity column whose sequence goes */
	bool		late;			/* dropped after what lives on has let go */
	bool		visited;
	bool		gone;			/* its drop is written */
	bool		made;			/* so is what makes or alters it */
	bool		aside_gone;		/* that of what was set aside too */
	int			whole_from;		/* pair that this goes with, or -1 */
	int			whole_to;
	bool		only;			/* an index made without its partitions */
	bool		is_there;		/* a partition's, left to it by its parent */
	bool		apart;			/* from a parent that is made again */
	int			parent_from;	/* of a partition's index, goes with it too */
	int			parent_to;
	int			first_part_from;	/* pairs that go with this, or -1 */
	int			first_part_to;
	int			next_part_from;
	int			next_part_to;
} PgmPair;

/* Neighbours by dependency: of object i, those at start[i] .. start[i + 1]. */
typedef struct PgmEdges
{
	int		   *start;
	int		   *other;			/* pairs */
} PgmEdges;

typedef struct PgmDiff
{
	const PgmSchema *from;
	const PgmSchema *to;
	const PgmDiffOptions *options;
	int			npairs;
	PgmPair    *pairs;			/* sorted by kind and identity */
	PgmEdges	users;			/* who needs this, in from */
	PgmEdges	needs;			/* what this needs, in to */
	PgmLookup	sequences;		/* of columns, in to */
	PgmLookup	not_nulls[2];	/* constraints, in from and to */
	PgmLookup	constraints[2]; /* by name; made when looked at */
	List	   *statements;		/* of PgmDdl */
	const PgmPair *writing;		/* what is being written, or NULL */
	bool		tells;			/* only who may what of it, and a comment */
} PgmDiff;

/* diff.c */
extern void pgm_diff_begin(PgmDiff *diff, const PgmSchema *from,
						   const PgmSchema *to,
						   const PgmDiffOptions *options);

/* pairs.c: what is to happen to each object. */
extern void pgm_diff_pair(PgmDiff *diff);
extern bool pgm_diff_same(const PgmDiff *diff, const PgmPair *pair);
extern bool pgm_diff_type_changes(const PgmPair *pair);
extern bool pgm_diff_is_foreign_key(const PgmSchemaObject *object);
extern bool pgm_diff_is_check(const PgmSchemaObject *object);

/* retype.c: types to be made again, as they cannot be altered. */
extern void pgm_diff_recreate_types(PgmDiff *diff);

/* Refuses a new type for what is in the rows of other tables. */
extern void pgm_diff_check_row_types(const PgmDiff *diff);

/* index.c: those that change what they belong to. */
extern void pgm_diff_settle_indexes(PgmDiff *diff);

/* order.c: in which order; calls the writers. */
extern void pgm_diff_order(PgmDiff *diff);

/* What is written for a pair, at its place in the order. */
extern void pgm_ddl_drop(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_create(PgmDiff *diff, PgmPair *pair, bool last);
extern void pgm_ddl_let_go(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_finish(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_can_replace(const PgmDiff *diff, const PgmPair *pair);

/* privileges.c: owner, privileges, comment of what is there now. */
extern void pgm_ddl_attributes(PgmDiff *diff, PgmPair *pair, bool created);
extern bool pgm_ddl_same_privileges(const PgmDiff *diff, const PgmPair *pair);

/* What something new is granted by default, as the model has it. */
extern char *pgm_ddl_default_acl(const PgmSchema *schema,
								 const PgmSchemaObject *object,
								 const PgmDiffOptions *options);
extern void pgm_ddl_default_privileges(PgmDiff *diff, PgmPair *pair);

/* text.c */
extern const PgmSchemaObject *pgm_ddl_object(const PgmPair *pair);

/* The pair of an identity, or NULL. */
extern PgmPair *pgm_ddl_find_pair(const PgmDiff *diff, const char *kind,
								  const char *identity);

/* The table that a part is on, foreign or not; NULL if there is none. */
extern PgmPair *pgm_ddl_table_pair(const PgmDiff *diff,
								   const PgmSchemaObject *part);

/* Is the table of this part made by us? */
extern bool pgm_ddl_table_is_new(const PgmDiff *diff,
								 const PgmSchemaObject *part);

/* rows.c: a free name for what is beside a type until values have moved. */
extern char *pgm_ddl_name_beside(const PgmDiff *diff, const PgmPair *type,
								 const char *word);
pg_noreturn extern void pgm_ddl_refuse(const PgmPair *pair,
									   const char *property);

#endif							/* PGM_DIFF_INTERNAL_H */
