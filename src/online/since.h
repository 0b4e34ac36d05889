/*-------------------------------------------------------------------------
 *
 * since.h
 *	  What others have made of a table between its switch and the way back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_SINCE_H
#define PGM_ONLINE_SINCE_H

#include "compat/server.h"
#include "online/internal.h"

typedef struct PgmSinceDefault
{
	char	   *column;
	char	   *text;			/* NULL for none */
} PgmSinceDefault;

typedef struct PgmSince
{
	List	   *defaults;		/* PgmSinceDefault */
	List	   *checks;			/* names, as String, that stay as they are */
} PgmSince;

/*
 * Raises an error, unless it is of a look that is to tell all that is in the
 * way: then it is one of them.
 */
extern void pgm_since_tell(const PgmShadow *shadow, void (*raise) (void *arg),
						   void *arg);

/* It is in the way, and can be taken back. */
extern void pgm_since_refuse(const PgmShadow *shadow, const char *what);

/*
 * An index that was made since on what is kept for the way back, by the
 * command of that index, adjusted; outside of a transaction.  An error says
 * which one it is, and what to do.
 */
extern void pgm_since_build_index(PgmShadow *shadow, Oid relid, Oid index,
								  const char *name, const char *command,
								  void (*adjust) (IndexStmt *stmt, void *arg),
								  void *arg);

/*
 * In a worker outside of a transaction: those of the table that the old rows
 * lack.  With the locks: the table beside gets those of the table, and the old
 * rows lose those that it has not any more.
 */
extern void pgm_since_build_indexes(PgmShadow *shadow);
extern void pgm_since_match_indexes(const PgmShadow *shadow);
extern void pgm_since_drop_indexes(const PgmShadow *shadow);

/* With the locks, before the statement back; refuses what is in the way. */
extern PgmSince *pgm_since_look(const PgmShadow *shadow);

/* They are dropped before that statement, and set again after it. */
extern void pgm_since_set_defaults(const PgmShadow *shadow,
								   const PgmSince *since, bool again);

#endif							/* PGM_ONLINE_SINCE_H */
