/*-------------------------------------------------------------------------
 *
 * oracle.h
 *	  The rules of targets and plans once more, for small graphs only.
 *
 * Written from the rules alone and as literally as they allow: sets are bit
 * masks, ancestors are found by recursion, once per graph.
 * It shares no code with what it checks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef ORACLE_H
#define ORACLE_H

#define ORACLE_MAX 14

typedef struct OracleRev
{
	char		id[8];
	char		label[8];		/* empty: none */
	int			nparents;
	int			parent[4];
	int			ndepends;
	int			depend[4];
} OracleRev;

typedef struct OracleGraph
{
	int			n;				/* revisions in load order */
	OracleRev	rev[ORACLE_MAX];

	/* Sets of each revision, from oracle_prepare(). */
	uint32		parents[ORACLE_MAX];
	uint32		line_down[ORACLE_MAX];
	uint32		full[ORACLE_MAX];
	uint32		anc[ORACLE_MAX];
} OracleGraph;

typedef struct OraclePlan
{
	int			nsteps;
	int			step[ORACLE_MAX];
	uint32		rows[ORACLE_MAX];	/* after each step */
	uint32		final;
} OraclePlan;

extern void oracle_prepare(OracleGraph *graph);

/* Upgrade, Downgrade or Stamp; false if the command must be refused. */
extern bool oracle_plan(const OracleGraph *graph, uint32 rows, char command,
						const char *target, OraclePlan *plan);
extern uint32 oracle_maximal(const OracleGraph *graph, uint32 set);
extern uint32 oracle_ancestors(const OracleGraph *graph, uint32 set);

#endif							/* ORACLE_H */
