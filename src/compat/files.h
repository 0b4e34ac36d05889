/*-------------------------------------------------------------------------
 *
 * files.h
 *	  Changing the files of a relation, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_FILES_H
#define PGM_COMPAT_FILES_H

#include "catalog/pg_class.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/* What else of pg_class goes with the file. */
static inline void
pgm_swap_frozen_pages(Form_pg_class a, Form_pg_class b)
{
#if PG_VERSION_NUM >= 180000
	int32		pages = a->relallfrozen;

	a->relallfrozen = b->relallfrozen;
	b->relallfrozen = pages;
#endif
}

static inline void
pgm_no_frozen_pages(Form_pg_class form)
{
#if PG_VERSION_NUM >= 180000
	form->relallfrozen = 0;
#endif
}

/* Links of the relation cache to files; gone since 17. */
static inline void
pgm_close_files(Oid relid)
{
#if PG_VERSION_NUM < 170000
	RelationCloseSmgrByOid(relid);
#endif
}

/* A callback of table access methods, and what it is given. */
#if PG_VERSION_NUM >= 160000
#define PGM_SET_NEW_FILE relation_set_new_filelocator
#define PgmRelFile RelFileLocator
#else
#define PGM_SET_NEW_FILE relation_set_new_filenode
#define PgmRelFile RelFileNode
#endif

#endif							/* PGM_COMPAT_FILES_H */
