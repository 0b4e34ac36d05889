/*-------------------------------------------------------------------------
 *
 * line_diff.h
 *	  What differs between two texts, line by line.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_LINE_DIFF_H
#define PGM_MONITOR_LINE_DIFF_H

#include "lib/stringinfo.h"

/*
 * Appends the hunks of a unified difference, each line with its end; nothing
 * if the texts are the same.  Control characters are written out.
 */
extern void pgm_line_diff(StringInfo out, const char *before,
						  const char *after);

#endif							/* PGM_MONITOR_LINE_DIFF_H */
