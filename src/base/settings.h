/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  Settings, all named pgmigrate.*.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_SETTINGS_H
#define PGM_BASE_SETTINGS_H

typedef enum PgmBlockerPolicy
{
	PGM_BLOCKER_WAIT,
	PGM_BLOCKER_CANCEL,
	PGM_BLOCKER_TERMINATE
} PgmBlockerPolicy;

typedef enum PgmChecklistMode
{
	PGM_CHECKLIST_OFF,
	PGM_CHECKLIST_WARN,
	PGM_CHECKLIST_ENFORCE
} PgmChecklistMode;

typedef enum PgmExecution
{
	PGM_EXECUTION_AUTO,
	PGM_EXECUTION_WORKER,
	PGM_EXECUTION_INLINE
} PgmExecution;

typedef enum PgmOnDisconnect
{
	PGM_DISCONNECT_CONTINUE,
	PGM_DISCONNECT_CANCEL
} PgmOnDisconnect;

typedef enum PgmEnvironment
{
	PGM_ENVIRONMENT_NONE,
	PGM_ENVIRONMENT_DEVELOPMENT,
	PGM_ENVIRONMENT_TEST,
	PGM_ENVIRONMENT_STAGING,
	PGM_ENVIRONMENT_PRODUCTION
} PgmEnvironment;

/* How an online change of a whole table is made. */
typedef enum PgmOnlineMethod
{
	PGM_ONLINE_METHOD_AUTO,
	PGM_ONLINE_METHOD_COLUMN,
	PGM_ONLINE_METHOD_TABLE
} PgmOnlineMethod;

/* What becomes of a revision that makes a watched query slower. */
typedef enum PgmGuardMode
{
	PGM_GUARD_OFF,
	PGM_GUARD_WARN,
	PGM_GUARD_REFUSE
} PgmGuardMode;

/* What becomes of a row that a backfill cannot change. */
typedef enum PgmRowError
{
	PGM_ROW_ERROR_FAIL,
	PGM_ROW_ERROR_QUARANTINE
} PgmRowError;

extern int	pgm_assess_timeout; /* ms */
extern char *pgm_autogenerate_exclude;	/* patterns, a list */
extern bool pgm_autogenerate_in_production;
extern char *pgm_autogenerate_include;
extern int	pgm_backup_max_age; /* s */
extern char *pgm_backup_query;
extern int	pgm_blocker_policy;
extern int	pgm_checklist_mode;
extern char *pgm_checklist_override;
extern int	pgm_concurrently_timeout;	/* ms */
extern int	pgm_danger_block;	/* ms */
extern char *pgm_drift_ignore;	/* the same */
extern int	pgm_environment;
extern int	pgm_execution;
extern int	pgm_finalize_after; /* s, 0: by hand */
extern bool pgm_flush_per_migration;
extern bool pgm_generate_verify;
extern int	pgm_lock_deadline;	/* ms */
extern int	pgm_lock_timeout;	/* ms */
extern int	pgm_max_block_time; /* ms */
extern int	pgm_max_blocked;
extern int	pgm_max_file_size;	/* kB */
extern int	pgm_max_revision_size;	/* kB */
extern int	pgm_max_statements;
extern int	pgm_on_disconnect;
extern int	pgm_run_wait;
extern bool pgm_online;
extern int	pgm_online_method;
extern int	pgm_online_threshold;	/* ms */
extern int	pgm_online_free_space;	/* MB */
extern bool pgm_transaction_per_migration;

extern bool pgm_backfill_vacuum;
extern int	pgm_chunk_time;		/* ms */
extern int	pgm_max_replica_lag;	/* ms */
extern int	pgm_max_wal_rate;	/* kB a second */
extern int	pgm_min_free_space; /* MB */
extern int	pgm_on_row_error;
extern int	pgm_online_workers;
extern char *pgm_backfill_window;
extern char *pgm_throttle_query;

extern bool pgm_approve_own;
extern int	pgm_approvals;
extern char *pgm_approvers;		/* roles, a list */
extern int	pgm_checklist_timeout;	/* ms */
extern int	pgm_event_keep;		/* s */
extern int	pgm_event_limit;
extern int	pgm_guard;
extern double pgm_guard_factor;
extern int	pgm_guard_statements;
extern int	pgm_lock_wait_event;	/* ms */
extern char *pgm_notify_channel;
extern char *pgm_notify_command;
extern int	pgm_notify_retry;	/* ms */
extern int	pgm_notify_timeout; /* ms */
extern int	pgm_scrape_max_age; /* s */

extern void pgm_guc_init(void);

/* Those of the guard and of notifications; called by the former. */
extern void pgm_guard_guc_init(void);
extern void pgm_notify_guc_init(void);

#endif							/* PGM_BASE_SETTINGS_H */
