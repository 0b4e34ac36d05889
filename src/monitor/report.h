/*-------------------------------------------------------------------------
 *
 * report.h
 *	  What a plan will do, and what a run did, to be read by people.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_REPORT_H
#define PGM_MONITOR_REPORT_H

#include "monitor/page.h"

/* In a transaction; nothing is written. */
extern void pgm_report_target(const char *target, PgmDirection direction,
							  PgmPageFormat format, PgmPageLine emit,
							  void *arg);

/*
 * False if there is no such run.  with_error adds what may quote data of the
 * tables.
 */
extern bool pgm_report_run(int64 run, bool with_error, PgmPageFormat format,
						   PgmPageLine emit, void *arg);

/* So many milliseconds, in words. */
extern char *pgm_report_duration(double ms);

#endif							/* PGM_MONITOR_REPORT_H */
