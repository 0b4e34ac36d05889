/*-------------------------------------------------------------------------
 *
 * verdict.c
 *	  What a statement locks and does: the one answer that all readers use.
 *
 * Looks relations up by name without locking them.
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
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "classify/verdict.h"
#include "compat/hash.h"

const char *
pgm_lock_mode_name(LOCKMODE mode)
{
	return mode == NoLock ? NULL :
		GetLockmodeName(DEFAULT_LOCKMETHOD, mode);
}

LOCKMODE
pgm_lock_mode_of(const char *name)
{
	for (LOCKMODE mode = AccessShareLock; mode <= MaxLockMode; mode++)
		if (strcmp(pgm_lock_mode_name(mode), name) == 0)
			return mode;
	return NoLock;
}

char *
pgm_effect_name(const PgmEffect *effect)
{
	return effect->schema == NULL ? pstrdup(quote_identifier(effect->name)) :
		quote_qualified_identifier(effect->schema, effect->name);
}

char *
pgm_relation_name(Oid relid)
{
	const char *name = get_rel_name(relid);
	const char *schema;

	if (name == NULL)			/* dropped this moment */
		return psprintf("%u", relid);
	schema = get_namespace_name(get_rel_namespace(relid));
	return quote_qualified_identifier(schema, name);
}

/* With more relations than that they are found by a hash table. */
#define MAX_LISTED 32

typedef struct Found
{
	Oid			relid;			/* hash key */
	PgmEffect  *effect;
} Found;

static void
enter(PgmVerdict *verdict, PgmEffect *effect)
{
	bool		found;
	Found	   *entry = hash_search(verdict->by_relid, &effect->relid,
									HASH_ENTER, &found);

	if (!found)
		entry->effect = effect;
}

static void
enter_all(PgmVerdict *verdict)
{
	HASHCTL		control = {0};
	ListCell   *lc;

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Found);
	control.hcxt = GetMemoryChunkContext(verdict->effects);
	verdict->by_relid = hash_create("pgmigrate effects", 256, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, verdict->effects)
		enter(verdict, lfirst(lc));
}

PgmEffect *
pgm_verdict_find(PgmVerdict *verdict, Oid relid)
{
	Found	   *found;
	ListCell   *lc;

	if (verdict->by_relid == NULL &&
		list_length(verdict->effects) > MAX_LISTED)
		enter_all(verdict);
	if (verdict->by_relid != NULL)
	{
		found = hash_search(verdict->by_relid, &relid, HASH_FIND, NULL);
		return found == NULL ? NULL : found->effect;
	}
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (effect->relid == relid)
			return effect;
	}
	return NULL;
}

static void
append_effect(PgmVerdict *verdict, PgmEffect *effect)
{
	verdict->effects = lappend(verdict->effects, effect);
	if (verdict->by_relid != NULL)
		enter(verdict, effect);
}

void
pgm_verdict_set_effects(PgmVerdict *verdict, List *effects)
{
	verdict->effects = effects;
	if (verdict->by_relid != NULL)
		hash_destroy(verdict->by_relid);
	verdict->by_relid = NULL;
}

List *
pgm_verdict_copy_effects(List *effects)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, effects)
	{
		PgmEffect  *effect = palloc(sizeof(PgmEffect));

		*effect = *(PgmEffect *) lfirst(lc);
		result = lappend(result, effect);
	}
	return result;
}

PgmEffect *
pgm_verdict_effect(PgmVerdict *verdict, Oid relid, LOCKMODE mode)
{
	PgmEffect  *effect = pgm_verdict_find(verdict, relid);

	if (effect == NULL)
	{
		effect = palloc0(sizeof(PgmEffect));
		effect->relid = relid;
		effect->name = get_rel_name(relid);
		if (effect->name == NULL)	/* dropped this moment */
			effect->name = psprintf("%u", relid);
		effect->schema = get_namespace_name(get_rel_namespace(relid));
		effect->relkind = get_rel_relkind(relid);
		effect->created_here =
			get_rel_persistence(relid) == RELPERSISTENCE_TEMP;
		effect->rewrites = PGM_UNSET;
		effect->scans = PGM_UNSET;
		append_effect(verdict, effect);
	}
	effect->mode = Max(effect->mode, mode);
	return effect;
}

PgmEffect *
pgm_verdict_effect_created(PgmVerdict *verdict, const RangeVar *name,
						   LOCKMODE mode)
{
	PgmEffect  *effect;
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		effect = lfirst(lc);
		if (!OidIsValid(effect->relid) &&
			strcmp(effect->name, name->relname) == 0)
		{
			effect->mode = Max(effect->mode, mode);
			return effect;
		}
	}
	effect = palloc0(sizeof(PgmEffect));
	effect->name = pstrdup(name->relname);
	effect->schema = name->schemaname ? pstrdup(name->schemaname) : NULL;
	effect->mode = mode;
	effect->named = true;
	effect->created_here = true;
	effect->rewrites = PGM_UNSET;
	effect->scans = PGM_UNSET;
	append_effect(verdict, effect);
	return effect;
}

Oid
pgm_lookup_relation(const RangeVar *name)
{
	/* cross-database references are the parser's to refuse */
	if (name->catalogname != NULL &&
		strcmp(name->catalogname, get_database_name(MyDatabaseId)) != 0)
		return InvalidOid;

	/* whether the caller may use the schema is for the trial to tell */
	if (name->schemaname != NULL &&
		name->relpersistence != RELPERSISTENCE_TEMP &&
		strcmp(name->schemaname, "pg_temp") != 0)
	{
		Oid			schema = get_namespace_oid(name->schemaname, true);

		return OidIsValid(schema) ?
			get_relname_relid(name->relname, schema) : InvalidOid;
	}
	return RangeVarGetRelidExtended(name, NoLock, RVR_MISSING_OK, NULL, NULL);
}

static bool
in_search_path(const char *schema)
{
	List	   *path = fetch_search_path(false);
	Oid			oid = get_namespace_oid(schema, true);

	return OidIsValid(oid) && list_member_oid(path, oid);
}

typedef struct CreatedRelation
{
	char		name[NAMEDATALEN];	/* hash key */
	List	   *schemas;		/* of char *, NULL if there is none to be in */
	bool		earlier;		/* made by an earlier revision */
} CreatedRelation;

bool
pgm_is_created_here(const PgmClassifier *classifier, const RangeVar *name,
					bool *earlier)
{
	CreatedRelation *created;
	ListCell   *lc;

	if (earlier != NULL)
		*earlier = false;

	if (classifier->created == NULL)
		return false;
	created = hash_search(classifier->created, name->relname, HASH_FIND, NULL);
	if (created == NULL)
		return false;
	foreach(lc, created->schemas)
	{
		const char *schema = lfirst(lc);

		if (name->schemaname == NULL ?
			schema == NULL || in_search_path(schema) :
			schema != NULL && strcmp(schema, name->schemaname) == 0)
		{
			if (earlier != NULL)
				*earlier = created->earlier;
			return true;
		}
	}
	return false;
}

List *
pgm_classify_next_revision(PgmClassifier *classifier)
{
	HASH_SEQ_STATUS seq;
	CreatedRelation *created;
	List	   *replaced = NIL;

	if (classifier->created == NULL)
		return NIL;
	hash_seq_init(&seq, classifier->created);
	while ((created = hash_seq_search(&seq)) != NULL)
	{
		ListCell   *lc;

		created->earlier = true;
		foreach(lc, created->schemas)
		{
			const char *schema = lfirst(lc);
			Oid			namespace = schema == NULL ? InvalidOid :
				get_namespace_oid(schema, true);
			Oid			live = OidIsValid(namespace) ?
				get_relname_relid(created->name, namespace) : InvalidOid;

			/* what a trial has made is not live */
			if (!list_member_oid(classifier->gone, live))
				continue;
			replaced = lappend_oid(replaced, live);
			created->schemas = foreach_delete_current(created->schemas, lc);
		}
	}
	classifier->replaced = list_concat_unique_oid(classifier->replaced,
												  replaced);
	return replaced;
}

void
pgm_remember_created(PgmClassifier *classifier, const RangeVar *name,
					 const char *relname)
{
	const char *schema = name->schemaname;
	CreatedRelation *created;
	bool		found;

	if (schema == NULL)
	{
		List	   *path = fetch_search_path(false);

		if (path != NIL)
			schema = get_namespace_name(linitial_oid(path));
	}
	if (classifier->created == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = NAMEDATALEN;
		control.entrysize = sizeof(CreatedRelation);
		control.hcxt = CurrentMemoryContext;
		classifier->created = hash_create("pgmigrate created relations", 64,
										  &control,
										  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	created = hash_search(classifier->created, relname, HASH_ENTER, &found);
	if (!found)
		created->schemas = NIL;
	created->earlier = false;
	created->schemas = lappend(created->schemas,
							   schema ? pstrdup(schema) : NULL);
}

const PgmRenamed *
pgm_find_renamed(const PgmClassifier *classifier, const RangeVar *name)
{
	ListCell   *lc;

	foreach(lc, classifier->renamed)
	{
		const PgmRenamed *renamed = lfirst(lc);

		if (strcmp(renamed->name, name->relname) == 0 &&
			(name->schemaname == NULL ? in_search_path(renamed->schema) :
			 strcmp(renamed->schema, name->schemaname) == 0))
			return renamed;
	}
	return NULL;
}

/* NULL: as it was. */
void
pgm_remember_renamed(PgmClassifier *classifier, Oid relid,
					 const char *schema, const char *name)
{
	PgmRenamed *renamed = NULL;
	ListCell   *lc;

	foreach(lc, classifier->renamed)
	{
		if (((PgmRenamed *) lfirst(lc))->relid == relid)
			renamed = lfirst(lc);
	}
	if (renamed == NULL)
	{
		renamed = palloc(sizeof(PgmRenamed));
		renamed->relid = relid;
		renamed->schema = get_namespace_name(get_rel_namespace(relid));
		renamed->name = get_rel_name(relid);
		if (renamed->schema == NULL || renamed->name == NULL)
			return;				/* dropped this moment */
		classifier->renamed = lappend(classifier->renamed, renamed);
	}
	if (schema != NULL)
		renamed->schema = pstrdup(schema);
	if (name != NULL)
		renamed->name = pstrdup(name);
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
							   Max(list_length(verdict->effects), 1));
	ListCell   *lc;

	*n = 0;
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if ((effect->created_here && !effect->earlier) ||
			effect->mode == NoLock)
			continue;
		locks[(*n)++] = psprintf("%s on %s", pgm_lock_mode_name(effect->mode),
								 pgm_effect_name(effect));
	}
	return locks;
}
