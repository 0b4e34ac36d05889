/*-------------------------------------------------------------------------
 *
 * outbox.h
 *	  What has changed, for those who have to be told.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_OUTBOX_H
#define PGM_GATE_OUTBOX_H

#include "commands/trigger.h"

/*
 * An event as one object of JSON, of pgmigrate.event e: the first with all
 * that there is, for those who may read the outbox.
 */
#define PGM_EVENT_JSON PGM_EVENT_OBJECT("e.payload")
#define PGM_EVENT_OBJECT(payload) \
	"jsonb_strip_nulls(jsonb_build_object('id', e.id, 'time', e.time, " \
	"'kind', e.kind, 'run', e.run, 'revision', e.revision, " \
	"'operation', e.operation, 'role', e.role, " \
	"'database', current_database(), 'payload', " payload "))::text"

/* The row of a table that an event is about was written. */
extern void pgm_outbox_row_written(const TriggerData *trigger);

/* A run waits for a lock since this many milliseconds, and goes on to. */
extern void pgm_outbox_lock_wait(int64 run, const char *revision,
								 const char *relation, int64 milliseconds,
								 const char *blockers);

/* What drift() sees; an event where that is not what it was before. */
extern void pgm_outbox_drift(int differences, const char *digest);

/* Of the guard: a query got slower; payload is jsonb as text. */
extern void pgm_outbox_regression(int64 run, const char *revision,
								  const char *payload);

/*
 * What an upgrade to the target would run, an array of text, is announced.
 * note may be NULL.  The number of the event, which somebody acknowledges.
 */
extern int64 pgm_outbox_announce(const char *target, const char *digest,
								 Datum revisions, const char *note);

#endif							/* PGM_GATE_OUTBOX_H */
