/*-------------------------------------------------------------------------
 *
 * trial_scope.h
 *	  Which statements may be tried on clones.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_TRIAL_SCOPE_H
#define PGM_CLONE_TRIAL_SCOPE_H

#include "nodes/parsenodes.h"

#include "sql/kinds.h"

/* Never PGM_TRIABLE_BY_STATEMENT; the reason is that of what is not. */
extern PgmTriable pgm_triable(Node *stmt, const char **reason);

/*
 * What stands for a statement that cannot be tried itself: a copy without
 * CONCURRENTLY, or that makes the table but reads no rows; or NULL.
 */
extern Node *pgm_plain_form(Node *stmt);

/*
 * Takes OWNER TO out, since a clone cannot be given away; the rest of the
 * statement can be tried.  Returns the new owner or NULL.
 */
extern const RoleSpec *pgm_without_owner(Node *stmt);

/* The foreign keys whose other end a statement can reach. */
typedef struct PgmReach
{
	bool		all;
	List	   *columns;		/* names: those of the columns … */
	List	   *constraints;	/* … those constraints, or that need them */
} PgmReach;

extern PgmReach pgm_reaches_keys(Node *stmt);

/* Can it be refused for the sake of a view, or drop one? */
extern bool pgm_reaches_views(Node *stmt);

#endif							/* PGM_CLONE_TRIAL_SCOPE_H */
