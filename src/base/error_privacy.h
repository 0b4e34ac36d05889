/*-------------------------------------------------------------------------
 *
 * error_privacy.h
 *	  What of an error those may see who may not see data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_ERROR_PRIVACY_H
#define PGM_BASE_ERROR_PRIVACY_H

#include "utils/elog.h"

/* May the primary message have values of rows in it? */
extern bool pgm_error_may_quote(const ErrorData *edata);

/* The primary message for everybody: what is left of it without them. */
extern char *pgm_error_for_all(const ErrorData *edata);

/*
 * The hint for everybody, or NULL: that of an error that may quote goes with
 * it, unless it is one of ours, from our tables only, that was noted before.
 */
extern void pgm_error_note_own_hint(const char *hint);
extern char *pgm_error_hint_for_all(const ErrorData *edata);

/* A part of an error as it is kept; NULL stays NULL. */
extern char *pgm_error_part(const char *text);

#endif							/* PGM_BASE_ERROR_PRIVACY_H */
