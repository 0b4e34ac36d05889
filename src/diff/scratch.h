/*-------------------------------------------------------------------------
 *
 * scratch.h
 *	  Work in another database of the cluster, in a background worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_SCRATCH_H
#define PGM_DIFF_SCRATCH_H

#include "schema/model.h"

typedef enum PgmScratchOp
{
	PGM_SCRATCH_COMMAND,		/* each statement by itself */
	PGM_SCRATCH_LOAD,			/* a text in one transaction */
	PGM_SCRATCH_MODEL			/* read the schema */
} PgmScratchOp;

typedef struct PgmScratchTask
{
	PgmScratchOp op;
	const char *text;			/* NULL for a model */

	/* what comes back */
	bool		done;
	bool		sets_owners;	/* the text says who owns what */
	bool		grants;			/* and who may do what */
	PgmSchema  *schema;
} PgmScratchTask;

/*
 * Do the tasks in their order, as the current user, with the settings of this
 * session.  An error of the worker is raised here.
 */
extern void pgm_scratch_work(const char *database, int n,
							 PgmScratchTask *tasks);

/* Names for this session, from 1; what a name is taken by is left over. */
extern char *pgm_scratch_name(int n);

/*
 * Make databases of these names, as empty as template0, and drop what was
 * left over by sessions that are gone.
 */
extern void pgm_scratch_create(int n, char **names);

/* For the handler of an error too: what fails is a WARNING. */
extern void pgm_scratch_drop(int n, char **names);

extern PGDLLEXPORT void pgmigrate_scratch_main(Datum main_arg);

#endif							/* PGM_DIFF_SCRATCH_H */
