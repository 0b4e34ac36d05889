/*-------------------------------------------------------------------------
 *
 * verdict.c
 *	  What a statement locks and does: the one answer that all readers use.
 *
 * Looks relations up by name without locking them.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/verdict.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/dbcommands.h"
#include "compat_hash.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "verdict.h"

const char *
pgm_lock_mode_name(LOCKMODE mode)
{
	return mode == NoLock ? NULL :
		GetLockmodeName(DEFAULT_LOCKMETHOD, mode);
}

char *
pgm_touch_name(const PgmTouch *touch)
{
	return touch->schema == NULL ? pstrdup(quote_identifier(touch->name)) :
		quote_qualified_identifier(touch->schema, touch->name);
}

PgmTouch *
pgm_verdict_find(const PgmVerdict *verdict, Oid relid)
{
	ListCell   *lc;

	foreach(lc, verdict->touches)
	{
		PgmTouch   *touch = lfirst(lc);

		if (touch->relid == relid)
			return touch;
	}
	return NULL;
}

PgmTouch *
pgm_verdict_touch(PgmVerdict *verdict, Oid relid, LOCKMODE mode)
{
	PgmTouch   *touch = pgm_verdict_find(verdict, relid);

	if (touch == NULL)
	{
		touch = palloc0(sizeof(PgmTouch));
		touch->relid = relid;
		touch->name = get_rel_name(relid);
		if (touch->name == NULL)	/* dropped this moment */
			touch->name = psprintf("%u", relid);
		touch->schema = get_namespace_name(get_rel_namespace(relid));
		touch->relkind = get_rel_relkind(relid);
		touch->fresh = get_rel_persistence(relid) == RELPERSISTENCE_TEMP;
		touch->rewrites = PGM_UNSET;
		touch->scans = PGM_UNSET;
		verdict->touches = lappend(verdict->touches, touch);
	}
	touch->mode = Max(touch->mode, mode);
	return touch;
}

PgmTouch *
pgm_verdict_touch_fresh(PgmVerdict *verdict, const RangeVar *name,
						LOCKMODE mode)
{
	PgmTouch   *touch;
	ListCell   *lc;

	foreach(lc, verdict->touches)
	{
		touch = lfirst(lc);
		if (!OidIsValid(touch->relid) &&
			strcmp(touch->name, name->relname) == 0)
		{
			touch->mode = Max(touch->mode, mode);
			return touch;
		}
	}
	touch = palloc0(sizeof(PgmTouch));
	touch->name = pstrdup(name->relname);
	touch->schema = name->schemaname ? pstrdup(name->schemaname) : NULL;
	touch->mode = mode;
	touch->named = true;
	touch->fresh = true;
	touch->rewrites = PGM_UNSET;
	touch->scans = PGM_UNSET;
	verdict->touches = lappend(verdict->touches, touch);
	return touch;
}

Oid
pgm_lookup_relation(const RangeVar *name)
{
	/* cross-database references are the parser's to refuse */
	if (name->catalogname != NULL &&
		strcmp(name->catalogname, get_database_name(MyDatabaseId)) != 0)
		return InvalidOid;
	return RangeVarGetRelidExtended(name, NoLock, RVR_MISSING_OK, NULL, NULL);
}

static bool
in_search_path(const char *schema)
{
	List	   *path = fetch_search_path(false);
	Oid			oid = get_namespace_oid(schema, true);

	return OidIsValid(oid) && list_member_oid(path, oid);
}

typedef struct Fresh
{
	char		name[NAMEDATALEN];	/* hash key */
	List	   *schemas;		/* of char *, NULL if there is none to be in */
} Fresh;

bool
pgm_is_fresh(const PgmClassifier *classifier, const RangeVar *name)
{
	Fresh	   *fresh;
	ListCell   *lc;

	if (classifier->fresh == NULL)
		return false;
	fresh = hash_search(classifier->fresh, name->relname, HASH_FIND, NULL);
	if (fresh == NULL)
		return false;
	foreach(lc, fresh->schemas)
	{
		const char *schema = lfirst(lc);

		if (name->schemaname == NULL ?
			schema == NULL || in_search_path(schema) :
			schema != NULL && strcmp(schema, name->schemaname) == 0)
			return true;
	}
	return false;
}

void
pgm_remember_fresh(PgmClassifier *classifier, const RangeVar *name,
				   const char *relname)
{
	const char *schema = name->schemaname;
	Fresh	   *fresh;
	bool		found;

	if (schema == NULL)
	{
		List	   *path = fetch_search_path(false);

		if (path != NIL)
			schema = get_namespace_name(linitial_oid(path));
	}
	if (classifier->fresh == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = NAMEDATALEN;
		control.entrysize = sizeof(Fresh);
		control.hcxt = CurrentMemoryContext;
		classifier->fresh = hash_create("pgmigrate fresh relations", 64,
										&control,
										HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	fresh = hash_search(classifier->fresh, relname, HASH_ENTER, &found);
	if (!found)
		fresh->schemas = NIL;
	fresh->schemas = lappend(fresh->schemas,
							 schema ? pstrdup(schema) : NULL);
}

List *
pgm_descendants(Oid relid)
{
	if (!has_subclass(relid))
		return NIL;
	return list_delete_first(find_all_inheritors(relid, NoLock, NULL));
}

Oid
pgm_relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

Oid
pgm_default_partition(Oid parent)
{
	return get_rel_relkind(parent) == RELKIND_PARTITIONED_TABLE ?
		get_default_partition_oid(parent) : InvalidOid;
}

/* "AccessExclusiveLock on public.users", for each that others use too. */
char	  **
pgm_verdict_locks(const PgmVerdict *verdict, int *n)
{
	char	  **locks = palloc(sizeof(char *) *
							   Max(list_length(verdict->touches), 1));
	ListCell   *lc;

	*n = 0;
	foreach(lc, verdict->touches)
	{
		PgmTouch   *touch = lfirst(lc);

		if (touch->fresh || touch->mode == NoLock)
			continue;
		locks[(*n)++] = psprintf("%s on %s", pgm_lock_mode_name(touch->mode),
								 pgm_touch_name(touch));
	}
	return locks;
}
