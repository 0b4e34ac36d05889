/*-------------------------------------------------------------------------
 *
 * diff.h
 *	  The SQL that leads from one schema to another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_DIFF_H
#define PGM_DIFF_DIFF_H

#include "nodes/pg_list.h"

#include "schema/model.h"

typedef struct PgmDiffOptions
{
	const char *role;			/* that makes what is new */
	bool		no_owners;		/* who owns what does not count */
	bool		no_grants;		/* default privileges do not count */
	const PgmSchema *defaults;	/* what has the default privileges, or NULL */
	bool		outline;		/* for a proof: without what is secret */
	List	   *include;		/* patterns as of LIKE; NIL is everything */
	List	   *exclude;
} PgmDiffOptions;

/*
 * The statements, without semicolons, as a list of strings; what loses data
 * has a comment before it.  An error for a difference that has no SQL here.
 * Looks at the models only.
 */
extern List *pgm_diff_write(const PgmSchema *from, const PgmSchema *to,
							const PgmDiffOptions *options);

/*
 * Is an object of the schema left alone, for what is to be included or
 * excluded?  Without a schema only by its own name.
 */
extern bool pgm_diff_skips(const PgmDiffOptions *options,
						   const PgmSchema *schema,
						   const PgmSchemaObject *object);

/*
 * Tells of tables that keep their rows in another way, and of what differs
 * and is not written.
 */
extern void pgm_diff_tell(const PgmSchema *from, const PgmSchema *to,
						  const PgmDiffOptions *options);

/*
 * Let the desired schema have the owners or privileges of the present one,
 * where it does not tell of them.
 */
extern void pgm_diff_adopt(const PgmSchema *present, PgmSchema *desired,
						   const PgmDiffOptions *options, bool owners,
						   bool grants);

/*
 * What a way back can lead to: the present schema, with the desired versions
 * of those extensions that do not go back to theirs; comments on these are
 * added to the list.
 */
extern PgmSchema *pgm_diff_way_back(PgmSchema *present,
									const PgmSchema *desired, List **left);

/*
 * Statements of a way back, with those comments, and with others on what the
 * statements of the way there have deleted.
 */
extern List *pgm_diff_not_brought_back(List *there, List *back, List *left);

/* A message of that level with what the caller may not alter, drop or make. */
extern void pgm_diff_check_rights(const PgmSchema *from, const PgmSchema *to,
								  const PgmDiffOptions *options, int elevel);

/* The statements as the text of a revision. */
extern char *pgm_diff_text(List *statements);

/*
 * The first object that is not the same, or NULL; without those whose
 * difference the options leave out.
 */
extern char *pgm_diff_first(const PgmSchema *from, const PgmSchema *to,
							const PgmDiffOptions *options);

#endif							/* PGM_DIFF_DIFF_H */
