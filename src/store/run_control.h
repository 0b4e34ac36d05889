/*-------------------------------------------------------------------------
 *
 * run_control.h
 *	  What has been asked of a run while it is at work.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_CONTROL_H
#define PGM_STORE_RUN_CONTROL_H

/* -1 where nothing was set */
typedef struct PgmRunSettings
{
	bool		paused;
	int			chunk_time;		/* ms */
	int			pause;			/* ms */
	int			max_replica_lag;	/* ms */
	int			max_wal_rate;	/* kB a second */
	int			backfill_window;	/* see day_window.h */
} PgmRunSettings;

/* In a transaction. */
extern void pgm_run_control_read(int64 run, PgmRunSettings *settings);

/*
 * The value as a setting of the server is written, with its unit.  Raises an
 * error for what cannot be set.
 */
extern void pgm_run_control_set(int64 run, const char *setting,
								const char *value);
extern void pgm_run_control_pause(int64 run, bool paused);

#endif							/* PGM_STORE_RUN_CONTROL_H */
