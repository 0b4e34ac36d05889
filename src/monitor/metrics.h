/*-------------------------------------------------------------------------
 *
 * metrics.h
 *	  Figures for a monitoring system.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_METRICS_H
#define PGM_MONITOR_METRICS_H

#include "datatype/timestamp.h"

/* Called with each line. */
typedef void (*PgmMetricsLine) (const char *line, void *arg);

/* All metrics in the text format of Prometheus. */
extern void pgm_metrics_text(PgmMetricsLine emit, void *arg);

/*
 * When another session read the metrics last; 0 if nothing tells.  What tells
 * is the statistics of the server: from version 16 on they have the time of
 * the last scan of a table, before only what open connections did last.
 */
extern TimestampTz pgm_metrics_read(void);

#endif							/* PGM_MONITOR_METRICS_H */
