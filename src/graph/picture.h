/*-------------------------------------------------------------------------
 *
 * picture.h
 *	  The revision graph as a picture.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GRAPH_PICTURE_H
#define PGM_GRAPH_PICTURE_H

#include "graph/graph.h"

typedef enum PgmNodeState
{
	PGM_NODE_PENDING,
	PGM_NODE_APPLIED,
	PGM_NODE_FAILED,
	PGM_NODE_CANCELLED,
	PGM_NODE_INTERRUPTED,
	PGM_NODE_PARTLY,
	PGM_NODE_LOST				/* a row of it, which others imply */
} PgmNodeState;

typedef struct PgmDrawNode
{
	PgmNodeState state;
	bool		is_current;		/* a row of pgmigrate.head */
	const char *message;
	int			nlabels;
	char	  **labels;			/* its own branch labels */
} PgmDrawNode;

/* As pgmigrate.revisions has them. */
extern const char *pgm_node_state_name(PgmNodeState state);
extern PgmNodeState pgm_node_state(const char *name);

/* Called with each line of the picture. */
typedef void (*PgmDrawLine) (const char *line, void *arg);

/* nodes has one element per revision. */
extern void pgm_draw_text(const PgmGraph *graph, const PgmDrawNode *nodes,
						  bool utf8, PgmDrawLine emit, void *arg);
extern void pgm_draw_dot(const PgmGraph *graph, const PgmDrawNode *nodes,
						 PgmDrawLine emit, void *arg);
extern void pgm_draw_mermaid(const PgmGraph *graph, const PgmDrawNode *nodes,
							 PgmDrawLine emit, void *arg);

#endif							/* PGM_GRAPH_PICTURE_H */
