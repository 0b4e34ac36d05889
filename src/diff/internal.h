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
	bool		late;			/* dropped after what lives on has let go */
	bool		visited;
	bool		gone;			/* its drop is written */
	int			whole_from;		/* pair that this goes with, or -1 */
	int			whole_to;
	int			parent_from;	/* of a partition's index, goes with it too */
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
	List	   *statements;		/* of PgmDdl */
} PgmDiff;

typedef struct PgmDdl
{
	char	   *table;			/* the rest can be joined with others */
	char	   *sql;
	char	   *loss;			/* of data: what is lost, or NULL */
} PgmDdl;

/* pairs.c: what is to happen to each object. */
extern void pgm_diff_pair(PgmDiff *diff);
extern bool pgm_diff_same(const PgmDiff *diff, const PgmPair *pair);

/* order.c: in which order; calls the writers. */
extern void pgm_diff_order(PgmDiff *diff);

/* What is written for a pair, at its place in the order. */
extern void pgm_ddl_drop(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_create(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_finish(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_can_replace(const PgmDiff *diff, const PgmPair *pair);

/* table.c, type.c */
extern void pgm_ddl_create_table(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_table(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_finish_table(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_add_column(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_column(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_create_type(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_alter_type(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_set_aside_type(PgmDiff *diff, PgmPair *pair);
extern void pgm_ddl_drop_aside_type(PgmDiff *diff, PgmPair *pair);
extern bool pgm_ddl_can_add_values(const PgmPair *pair);
extern void pgm_ddl_sequence_options(StringInfo sql,
									 const PgmSchemaObject *sequence,
									 bool type);

/* privileges.c: owner, privileges, comment of what is there now. */
extern void pgm_ddl_attributes(PgmDiff *diff, PgmPair *pair, bool created);
extern bool pgm_ddl_same_privileges(const PgmDiff *diff,
									const PgmPair *pair);
extern void pgm_ddl_default_privileges(PgmDiff *diff, PgmPair *pair);

/* text.c */
extern void pgm_ddl_add(PgmDiff *diff, const char *format,...)
			pg_attribute_printf(2, 3);
extern void pgm_ddl_add_to_table(PgmDiff *diff, const char *table,
								 const char *format,...)
			pg_attribute_printf(3, 4);
extern void pgm_ddl_add_loss(PgmDiff *diff, const char *table,
							 const char *sql, const char *loss);

/* The next element of "a, b", quotes and brackets respected; NULL: none. */
extern char *pgm_ddl_next(const char **list);
extern bool pgm_ddl_in_list(const char *list, const char *element);
extern bool pgm_ddl_equal(const char *a, const char *b);

/* The keyword of a kind, as in DROP; NULL if there is none. */
extern const char *pgm_ddl_keyword(const char *kind);
extern int	pgm_ddl_rank(const char *kind);
extern bool pgm_ddl_is(const PgmSchemaObject *object, const char *kind);
extern const PgmSchemaObject *pgm_ddl_object(const PgmPair *pair);
extern const char *pgm_ddl_table(const PgmSchemaObject *object);

/* The name of a part without that of its table, quoted. */
extern char *pgm_ddl_part_name(const PgmSchemaObject *object);

/* The name without its schema, quoted. */
extern const char *pgm_ddl_bare_name(const char *identity);
pg_noreturn extern void pgm_ddl_refuse(const PgmPair *pair,
									   const char *property);

#endif							/* PGM_DIFF_INTERNAL_H */
