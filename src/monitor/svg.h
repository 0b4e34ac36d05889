/*-------------------------------------------------------------------------
 *
 * svg.h
 *	  The revision graph as a picture for browsers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_SVG_H
#define PGM_MONITOR_SVG_H

#include "graph/picture.h"

/* One SVG element; nodes has one element per revision. */
extern void pgm_draw_svg(const PgmGraph *graph, const PgmDrawNode *nodes,
						 PgmDrawLine emit, void *arg);

#endif							/* PGM_MONITOR_SVG_H */
