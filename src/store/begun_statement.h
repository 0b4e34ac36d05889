/*-------------------------------------------------------------------------
 *
 * begun_statement.h
 *	  Statements that were begun one by one, of revisions that are not over.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_BEGUN_STATEMENT_H
#define PGM_STORE_BEGUN_STATEMENT_H

#include "nodes/pg_list.h"

#include "sql/statements.h"

/*
 *	            (no row) --> begun --> done
 *	                         ^   |
 *	                         |   v
 *	                         undone
 *
 * A statement in a transaction block is done when it is there.  What commits
 * by itself is begun before and done after, in transactions of their own: from
 * the one to the other nobody knows what of it has committed, unless it failed
 * in the transaction in which it began.
 */
typedef enum PgmBegunState
{
	PGM_BEGUN,
	PGM_BEGUN_UNDONE,
	PGM_BEGUN_DONE
} PgmBegunState;

typedef struct PgmBegun
{
	const char *revision;
	const char *direction;		/* up or down */
	int			statement;		/* from 1 */
	int			online_step;	/* of carrying it out online, from 1; 0: it is
								 * the statement itself */
	int64		run;
	const char *digest;			/* of the text */
	PgmBegunState state;
	Oid			object;			/* that it names, if it was there before */
	bool		elsewhere;		/* in another cluster, so OIDs mean nothing */
} PgmBegun;

/* What a statement that commits by itself works on. */
typedef struct PgmBegunScope
{
	bool		in_parts;		/* it commits as often as it likes */
	bool		unnamed;		/* the server gives its index a name */
	const char *index;			/* the only one that it may leave INVALID */
	List	   *tables;
	const char *reindexed;		/* "tables", "schema" or "database", or NULL */
	Oid			schema;
} PgmBegunScope;

/* A revision that stopped in the middle, some of its statements committed. */
typedef struct PgmPartly
{
	char	   *revision;
	int64		run;
	char	   *direction;
	int			done;
	int			statements;
	bool		in_parts;		/* parts of one more may be committed, too */
} PgmPartly;

/* What is said of that after the number of those that are done. */
#define PGM_PARTS_OF_NEXT ", and perhaps parts of the next one"

/*
 * All in a transaction.
 *
 * Begin anew, whatever is known of a try before.  "state" and "elsewhere" are
 * not read.
 */
extern void pgm_begun_insert(const PgmBegun *begun,
							 const PgmBegunScope *scope);

/*
 * The statements from "first" to before "next" are done if this transaction
 * commits.
 */
extern void pgm_begun_done(int64 run, int step, const char *direction,
						   const PgmSource *source, int first, int next);

/* The one in which the step stopped has committed nothing. */
extern void pgm_begun_set_undone(int64 run, int step);

/* Those of a revision in one direction, in their order. */
extern PgmBegun *pgm_begun_list(const char *revision, const char *direction,
								int online_step, int *n);

/* Its steps online are over, or taken back. */
extern void pgm_begun_delete_online(const char *revision, int statement);

/* The revision is over. */
extern void pgm_begun_delete(const char *revision);

/* Is there any, or one at work online? */
extern bool pgm_begun_any(void);

/* Does a statement of it stand half carried out online? */
extern bool pgm_begun_online(char *revision);

/* Raises PGM_ERRCODE_PARTLY_APPLIED if one of any of them does. */
extern void pgm_begun_refuse_online(int n, char **revisions);

/* All that are partly applied, in the order in which they stopped. */
extern PgmPartly *pgm_begun_partly(int *n);

/* The operation whose tables and triggers stand beside those of it, or 0. */
extern int64 pgm_begun_standing(const char *revision);

/*
 * Forget what is done of revisions that are partly applied, or of one; NULL is
 * all.  Says so, but for those that are recorded as applied by now.  Raises
 * PGM_ERRCODE_PARTLY_APPLIED where tables and triggers of ours would be left.
 */
extern void pgm_begun_forget(const char *revision);

/*
 * Statements of a revision that is partly applied, which an operation carried
 * out and that is reverted: the next run carries them out again.  False if the
 * revision is not, or if later statements are done.
 */
extern bool pgm_begun_take_back(int64 operation);

#endif							/* PGM_STORE_BEGUN_STATEMENT_H */
