/*-------------------------------------------------------------------------
 *
 * store_wait.h
 *	  Wait for whoever is changing stored revisions, but not for ever.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_STORE_WAIT_H
#define PGM_STORE_STORE_WAIT_H

#include "storage/lockdefs.h"

#include "base/spi.h"

/*
 * As LockRelationOid and pgm_spi_execute, on the table of revisions.  Whoever
 * has it, or a row of it, is waited for as long as pgmigrate.lock_deadline
 * says, and is named in the error then.
 */
extern void pgm_store_wait_lock(LOCKMODE mode);
extern uint64 pgm_store_wait_execute(PgmQuery *query, const Datum *values);
extern char *pgm_store_wait_text(PgmQuery *query, const Datum *values);

#endif							/* PGM_STORE_STORE_WAIT_H */
