/*-------------------------------------------------------------------------
 *
 * clone_sql.h
 *	  The commands that make an empty copy of a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_CLONE_SQL_H
#define PGM_CLONE_CLONE_SQL_H

#include "nodes/pg_list.h"

#include "clone/parts.h"

/*
 * In order: CHECK constraints come after foreign keys, so that the check of a
 * foreign key never plans with somebody else's expressions.
 */
typedef enum PgmClonePhase
{
	PGM_CLONE_TABLES,
	PGM_CLONE_INDEXES,
	PGM_CLONE_LINKS,
	PGM_CLONE_FOREIGN_KEYS,
	PGM_CLONE_CHECKS,
	PGM_CLONE_VIEWS,
	PGM_CLONE_REST
} PgmClonePhase;

#define PGM_CLONE_NPHASES (PGM_CLONE_REST + 1)

typedef struct PgmCloneCommand
{
	Oid			relid;
	Oid			owner;
	char	   *text;
} PgmCloneCommand;

typedef struct PgmClonePair
{
	Oid			clone;
	Oid			live;
	char		relkind;
} PgmClonePair;

extern PgmCloneCommand *pgm_clone_commands(PgmClonePhase phase, List *relids,
										   const char *prefix,
										   const PgmParts *parts, int *n);

/* The relations with one name in a live schema and in that of its clones. */
extern PgmClonePair *pgm_clone_pairs(List *live_schemas, List *clone_schemas,
									 int *n);

/* The table itself, or that of an index or an owned sequence. */
extern List *pgm_clone_table_of(Oid relid);

/*
 * Views on these relations, and those among them: what is read goes first.  On
 * a table of which a part is needed, those that read it.
 */
extern List *pgm_clone_views(List *relids, const PgmParts *parts);

/* The processes that lock it against everybody, as text; NULL if none does. */
extern char *pgm_clone_lockers(Oid relid);

/* Of each kind of tables that refer to another one so many are cloned. */
#define PGM_CLONE_OF_KIND 8

/*
 * Tables at the other end of foreign keys, in either direction: of all, or of
 * those that have one of the columns, or are or need one of the constraints.
 * A name that the table does not have yet stands for all.  Of many that refer
 * to it in the same way a few are returned; to "alike", unless NULL, the others
 * are added, each with the one that it is like.
 */
extern List *pgm_clone_neighbours(Oid relid, bool all, List *columns,
								  List *constraints, List **alike);

/* Make columns and constraints of clones inherited where the live ones are. */
extern void pgm_clone_inherit(List *live_schemas, List *clone_schemas);

/* What its partition link demands of the rows of a clone; NULL if none. */
extern char *pgm_clone_bound(Oid clone);

/* Can the planner run code of the owner for a query on the table? */
extern bool pgm_clone_has_code(Oid relid);

#endif							/* PGM_CLONE_CLONE_SQL_H */
