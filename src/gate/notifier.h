/*-------------------------------------------------------------------------
 *
 * notifier.h
 *	  The worker that runs pgmigrate.notify_command.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_NOTIFIER_H
#define PGM_GATE_NOTIFIER_H

/*
 * Events of this transaction, or others, are to be told of, if a command is
 * set.  At the commit: raises no error.
 */
extern void pgm_notifier_start(uint64 xid);

#endif							/* PGM_GATE_NOTIFIER_H */
