/*-------------------------------------------------------------------------
 *
 * held_views.h
 *	  Views and rules whose text cannot be had at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_HELD_VIEWS_H
#define PGM_SCHEMA_HELD_VIEWS_H

#include "nodes/pg_list.h"

/*
 * Views whose text cannot be had without waiting for a lock, and the rules
 * that are none of a view: OIDs of pg_class and pg_rewrite.  In a scope; the
 * argument is the array of the names of the schemas.
 */
extern List *pgm_schema_held_views(Datum schemas);

#endif							/* PGM_SCHEMA_HELD_VIEWS_H */
