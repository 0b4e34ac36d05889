/*-------------------------------------------------------------------------
 *
 * fleet.h
 *	  One target in many databases of the cluster, or many schemas of one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FLEET_FLEET_H
#define PGM_FLEET_FLEET_H

#include "assess/assess.h"

typedef enum PgmFleetState
{
	PGM_FLEET_PENDING,			/* not begun */
	PGM_FLEET_RUNNING,
	PGM_FLEET_DONE,				/* at the target */
	PGM_FLEET_FAILED,
	PGM_FLEET_SKIPPED,			/* cannot be one of the fleet */
	PGM_FLEET_ABSENT			/* the extension is not there */
} PgmFleetState;

/* What has become of a database, or of a schema of the caller's. */
typedef struct PgmFleetMember
{
	const char *database;
	const char *schema;			/* or NULL */
	int			wave;			/* 1 are the canaries, 2 the others */
	PgmFleetState state;
	int			steps;			/* -1: not known */
	int64		duration;		/* microseconds, -1: not begun */
	int			nheads;			/* -1: not known */
	char	  **heads;
	const char *error;

	/* while it goes on */
	struct PgmFleet *fleet;
	struct PgmProcess *process;
	int64		begun;			/* on the monotonic clock */
	bool		entered;		/* it may work there */
	bool		asked;			/* asked once more after a failure */
	int64		run;
	int			code;			/* of the error */
} PgmFleetMember;

typedef struct PgmFleet
{
	const char *target;
	PgmAllowance allowance;
	int			at_once;
	int			canaries;		/* have to end before the others begin */
	bool		stop_on_failure;
	bool		named;			/* by the caller, so that each has a row */
	bool		of_schemas;
	int			n;
	PgmFleetMember *members;
	MemoryContext context;		/* of what comes back */
} PgmFleet;

/*
 * Outside of a transaction block, without a snapshot.  Names given twice count
 * once; NULL for all databases where the caller may connect.  Schemas are of
 * the caller's database, and follow each other, since it has one run at a
 * time.
 */
extern void pgm_fleet_run(PgmFleet *fleet, int n, char **names);
extern const char *pgm_fleet_state_name(PgmFleetState state);

/* At the load of the library. */
extern void pgm_fleet_register(void);

#endif							/* PGM_FLEET_FLEET_H */
