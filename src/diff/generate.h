/*-------------------------------------------------------------------------
 *
 * generate.h
 *	  The SQL from the schema of this database to a desired one, and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_GENERATE_H
#define PGM_DIFF_GENERATE_H

#include "nodes/pg_list.h"

/*
 * Statements that make the schema of this database what the text makes of an
 * empty one, or what another database has; one of both is given.  NIL if there
 * is nothing to do.
 */
extern List *pgm_generate_diff(const char *desired, const char *database);

/*
 * The same and the way back as texts, when both have been run in a scratch
 * database and led there.  False if there is nothing to do.
 */
extern bool pgm_generate_revision(const char *desired, const char *database,
								  char **upgrade, char **downgrade);

#endif							/* PGM_DIFF_GENERATE_H */
