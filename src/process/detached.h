/*-------------------------------------------------------------------------
 *
 * detached.h
 *	  A worker that nobody follows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_PROCESS_DETACHED_H
#define PGM_PROCESS_DETACHED_H

/*
 * Start one in this database; false if all worker processes are in use.  At
 * the commit of a transaction: raises no error and allocates nothing.  The
 * function of the library is called with the number.
 */
extern bool pgm_process_detach(const char *name, const char *function,
							   uint64 number);

/* In the worker: connect as the owner of the cluster. */
extern uint64 pgm_process_connect_detached(void);

#endif							/* PGM_PROCESS_DETACHED_H */
