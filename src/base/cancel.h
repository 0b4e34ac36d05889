/*-------------------------------------------------------------------------
 *
 * cancel.h
 *	  Was a statement cancelled, or does code only say so?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_CANCEL_H
#define PGM_BASE_CANCEL_H

#include "utils/elog.h"

extern bool pgm_error_is_cancel(const ErrorData *edata);

/* The same of the error at hand, in a handler that has left ErrorContext. */
extern bool pgm_caught_cancel(void);

#endif							/* PGM_BASE_CANCEL_H */
