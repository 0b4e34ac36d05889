/*-------------------------------------------------------------------------
 *
 * report.h
 *	  What a worker reports, without ever being held up by who reads it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_PROCESS_REPORT_H
#define PGM_PROCESS_REPORT_H

#include "lib/stringinfo.h"

#include "process/channel.h"

/* From now on messages for the client go into the queue of the segment. */
extern void pgm_report_begin(const PgmSegment *segment);

/* Give what is still to be read the time to be read. */
extern void pgm_report_end(void);

/*
 * Answer the launcher: the message is handed to the function that it has put
 * into its PgmProcess.  Waits until there is room, or the job is cancelled; an
 * error if nobody reads.
 */
extern void pgm_report_answer(const StringInfo message);

#endif							/* PGM_PROCESS_REPORT_H */
