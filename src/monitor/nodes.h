/*-------------------------------------------------------------------------
 *
 * nodes.h
 *	  The revisions of the graph as they are drawn.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_NODES_H
#define PGM_MONITOR_NODES_H

#include "datatype/timestamp.h"

#include "graph/picture.h"
#include "store/run_plan.h"

/* One element per revision, in load order. */
typedef struct PgmNodes
{
	PgmPlan    *plan;			/* graph and current heads */
	PgmDrawNode *draw;
	TimestampTz *applied_at;	/* 0 if not known */
} PgmNodes;

extern void pgm_nodes_load(PgmNodes *nodes);

#endif							/* PGM_MONITOR_NODES_H */
