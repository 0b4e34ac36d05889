/*-------------------------------------------------------------------------
 *
 * depth_first.h
 *	  A topological order of anything that has numbered nodes and edges.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GRAPH_DEPTH_FIRST_H
#define PGM_GRAPH_DEPTH_FIRST_H

#define PGM_NO_NODE (-1)		/* the edge leads out of the graph */
#define PGM_NO_EDGE (-2)		/* the node has no such edge */

/* The node that an edge of a node leads to; edges count from 0. */
typedef int (*PgmFollowEdge) (const void *arg, int node, int edge);

/*
 * Put all nodes into order[], each after those that its edges lead to, else by
 * number.  False if there is a cycle: then order[] has the ncycle nodes of it,
 * each with an edge to the next, the last to the first.
 */
extern bool pgm_depth_first(int n, PgmFollowEdge follow, const void *arg,
							int *order, int *ncycle);

#endif							/* PGM_GRAPH_DEPTH_FIRST_H */
