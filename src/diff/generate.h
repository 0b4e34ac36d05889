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

#include "diff/rename.h"

/* What is asked for; one of the first three is given. */
typedef struct PgmDesired
{
	const char *text;
	const char *database;
	List	   *schemas;		/* of PgmRename: a schema, and its place */
	List	   *renames;		/* of PgmRename */
} PgmDesired;

/*
 * Statements that make the schema of this database what the text makes of an
 * empty one, what another database has, or, schema by schema, what others in
 * this one have.  NIL if there is nothing to do.
 */
extern List *pgm_generate_diff(const PgmDesired *desired);

/*
 * The same and the way back as texts, when both have been run in a scratch
 * database and led there.  False if there is nothing to do.
 */
extern bool pgm_generate_revision(const PgmDesired *desired, char **upgrade,
								  char **downgrade);

/*
 * The same from one model to another, that of this database.  Proven where a
 * scratch database may be had, else with a NOTICE that it is not.  The
 * patterns are of objects that are left out.
 */
extern bool pgm_generate_between(PgmSchema *from, PgmSchema *to,
								 List *exclude, char **upgrade,
								 char **downgrade);

#endif							/* PGM_DIFF_GENERATE_H */
