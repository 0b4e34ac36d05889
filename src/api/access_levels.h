/*-------------------------------------------------------------------------
 *
 * access_levels.h
 *	  What each level of access may do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_API_ACCESS_LEVELS_H
#define PGM_API_ACCESS_LEVELS_H

#include "utils/relcache.h"

typedef enum PgmAccessLevel
{
	PGM_ACCESS_VIEWER,
	PGM_ACCESS_AUTHOR,
	PGM_ACCESS_OPERATOR
} PgmAccessLevel;

/* viewer, author or operator; an error for anything else. */
extern PgmAccessLevel pgm_access_level(const char *name);

/* The commands that grant the level to the role, in order. */
extern char **pgm_access_commands(const char *role, PgmAccessLevel level,
								  int *n);

/* Refuse a user who is not the owner, whatever rights he was granted. */
extern void pgm_access_check_writer(Relation relation);

/* Details of an error may quote rows: they are for those who run revisions. */
extern bool pgm_access_may_see_errors(void);

#endif							/* PGM_API_ACCESS_LEVELS_H */
