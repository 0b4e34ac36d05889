/*-------------------------------------------------------------------------
 *
 * target.h
 *	  Targets: the text that says where to go, read and resolved.
 *
 * Pure, like the graph.  Reading splits the text by its grammar; resolving
 * looks the parts up.  The commands differ in what a relative target starts
 * from and in whether a branch is checked, hence one entry point for each.
 *
 *		target   := [ branch "@" ] symbol [ offset ] | [ branch "@" ] offset
 *		symbol   := "head" | "heads" | "base" | "current" | id | label | prefix
 *		offset   := ( "+" | "-" ) digits
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GRAPH_TARGET_H
#define PGM_GRAPH_TARGET_H

#include "graph/graph.h"

/* A target as read.  Only input is never NULL. */
typedef struct PgmTarget
{
	const char *input;
	char	   *branch;			/* what stands before "@" */
	char	   *anchor;			/* the symbol; NULL: start from current rows */
	bool		relative;		/* has an offset */
	int			offset;			/* saturates at +-PG_INT32_MAX */
} PgmTarget;

extern bool pgm_graph_read_target(const char *input, PgmTarget *target,
								  PgmGraphError *error);

/* The revision a branch, given by label, id or prefix, is named after. */
extern bool pgm_graph_find_branch(const PgmGraph *graph,
								  const PgmTarget *target, int *rev,
								  PgmGraphError *error);

/* Targets of upgrade. */
extern bool pgm_graph_upgrade_target(const PgmGraph *graph, PgmRevSet rows,
									 const PgmTarget *target,
									 PgmRevSet *result,
									 PgmGraphError *error);

/* The one target of downgrade, -1 for base, and its branch or -1. */
extern bool pgm_graph_downgrade_target(const PgmGraph *graph, PgmRevSet rows,
									   const PgmTarget *target, int *rev,
									   int *branch, PgmGraphError *error);

/* A target that names revisions without asking the rows: stamp. */
extern bool pgm_graph_absolute_target(const PgmGraph *graph,
									  const PgmTarget *target,
									  PgmRevSet *result,
									  PgmGraphError *error);

/*
 * Walk offset steps up (children on line, all of them if line is NULL) or
 * down (parents) from rev; -1 is base on both sides.  With clamp a walk that
 * leaves the graph stops at its edge instead of failing.
 */
extern bool pgm_graph_walk(const PgmGraph *graph, const char *input, int rev,
						   int offset, const bool *line, bool clamp,
						   int *result, PgmGraphError *error);

#endif							/* PGM_GRAPH_TARGET_H */
