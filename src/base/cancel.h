/*-------------------------------------------------------------------------
 *
 * cancel.h
 *	  Was a statement cancelled, or does code only say so?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_CANCEL_H
#define PGM_BASE_CANCEL_H

#include <signal.h>

#include "utils/elog.h"

/*
 * Set while what we have cancelled ourselves, since it took longer than we let
 * it, is given up: that is no cancel.
 */
extern volatile sig_atomic_t pgm_cancelled_by_us;

extern bool pgm_error_is_cancel(const ErrorData *edata);

/* Such an error that nobody has asked for: statement_timeout is over. */
extern bool pgm_error_is_timeout(const ErrorData *edata);

/* The same of the error at hand, in a handler that has left ErrorContext. */
extern bool pgm_caught_cancel(void);

#endif							/* PGM_BASE_CANCEL_H */
