/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  A backfill in progress, for the files that carry it out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_INTERNAL_H
#define PGM_BACKFILL_INTERNAL_H

#include "backfill/backfill.h"
#include "backfill/pacer.h"
#include "backfill/prepared.h"
#include "backfill/statement.h"
#include "base/session_settings.h"

/* What may be in the way; one per process. */
typedef struct PgmThrottle
{
	int64		checked;		/* on the monotonic clock */
	int64		archive_checked;
	int64		wal_checked;
	uint64		wal_position;
	int64		vacuum_since;	/* when we began to wait for autovacuum */
	int64		vacuum_until;	/* not to be waited for before */
	bool		archive_full;
} PgmThrottle;

/* What may be changed from outside while it works. */
typedef struct PgmControl
{
	bool		paused;
	int			chunk_time;
	int			pause;
	int			max_replica_lag;
	int			max_wal_rate;
	int			window;			/* see day_window.h */
} PgmControl;

typedef struct PgmBackfill
{
	PgmOperation *operation;
	PgmExec		exec;
	PgmBackfillOptions options;
	PgmChange  *change;
	List	   *targets;		/* of PgmTarget * */
	int			worker;			/* from 0, which owns the run … */
	int			lacking;		/* … and does what is for those from here */
	bool		quarantine;
	bool		keep_plans;		/* across transactions */
	PgmControl	control;
	PgmThrottle throttle;
	PgmPacer	pages;
	PgmPacer	list;
	int64		control_read;
	int64		progress_written;
	char	   *waiting_for;	/* as it is written, NULL for nothing */
	Oid			grows;			/* where rows go without a target, or 0 */
	int			attempts;		/* at a chunk that had to be repeated */
	bool		moved;			/* the table has another file than before */
	bool		waited_on;		/* somebody waited for the last chunk */
	int64		rows;
	int64		again;
	int64		set_aside;
	MemoryContext context;		/* lives as long as it does */
	MemoryContext chunk_context;
} PgmBackfill;

/* in target.c: in a transaction, but for the last */
extern void pgm_targets_lock(const PgmBackfill *backfill);
extern List *pgm_targets_find(const PgmChange *change);
extern List *pgm_targets_add_new(PgmBackfill *backfill);
extern void pgm_targets_notice(const PgmBackfill *backfill);
extern CachedPlanSource *pgm_target_plan(PgmBackfill *backfill,
										 PgmTarget *target, PgmForm form);
extern void pgm_target_choose_join(PgmBackfill *backfill, PgmTarget *target);
extern bool pgm_target_unmoved(PgmBackfill *backfill, PgmTarget *target);
extern void pgm_targets_add_ranges(PgmBackfill *backfill);
extern void pgm_target_begin_anew(PgmBackfill *backfill, PgmTarget *target);
extern PgmTarget *pgm_target_of(PgmBackfill *backfill, Oid relid);
extern void pgm_target_vacuum(PgmBackfill *backfill, PgmTarget *target,
							  BlockNumber changed);

/* in chunk.c: outside of a transaction */
extern void pgm_chunk_run(PgmBackfill *backfill, const PgmChunk *chunk);

/* In the handler of an error: if it is about a row, forget it and its work. */
extern bool pgm_chunk_recover(PgmBackfill *backfill);

/* in control.c: outside of a transaction */
extern void pgm_control_between(PgmBackfill *backfill, PgmTarget *target);
extern void pgm_control_set_waiting(PgmBackfill *backfill, const char *what);
extern void pgm_control_progress(PgmBackfill *backfill, bool now);

/* in throttle.c: in a transaction.  What is in the way, or NULL. */
extern const char *pgm_throttle_reason(PgmBackfill *backfill,
									   PgmTarget *target);

/* in sweep.c: outside of a transaction */
extern void pgm_sweep(PgmBackfill *backfill, PgmBackfillResult *result);

/*
 * In acting.c: in a transaction, around all that runs code of the table.  An
 * error ends it with the transaction.
 */
typedef struct PgmActing
{
	Oid			role;
	bool		guarded;
	PgmGuard	guard;
	int			guc_level;
} PgmActing;

/* What is around from now on is that role; InvalidOid is the caller. */
extern void pgm_acting_set(Oid role);
extern Oid	pgm_acting_role(void);
extern void pgm_acting_begin(const PgmBackfill *backfill, PgmActing *acting);
extern void pgm_acting_end(const PgmActing *acting);

/* in hidden.c: in a transaction */
extern int64 pgm_hidden_rows(PgmBackfill *backfill);

/* in engine.c */
extern PgmBackfill *pgm_backfill_create(PgmOperation *operation,
										const PgmExec *exec, int worker,
										bool keep_plans);
extern void pgm_backfill_work_ranges(PgmBackfill *backfill);

#endif							/* PGM_BACKFILL_INTERNAL_H */
