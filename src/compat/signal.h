/*-------------------------------------------------------------------------
 *
 * signal.h
 *	  Handlers of signals, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_SIGNAL_H
#define PGM_COMPAT_SIGNAL_H

#include <signal.h>

#include "tcop/tcopprot.h"

/* Of pqsignal(), whose handlers are told more since 19. */
#if PG_VERSION_NUM >= 190000
#define PGM_SIG_DFL PG_SIG_DFL
#else
#define PGM_SIG_DFL SIG_DFL
#endif

/* The server's own handler of a cancel; who sent it is told since 19. */
static inline void
pgm_statement_cancel(int signo, const siginfo_t * info)
{
#if PG_VERSION_NUM >= 190000
	pg_signal_info from = {.pid = info->si_pid,.uid = info->si_uid};

	StatementCancelHandler(signo, &from);
#else
	StatementCancelHandler(signo);
#endif
}

#endif							/* PGM_COMPAT_SIGNAL_H */
