/*-------------------------------------------------------------------------
 *
 * operation.h
 *	  The rows of online changes and backfills.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_OPERATION_H
#define PGM_STORE_OPERATION_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/block.h"

/*
 * preparing -> copying -> indexing -> comparing -> switching -> switched
 *                                                              |    |
 *                                                       reverted    finalized
 *
 * A state may be passed over.  From every state before switched an operation
 * can be cancelled or failed; a failed one goes on where it stopped when its
 * run is called again.  What has no former form to go back to is finalized at
 * once.
 */
typedef enum PgmOperationState
{
	PGM_OPERATION_PREPARING,
	PGM_OPERATION_COPYING,
	PGM_OPERATION_INDEXING,
	PGM_OPERATION_COMPARING,
	PGM_OPERATION_SWITCHING,
	PGM_OPERATION_SWITCHED,
	PGM_OPERATION_FINALIZED,
	PGM_OPERATION_REVERTED,
	PGM_OPERATION_CANCELLED,
	PGM_OPERATION_FAILED
} PgmOperationState;

typedef enum PgmOperationMethod
{
	PGM_METHOD_IN_PLACE,
	PGM_METHOD_COLUMN,
	PGM_METHOD_TABLE
} PgmOperationMethod;

typedef struct PgmOperation
{
	int64		id;
	int64		run;
	char	   *revision;		/* NULL for one that was called by hand */
	char	   *direction;		/* up or down */
	int			statement;		/* from 1; 0 without a revision */
	char	   *digest;
	char	   *schema;
	char	   *relation;
	Oid			relid;
	char	   *strategy;
	PgmOperationMethod method;
	PgmOperationState state;
	Oid			role;
	char	   *details;		/* jsonb as text */
	TimestampTz switched;		/* 0 if it is not */
	bool		elsewhere;		/* in another cluster, so OIDs mean nothing */
} PgmOperation;

/* Blocks of a table or partition, worked on by one process. */
typedef struct PgmOperationRange
{
	int64		operation;
	int			part;			/* from 1 */
	Oid			relid;
	Oid			filenode;
	BlockNumber first;
	BlockNumber next;			/* first that is not done */
	BlockNumber end;			/* after the last */
	int64		rows;
} PgmOperationRange;

extern const char *pgm_operation_state_name(PgmOperationState state);
extern PgmOperationState pgm_operation_state(const char *name);

/*
 * All in a transaction; what is returned lives in the current memory context.
 * Begin fills the id, or raises ERRCODE_OBJECT_IN_USE with the other one's
 * number and run if one is at work on the relation.
 */
extern void pgm_operation_begin(PgmOperation *operation);
extern PgmOperation *pgm_operation_get(int64 id);	/* NULL: none */

/* That of a statement of a revision that is not over, or NULL. */
extern PgmOperation *pgm_operation_of_statement(const char *revision,
												const char *direction,
												int statement,
												const char *digest);

/* All of a revision, NULL: of none, that are not over, the last first. */
extern List *pgm_operations_unfinished(const char *revision);

/* In order; in this state, of a revision or of all (NULL). */
extern List *pgm_operations_in_state(PgmOperationState state,
									 const char *revision);

/* Of an upgrade, and reverted since the revision was applied. */
extern List *pgm_operations_taken_back(const char *revision);
extern List *pgm_operations_of_run(int64 run);	/* begun or gone on with */

/* Keeps the row locked until the end of the transaction. */
extern PgmOperation *pgm_operation_lock(int64 id);

/* To go on in place: a relation that is lost is the one of its name. */
extern void pgm_operation_find_again(PgmOperation *operation);
extern void pgm_operation_set_run(PgmOperation *operation, int64 run);
extern void pgm_operation_set_state(PgmOperation *operation,
									PgmOperationState state,
									const char *phase);

/*
 * How long it can be reverted, from now on.  Those that cannot any more, and
 * all that are switched; and with them what reverted ones have left.
 */
extern void pgm_operation_set_revert_until(int64 id, int seconds);
extern List *pgm_operations_due(void);
extern List *pgm_operations_finalizable(void);
extern void pgm_operation_set_progress(int64 id, int64 done, int64 total,
									   const char *unit);
extern void pgm_operation_set_waiting(int64 id, const char *what);
extern void pgm_operation_set_differences(int64 id, int64 differences);

/* A member of the details, as text; NULL if there is none. */
extern char *pgm_operation_detail(const PgmOperation *operation,
								  const char *name);

/* Adds the members of a jsonb object, as text. */
extern void pgm_operation_add_details(PgmOperation *operation,
									  const char *details);
extern void pgm_operation_fail(PgmOperation *operation, const char *message);

/* Those at work of a run that stopped. */
extern void pgm_operations_fail_of_run(int64 run, const char *message);

extern void pgm_operation_add_range(const PgmOperationRange *range);
extern List *pgm_operation_ranges(int64 id);	/* of PgmOperationRange * */

/* In the transaction that wrote the rows. */
extern void pgm_operation_range_done(const PgmOperationRange *range,
									 BlockNumber next, int64 rows);
extern void pgm_operation_drop_ranges(int64 id);

#endif							/* PGM_STORE_OPERATION_H */
