/*-------------------------------------------------------------------------
 *
 * carried_views.h
 *	  Views on columns whose type changes, which stay.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_CARRIED_VIEWS_H
#define PGM_ONLINE_CARRIED_VIEWS_H

#include "nodes/pg_list.h"

typedef struct PgmShadowView
{
	Oid			relid;
	char	   *name;			/* qualified */
	char	   *definition;
} PgmShadowView;

/* Those on columns of a table, by name, and on such views. */
extern List *pgm_views_on(Oid relid, List *columns);

/*
 * They are locked while they do not count.  What cannot be read over the new
 * types is an error that names the view.
 */
extern void pgm_shadow_detach_views(List *views);
extern void pgm_shadow_attach_views(List *views);

#endif							/* PGM_ONLINE_CARRIED_VIEWS_H */
