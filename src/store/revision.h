/*-------------------------------------------------------------------------
 *
 * revision.h
 *	  The store of revisions: rows of pgmigrate.revision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_REVISION_H
#define PGM_STORE_REVISION_H

#include "compat/server.h"
#include "graph/graph.h"

/* A boolean that may be left to the server to find out. */
typedef enum PgmTristate
{
	PGM_UNSET = -1,
	PGM_FALSE = 0,
	PGM_TRUE = 1
} PgmTristate;

typedef struct PgmRevision
{
	char	   *id;
	char	   *message;
	char	   *upgrade;
	char	   *downgrade;		/* or NULL: cannot be downgraded */
	char	   *verify;			/* or NULL */
	PgmTristate transactional;
	int			nparents;
	char	  **parents;
	int			ndepends;
	char	  **depends;
	int			nlabels;
	char	  **labels;
	bool		is_head;		/* nobody has it as parent */
	bool		only_head;		/* known to be so when it was stored */
	char	   *source;			/* of a new one: checksums of its file, as
								 * JSON, or NULL */
	char	   *file;			/* that its upgrade was loaded from, or NULL */
	char	   *digest;			/* of the three texts and the flag */
	char	   *author;			/* role that wrote the texts, or some last */
	Oid			author_role;	/* invalid if it is not known any more */
	int			ncoauthors;		/* who wrote the others of them */
	char	  **coauthors;
	Oid		   *coauthor_roles;
	char	   *approved_by;	/* role that approved them, or NULL */
	Oid			approver_role;
	char	   *template_id;	/* revision that it was made from, or NULL */
	char	   *template_digest;	/* of that one as it was then */
	char	   *for_schema;		/* that it was made for */
	char	   *row_version;	/* of what was read ahead, else NULL */
} PgmRevision;

/* All in the caller's memory context; to be called in a transaction. */
extern void pgm_revision_lock_store(void);
extern PgmRevision *pgm_revision_get(const char *id);	/* or NULL */
extern PgmRevision *pgm_revision_get_for_share(const char *id);
extern char *pgm_revision_digest_for_share(const char *id); /* or NULL */
extern PgmRevision **pgm_revision_get_many(int n, char **ids);
extern char **pgm_revision_digests(int n, char **ids);
extern PgmRevision **pgm_revision_get_small(int n, char **ids, bool for_share);
extern bool pgm_revision_lock_for_share(const PgmRevision *revision);
extern void pgm_revision_lock_row(const char *id);
extern void pgm_revision_insert(const PgmRevision *revision);
extern void pgm_revision_update_texts(const PgmRevision *revision, Oid role);

/* False if the stored SQL is not what has the digest. */
extern bool pgm_revision_approve(const char *id, const char *digest, Oid role);
extern char *pgm_revision_longer_id(const char *id);
extern void pgm_revision_delete(const PgmRevision *revision);

/* Those without a template; the branches of schemas are not gone on with. */
extern char **pgm_revision_heads(int *n);
extern char *pgm_revision_only_head(void);	/* NULL if not known */
extern bool pgm_revision_is_head(const char *id);
extern bool pgm_revision_name_used(const char *name, char **revision);
extern char **pgm_revision_children(const char *id, int *n);
extern char **pgm_revision_dependents(const char *id, int *n);
extern char **pgm_revision_made_from(const char *id, int *n);

/*
 * The whole graph, and the number of the row of each of its revisions; an
 * error if the rows do not make a graph.
 */
extern PgmGraph *pgm_revision_graph_with_holes(int64 **seqs);
extern PgmGraph *pgm_revision_graph(int64 **seqs);

/* Raise what a function of the graph returned. */
pg_noreturn extern void pgm_graph_raise(const PgmGraphError *error);

/*
 * A stored revision that has this one, which is not stored, as a parent, or
 * NULL.  Unless thorough only one that the ledger knows is looked for.
 */
extern char *pgm_revision_child_of_lost(const char *id, bool thorough);
extern void pgm_revision_unhead(const char *id);

#endif							/* PGM_STORE_REVISION_H */
