/*-------------------------------------------------------------------------
 *
 * verdict.h
 *	  What a statement locks and does: the one answer that all readers use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_VERDICT_H
#define PGM_CLASSIFY_VERDICT_H

#include "storage/lockdefs.h"
#include "utils/hsearch.h"

#include "sql/statements.h"
#include "store/revision.h"

/* A relation that a statement locks, with the strongest mode it takes. */
typedef struct PgmEffect
{
	Oid			relid;			/* InvalidOid if it is not there yet */
	char	   *schema;
	char	   *name;
	char		relkind;		/* 0 if it is not there yet */
	LOCKMODE	mode;			/* NoLock: named, but not locked */
	int			position;		/* where it was in the list, to sort it by */
	bool		named;			/* by the statement itself */
	bool		subject;		/* what it changes, not what it refers to */
	bool		created_here;	/* made by an earlier statement, or temporary:
								 * nobody else has it */
	bool		earlier;		/* created here, but by an earlier revision:
								 * others have it by then */
	bool		replaced;		/* an earlier revision has given its name to a
								 * new table, which counts as this one */
	bool		tried;			/* seen in a trial */
	Oid			like;			/* it was this one that was tried, or 0 */
	PgmTristate rewrites;		/* its file; of an index: is rebuilt */
	PgmTristate scans;
} PgmEffect;

/* Something else that it locks: a type, a function, a schema … */
typedef struct PgmObject
{
	Oid			classid;
	Oid			objid;
	LOCKMODE	mode;
} PgmObject;

typedef struct PgmVerdict
{
	const PgmSource *source;
	int			n;				/* statement, from 0 */
	List	   *effects;		/* of PgmEffect *, the named ones first */
	HTAB	   *by_relid;		/* of the effects, once there are many */
	List	   *objects;		/* of PgmObject *, known by trial only */
	int			nobjects;		/* with those that clones stand for */
	Oid			existing;		/* what IF NOT EXISTS finds, or InvalidOid */
	bool		top_level;		/* not inside of a transaction block */
	bool		opaque;			/* runs code that cannot be looked into */
	bool		tried;			/* told by a trial, not by our table alone */
	PgmTristate rewrites;
	PgmTristate scans;

	/*
	 * Of a query, by the planner's estimates; all zero where "planned" is not
	 * but the number of all rows.
	 */
	bool		planned;
	bool		plain;			/* runs no code but the server's own */
	double		changed_rows;	/* of the table that it changes; -1: unknown */
	double		all_rows;		/* of that table */
	int64		read_bytes;
	int64		written_bytes;

	/* why it was not tried, or how the trial failed */
	char	   *reason;
	bool		by_kind;		/* no statement of its kind is tried */
	int			sqlerrcode;		/* 0 unless it failed */
	int			position;		/* of the error in the source, or 0 */
	bool		carried;		/* only as written: carried out online, what
								 * is in the way goes along */
	char	   *remedy;			/* what would help then, or NULL */
} PgmVerdict;

/* A live relation that a statement before has renamed, or moved. */
typedef struct PgmRenamed
{
	Oid			relid;
	char	   *schema;
	char	   *name;
} PgmRenamed;

/* Remembers what the statements of one revision have made so far. */
typedef struct PgmClassifier
{
	HTAB	   *created;		/* names, with their schemas; NULL if none */
	List	   *gone;			/* live ones that were dropped or renamed */
	List	   *renamed;		/* of PgmRenamed *: live ones by their new
								 * names */
	List	   *replaced;		/* live ones whose names are others' by now */
} PgmClassifier;

/* The effect on this relation, added if need be; keeps the strongest mode. */
extern PgmEffect *pgm_verdict_effect(PgmVerdict *verdict, Oid relid,
									 LOCKMODE mode);
extern PgmEffect *pgm_verdict_find(PgmVerdict *verdict, Oid relid);

/* Replace all effects. */
extern void pgm_verdict_set_effects(PgmVerdict *verdict, List *effects);
extern List *pgm_verdict_copy_effects(List *effects);

/* The live relation of that name, or InvalidOid.  No lock is taken. */
extern Oid	pgm_lookup_relation(const RangeVar *name);
extern PgmEffect *pgm_verdict_effect_created(PgmVerdict *verdict,
											 const RangeVar *name,
											 LOCKMODE mode);

/* "earlier", unless NULL: was it an earlier revision that has made it? */
extern bool pgm_is_created_here(const PgmClassifier *classifier,
								const RangeVar *name, bool *earlier);

/*
 * A revision is committed: what it has made is no longer its own.  A table
 * that took over the name of a live one is used as that was, and is judged by
 * its size.  Returns the live ones.
 */
extern List *pgm_classify_next_revision(PgmClassifier *classifier);

extern const PgmRenamed *pgm_find_renamed(const PgmClassifier *classifier,
										  const RangeVar *name);
extern void pgm_remember_renamed(PgmClassifier *classifier, Oid relid,
								 const char *schema, const char *name);

extern void pgm_remember_created(PgmClassifier *classifier,
								 const RangeVar *name, const char *relname);

/* Partitions and inheritance children, all levels, without itself. */
extern List *pgm_descendants(Oid relid);
extern Oid	pgm_default_partition(Oid parent);

extern Oid	pgm_relation_owner(Oid relid);

/* As in pg_locks: AccessExclusiveLock … */
extern const char *pgm_lock_mode_name(LOCKMODE mode);
extern LOCKMODE pgm_lock_mode_of(const char *name);
extern char *pgm_effect_name(const PgmEffect *effect);
extern char *pgm_relation_name(Oid relid);	/* quoted */
extern char **pgm_verdict_locks(const PgmVerdict *verdict, int *n);

#endif							/* PGM_CLASSIFY_VERDICT_H */
