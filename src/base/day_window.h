/*-------------------------------------------------------------------------
 *
 * day_window.h
 *	  A part of each day, such as 22:00-05:00, as one number.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_DAY_WINDOW_H
#define PGM_BASE_DAY_WINDOW_H

#include "datatype/timestamp.h"

/* The whole of each day; an empty text. */
#define PGM_DAY_WINDOW_ALWAYS 0

/* False if the text is no such window. */
extern bool pgm_day_window_parse(const char *text, int *window);

/*
 * NULL in the window; else what to wait for, with the window, when it begins
 * and the session's time zone, in the current memory context.
 */
extern char *pgm_day_window_wait(int window, TimestampTz now);

#endif							/* PGM_BASE_DAY_WINDOW_H */
