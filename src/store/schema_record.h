/*-------------------------------------------------------------------------
 *
 * schema_record.h
 *	  The schema as the last run left it, object by object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_SCHEMA_RECORD_H
#define PGM_STORE_SCHEMA_RECORD_H

/* Of object, change, expected and actual, the last two may be NULL. */
typedef void (*PgmDriftRow) (char *const *values, void *arg);

/*
 * Keep the schema as it is now.  Does not fail: what stands in the way is a
 * WARNING, and pgm_schema_record_drift tells of it.  In a transaction of its
 * own, as it may wait.
 */
extern void pgm_schema_record_keep(int64 run);

/*
 * The same amid a transaction whose locks others wait for: it waits for no
 * view in turn, but leaves out what others hold.
 */
extern void pgm_schema_record_keep_amid(int64 run);

/* The same of a run that has failed, if it leaves anything. */
extern void pgm_schema_record_keep_failed(int64 run);

/*
 * Keep the schema as it is now, if a run has left something that was not kept:
 * one that was killed, say.  Does not fail.
 */
extern void pgm_schema_record_settle(void);
extern void pgm_schema_record_refuse_missing(void);

/*
 * What is kept of a value that is too long to be kept, as jsonb puts it out;
 * NULL if it is not.
 */
extern char *pgm_schema_record_digest(const char *value);
extern bool pgm_schema_record_is_digest(const char *kept);

/*
 * How the database differs from what was kept.  False, with a NOTICE, if that
 * is not what the last run has left, so that a difference may be of a run.
 */
extern bool pgm_schema_record_drift(PgmDriftRow row, void *arg);

/*
 * The same of some relations and what is on them, by their schemas and their
 * names; not of those that are new since, and nothing but a NOTICE if a run
 * has left something that was not kept.
 */
extern void pgm_schema_record_drift_on(int n, char **schemas,
									   char **relations, PgmDriftRow row,
									   void *arg);

#endif							/* PGM_STORE_SCHEMA_RECORD_H */
