/*-------------------------------------------------------------------------
 *
 * clone.h
 *	  Empty copies of tables, for a statement to be tried on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_CLONE_H
#define PGM_CLONE_CLONE_H

#include "nodes/parsenodes.h"
#include "utils/hsearch.h"

#include "clone/partition_sample.h"
#include "clone/parts.h"

/* A relation of the clone schemas, and what the live one is like. */
typedef struct PgmClone
{
	Oid			clone;			/* hash key */
	Oid			live;
	char		relkind;

	/* as of the last look */
	Oid			filenode;
	int64		scans;
	bool		gone;
} PgmClone;

typedef struct PgmClones
{
	MemoryContext context;
	char	   *prefix;			/* of the names of our schemas */
	List	   *namespaces;		/* of live schemas … */
	List	   *schemas;		/* … and of those that hold their clones */
	List	   *wanted;			/* live tables to be cloned */
	List	   *viewed;			/* live relations whose views are, too */
	PgmParts	parts;			/* of them that are needed */
	bool		entire;			/* for this statement, all */
	List	   *failed;			/* live tables that cannot be */
	PgmSample  *sample;			/* partitions that stand for others */
	List	   *alike;			/* tables that are not cloned, each followed
								 * by the one that it fares like */
	List	   *leaves;			/* partitions that need not all be cloned */
	HTAB	   *trees;			/* tables whose partitions are in there */
	List	   *failures;		/* why not: of char *, in the same order */
	char	   *failure;		/* why the last of them cannot be */
	char	   *refusal;		/* why a statement is not tried, or NULL */
	char	   *denied;			/* schema that the current user may not use */
	HTAB	   *by_clone;		/* of PgmClone */
	HTAB	   *by_live;		/* of oid pairs */
} PgmClones;

/* What came of pointing a statement to the clones. */
typedef enum PgmRedirect
{
	PGM_REDIRECT_DONE,
	PGM_REDIRECT_LIVE,			/* it would change a live relation */
	PGM_REDIRECT_DENIED			/* "denied" may not be used */
} PgmRedirect;

extern PgmClones *pgm_clones_new(void);

/*
 * Have this relation cloned, and what the statement drags along: the tables at
 * the other end of foreign keys that it can reach, the views that read it.
 * All of that as it is if it is to be "entire".
 */
extern void pgm_clones_want(PgmClones *clones, Oid relid, Node *stmt,
							bool entire);

/*
 * Build what is wanted.  Inside of a subtransaction that the caller rolls
 * back; a table that cannot be cloned is in "failed" afterwards.
 */
extern void pgm_clones_build(PgmClones *clones);

/* Change the names in a parse tree to those of clones. */
extern PgmRedirect pgm_clones_redirect(PgmClones *clones, Node *stmt);

extern PgmClone *pgm_clones_find(PgmClones *clones, Oid clone);
extern Oid	pgm_clones_of(PgmClones *clones, Oid live);

/* The clone that has this relation's name now, if it was made again. */
extern PgmClone *pgm_clones_renew(PgmClones *clones, Oid live);

/* The schema that holds clones of this live one, or InvalidOid. */
extern Oid	pgm_clones_schema(const PgmClones *clones, Oid namespace);

/* Was it made, or made anew, by our own transaction? */
extern bool pgm_clones_is_ours(Oid relid);

/* Run one utility statement: no event trigger sees it. */
extern void pgm_clones_utility(Node *stmt, const char *text);

#endif							/* PGM_CLONE_CLONE_H */
