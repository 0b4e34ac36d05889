/*-------------------------------------------------------------------------
 *
 * foreign_names.h
 *	  Names in a statement, and whether what they may mean is code of others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_FOREIGN_NAMES_H
#define PGM_CLASSIFY_FOREIGN_NAMES_H

#include "access/htup.h"
#include "nodes/parsenodes.h"

#include "sql/relation_names.h"

typedef struct PgmStrangeWalk
{
	Oid			role;
	bool		authored;
	bool		plain;			/* only what came with the server */
	bool		computed;		/* in what is evaluated whatever it is */
	List	   *path;			/* schemas where names are looked for */
	List	   *classids;		/* what is to be looked into … */
	List	   *objids;
	char	   *found;			/* what must not be reached */
} PgmStrangeWalk;

/* Was it made, or made anew, by our own transaction? */
extern bool pgm_strange_is_ours(HeapTuple tuple);

/* Both return true, as all that follow do where the walk is to end. */
extern bool pgm_strange_refuse(PgmStrangeWalk *walk, char *what);
extern bool pgm_strange_name(PgmStrangeWalk *walk, const char *kind,
							 List *strings);

/* An attribute may be a function, and then is one of the row. */
extern bool pgm_strange_function(PgmStrangeWalk *walk, List *strings,
								 bool attribute);
extern bool pgm_strange_type(PgmStrangeWalk *walk, TypeName *type);
extern bool pgm_strange_attributes(PgmStrangeWalk *walk, List *fields,
								   int from);
extern bool pgm_strange_operator(PgmStrangeWalk *walk, List *strings);

/* The operators that IN, BETWEEN, CASE, USING and others stand for. */
extern bool pgm_strange_implied(PgmStrangeWalk *walk);

/* A visitor of names, with the walk; never ends it. */
extern bool pgm_strange_relation(RangeVar *name, PgmNameRole role, void *arg);

/* A function of the server: does a call change nothing, and run nothing? */
extern bool pgm_builtin_is_harmless(Oid function);

#endif							/* PGM_CLASSIFY_FOREIGN_NAMES_H */
