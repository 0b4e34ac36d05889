/*-------------------------------------------------------------------------
 *
 * watch.h
 *	  Look at the lock queue from a timer, while this process is busy or waits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_WATCH_H
#define PGM_LOCK_WATCH_H

#include "lock/needs.h"

/* Around a wait of so many ms: how many wait behind us near its end? */
extern void pgm_lockwatch_measure(int wait);
extern int	pgm_lockwatch_behind(void);

/*
 * In a worker, around a wait in the queue that is to end, by an error, when
 * somebody has stood behind it for so many ms.
 */
extern void pgm_lockwatch_patient(const PgmLockNeeds *needs, int patience);

/*
 * Raises that error now if it is due; after an error: was it this?  A cancel
 * that others asked for in the same moment is pending then.
 */
extern void pgm_lockwatch_patient_end(void);
extern bool pgm_lockwatch_lost_patience(void);

/*
 * In a worker: from here on, remember which locks the statements wait for, and
 * if too many wait too long for the relations given, cancel what runs.  There
 * may be none.
 */
extern void pgm_lockwatch_begin(const PgmLockNeeds *needs);

/* Raises the cancel now if it was asked for; harmless if not watching. */
extern void pgm_lockwatch_end(void);

/* After an error: was it we who cancelled?  Stops watching. */
extern bool pgm_lockwatch_gave_way(int *blocked);

/* The last relation lock that a statement waited for; false if none. */
extern bool pgm_lockwatch_waited_for(Oid *relid, LOCKMODE *mode);

/*
 * Or the transaction, and its process: without a process it is a prepared one
 * or a part of one, without a transaction it is known by its process only.
 */
extern TransactionId pgm_lockwatch_waited_transaction(int *pid);

/* And for how long it had waited for its last lock, in microseconds. */
extern int64 pgm_lockwatch_waited(void);

#endif							/* PGM_LOCK_WATCH_H */
