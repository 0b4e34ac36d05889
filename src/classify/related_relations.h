/*-------------------------------------------------------------------------
 *
 * related_relations.h
 *	  Relations that a statement reaches by way of others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_RELATED_RELATIONS_H
#define PGM_CLASSIFY_RELATED_RELATIONS_H

#include "nodes/parsenodes.h"

/* The process and a number follow: the copies that statements are tried on. */
#define PGM_TRIAL_SCHEMA "pgmigrate_trial_"

/* And of the schema of an online change, before its number. */
#define PGM_ONLINE_SCHEMA "pgmigrate_online_"

/* All of them return lists of OIDs, and take no lock on any relation. */
extern List *pgm_related_indexes(Oid relid);
extern List *pgm_related_sequences(Oid relid);	/* owned by its columns */

/* Those that it inherits from, through others too; not of a partition. */
extern List *pgm_related_parents(Oid relid);

/* At the other end of foreign keys: in either direction, or referencing it. */
extern List *pgm_related_neighbours(Oid relid);
extern List *pgm_related_referencing(Oid relid);

/*
 * At the other end of the foreign keys that are checked where a row is stored
 * with values for these columns, names as String, or for all if it is NIL.
 */
extern List *pgm_related_checked(Oid relid, const List *columns,
								 bool inserted);

/* Tables with a column of a domain, or of a domain over it. */
extern List *pgm_related_domain_tables(Oid domain);

/*
 * Is it a table of an online change, beside one of the user's?  What is done
 * to it is in nobody's way, and nobody can do it in another way.
 */
extern bool pgm_related_is_beside(Oid relid);

/* Tables that were made OF a composite type, given by its relation. */
extern List *pgm_related_typed(Oid relid);

/* What a view reads, through other views: those and the tables. */
extern List *pgm_related_read(Oid relid);

/* Tables and materialized views of a schema, or of all if it is not valid. */
extern List *pgm_related_tables(Oid schema);
extern List *pgm_related_clustered(void);

/* What goes, or loses a part, when this object is dropped with CASCADE. */
extern List *pgm_related_dependents(Oid classid, Oid objid);

/* The object that DROP names, if it is one that relations depend on. */
extern bool pgm_related_object(ObjectType kind, Node *name, Oid *classid,
							   Oid *objid);

#endif							/* PGM_CLASSIFY_RELATED_RELATIONS_H */
