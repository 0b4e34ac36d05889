/*-------------------------------------------------------------------------
 *
 * foreign_relations.h
 *	  Does a query on relations run code of other roles?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_FOREIGN_RELATIONS_H
#define PGM_CLASSIFY_FOREIGN_RELATIONS_H

#include "nodes/pg_list.h"

/*
 * The first type, operator or function that a query of the role on one of
 * these relations may run, and that belongs neither to the role nor to a
 * superuser: described, or NULL.  If rows are written, triggers count.
 */
extern char *pgm_strange_in_relations(List *relids, Oid role, bool written);

/*
 * The same of the relations that are read with these and are not of their
 * owner, such as partitions of another one.
 */
extern char *pgm_strange_in_others(List *relids, Oid owner);

#endif							/* PGM_CLASSIFY_FOREIGN_RELATIONS_H */
