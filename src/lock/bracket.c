/*-------------------------------------------------------------------------
 *
 * bracket.c
 *	  A transaction of a worker that begins with its locks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/transaction.h"
#include "lock/ladder.h"

void
pgm_lockwait_begin_block(PgmLockWait *wait, PgmLockCollector collect,
						 void *arg)
{
	pgm_txn_begin_block();
	while (!pgm_lockwait_take(wait, collect, arg))
	{
		pgm_txn_commit();
		pgm_lockwait_pause(wait);
		pgm_txn_begin_block();
	}
}
