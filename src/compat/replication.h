/*-------------------------------------------------------------------------
 *
 * replication.h
 *	  Publications and subscriptions, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_REPLICATION_H
#define PGM_COMPAT_REPLICATION_H

#include "nodes/parsenodes.h"

/* Is it REFRESH? */
static inline bool
pgm_subscription_refreshes(const AlterSubscriptionStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return stmt->kind == ALTER_SUBSCRIPTION_REFRESH_PUBLICATION ||
		stmt->kind == ALTER_SUBSCRIPTION_REFRESH_SEQUENCES;
#else
	return stmt->kind == ALTER_SUBSCRIPTION_REFRESH;
#endif
}

/* Does it change the publications, after which it refreshes unless told? */
static inline bool
pgm_subscription_changes(const AlterSubscriptionStmt *stmt)
{
#if PG_VERSION_NUM >= 140000
	return stmt->kind == ALTER_SUBSCRIPTION_SET_PUBLICATION ||
		stmt->kind == ALTER_SUBSCRIPTION_ADD_PUBLICATION ||
		stmt->kind == ALTER_SUBSCRIPTION_DROP_PUBLICATION;
#else
	return stmt->kind == ALTER_SUBSCRIPTION_PUBLICATION;
#endif
}

#if PG_VERSION_NUM >= 150000
/* ALL TABLES EXCEPT (TABLE …), since 19. */
static inline bool
pgm_is_publication_exception(const PublicationObjSpec *spec)
{
#if PG_VERSION_NUM >= 190000
	return spec->pubobjtype == PUBLICATIONOBJ_EXCEPT_TABLE;
#else
	return false;
#endif
}
#endif

/* The tables named one by one in CREATE or ALTER PUBLICATION. */
static inline List *
pgm_publication_tables(Node *stmt)
{
	List	   *result = NIL;
#if PG_VERSION_NUM >= 150000
	List	   *objects = IsA(stmt, CreatePublicationStmt) ?
		castNode(CreatePublicationStmt, stmt)->pubobjects :
		castNode(AlterPublicationStmt, stmt)->pubobjects;
	ListCell   *lc;

	foreach(lc, objects)
	{
		PublicationObjSpec *spec = lfirst_node(PublicationObjSpec, lc);

		if (spec->pubobjtype == PUBLICATIONOBJ_TABLE ||
			pgm_is_publication_exception(spec))
			result = lappend(result, spec->pubtable->relation);
	}
#else
	result = IsA(stmt, CreatePublicationStmt) ?
		castNode(CreatePublicationStmt, stmt)->tables :
		castNode(AlterPublicationStmt, stmt)->tables;
#endif
	return result;
}

#endif							/* PGM_COMPAT_REPLICATION_H */
