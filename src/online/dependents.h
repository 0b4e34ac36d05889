/*-------------------------------------------------------------------------
 *
 * dependents.h
 *	  What hangs on a table that is changed, and goes along.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_DEPENDENTS_H
#define PGM_ONLINE_DEPENDENTS_H

#include "online/carried_views.h"
#include "online/internal.h"

/*
 * joint.c: several tables with the foreign keys between them.  Of the
 * statements from n on the one that says how long it takes, or -1.  The tables
 * of a request, one if it is none.
 */
extern int	pgm_joint_decisive(const PgmSource *source, int n);
extern List *pgm_joint_roots(const PgmShadowRequest *request);

/* Does a statement only drop constraints, or make foreign keys? */
extern bool pgm_joint_is_key(const PgmSource *source, int n);
extern List *pgm_joint_dropped(const PgmSource *source, int n);
extern List *pgm_joint_with_descendants(List *constraints);

/* On the way back they are not there while the tables have no rows. */
extern List *pgm_joint_drop_keys(List *family);
extern List *pgm_joint_add_keys(List *keys);

/*
 * foreign_keys.c: those of others on a column whose type changes, in a
 * transaction; their tables are locked while they are suspended.
 */
typedef struct PgmIncomingKey
{
	Oid			constraint;
	Oid			relid;			/* of the referencing table */
	char	   *name;
} PgmIncomingKey;

extern List *pgm_shadow_incoming_keys(const PgmShadow *shadow);
extern void pgm_shadow_suspend_keys(List *keys);
extern void pgm_shadow_restore_keys(List *keys);

/*
 * views.c: to try them is to see that they can be what they were.  Former ones
 * have the definition that was remembered, if they were left alone.
 */
extern List *pgm_shadow_views(const PgmShadow *shadow);
extern List *pgm_shadow_former_views(const PgmShadow *shadow);
extern void pgm_shadow_remember_views(const PgmShadow *shadow, List *before);
extern void pgm_shadow_try_views(const PgmShadow *shadow);

/*
 * empty_table.c: a statement while the tables have no rows, with as little
 * work as that takes.
 */
extern void pgm_empty_run(const PgmShadow *shadow, int n);
extern void pgm_empty_run_back(const PgmShadow *shadow, const char *text);

#endif							/* PGM_ONLINE_DEPENDENTS_H */
