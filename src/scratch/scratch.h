/*-------------------------------------------------------------------------
 *
 * scratch.h
 *	  Scratch databases on the same server, and work in them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCRATCH_SCRATCH_H
#define PGM_SCRATCH_SCRATCH_H

#include "lib/stringinfo.h"

#include "process/entry.h"
#include "schema/catalogs.h"

typedef enum PgmScratchOp
{
	PGM_SCRATCH_COMMAND,		/* each statement by itself */
	PGM_SCRATCH_LOAD,			/* a text in one transaction */
	PGM_SCRATCH_MODEL			/* read the schema */
} PgmScratchOp;

typedef struct PgmScratchTask
{
	PgmScratchOp op;
	const char *text;			/* NULL where something is read */
	bool		catalogs;		/* read them too, with the same snapshot */

	/* what comes back */
	bool		is_empty;		/* the text has no statement */
	bool		sets_owners;	/* it says who owns what */
	bool		grants;			/* and who may do what */
	PgmReading	reading;
} PgmScratchTask;

/*
 * Do the tasks in their order, as the current user, with the settings of this
 * session, in a worker.  An error of the worker is raised here.
 */
extern void pgm_scratch_work(const char *database, int n,
							 PgmScratchTask *tasks);

/* The same, while this process does something by itself. */
extern void pgm_scratch_work_beside(const char *database, int n,
									PgmScratchTask *tasks,
									void (*beside) (void *arg), void *arg);

/*
 * Names for this process, from 1: what for is "scratch" or "rehearsal".  What
 * a name is taken by is left over.
 */
extern char *pgm_scratch_name(const char *what, int n);

/* Refuse a role that cannot make databases. */
extern void pgm_scratch_check_role(void);

/*
 * Make databases of these names, as empty as template0, and drop what was
 * left over by processes that are gone.
 */
extern void pgm_scratch_create(int n, char **names);

/* For the handler of an error too: what fails is a WARNING. */
extern void pgm_scratch_drop(int n, char **names);

/*
 * At the beginning of a job in a scratch database: refuses a worker that is
 * not the launcher's role by its login.
 */
extern void pgm_scratch_enter(const PgmJob *job);

/* Texts and models as parts of messages and payloads. */
extern void pgm_scratch_put_text(StringInfo message, const char *text);
extern char *pgm_scratch_get_text(StringInfo message);
extern void pgm_scratch_put_model(StringInfo message, const PgmSchema *schema);
extern PgmSchema *pgm_scratch_get_model(StringInfo message);

/*
 * The same as the answer of a worker, in parts that begin with which of its
 * models it is; true when that is complete.
 */
extern void pgm_scratch_answer_model(int which, const PgmSchema *schema);
extern bool pgm_scratch_get_answer(StringInfo message, PgmSchema **schema);

/* At the load of the library. */
extern void pgm_scratch_register(void);

#endif							/* PGM_SCRATCH_SCRATCH_H */
