/*-------------------------------------------------------------------------
 *
 * foreign_dependencies.h
 *	  Code of other roles that objects reach, as the catalog has it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_FOREIGN_DEPENDENCIES_H
#define PGM_CLASSIFY_FOREIGN_DEPENDENCIES_H

#include "nodes/pg_list.h"

/*
 * The first type, operator or function that one of these objects is, or
 * reaches, and that belongs neither to the role nor to a superuser: described,
 * or NULL.
 */
extern char *pgm_strange_object(List *classids, List *objids, Oid role);

/* Those of the relations that reach such a thing, seen from their owner. */
extern List *pgm_strange_relations(List *relids);

#endif							/* PGM_CLASSIFY_FOREIGN_DEPENDENCIES_H */
