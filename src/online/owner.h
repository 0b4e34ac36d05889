/*-------------------------------------------------------------------------
 *
 * owner.h
 *	  Act as the owner of a table, whose code may be run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_OWNER_H
#define PGM_ONLINE_OWNER_H

#include "nodes/pg_list.h"

/*
 * Expressions of others are theirs to answer for: run as the owner of the
 * table, restricted.
 */
typedef struct PgmOwnerScope
{
	Oid			user;
	int			sec_context;
	int			guc_level;
} PgmOwnerScope;

/* Of a relation; InvalidOid if it is gone. */
extern Oid	pgm_owner_of(Oid relid);

/* What names mean stays as it is for who calls. */
extern void pgm_owner_enter(PgmOwnerScope *scope, Oid owner);

/* The same for one who says what they mean, or names nothing. */
extern void pgm_owner_switch(PgmOwnerScope *scope, Oid owner);
extern void pgm_owner_leave(const PgmOwnerScope *scope);

/*
 * Settings that a stable expression may read, as name and value in turn; they
 * are for one that runs as the owner.
 */
extern List *pgm_owner_settings(Oid owner);
extern void pgm_owner_pin(char **settings, int n);

#endif							/* PGM_ONLINE_OWNER_H */
