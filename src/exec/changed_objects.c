/*-------------------------------------------------------------------------
 *
 * changed_objects.c
 *	  Which objects of the database statements make, change and drop.
 *
 * The server tells modules of access control of each object that it makes,
 * changes or drops, in whatever way that came about.  Here no more is done at
 * that moment than to note the address, and for an object that was there
 * before, what it was called: the catalogs do not show the change yet.
 *
 * A change that was rolled back since, in a block of a function, is noted as
 * well: whoever reads the list looks at what is there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat/catalog.h"
#include "exec/changed_objects.h"

typedef struct ObjectKey
{
	Oid			classid;
	Oid			objid;
	int32		subid;
} ObjectKey;

typedef struct ObjectEntry
{
	ObjectKey	key;
	PgmChangedObject *object;
} ObjectEntry;

/* So many are found by looking at each of them. */
#define PGM_INDEX_FROM 32

struct PgmChangedObjects
{
	MemoryContext context;
	bool		types;
	HTAB	   *index;			/* NULL while there are few */
	List	   *objects;
	List	   *facts;
};

static object_access_hook_type previous_hook;
static PgmChangedObjects *collecting = NULL;

/* ---- titles */

HeapTuple
pgm_catalog_row(Oid catalog, Oid oid)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	HeapTuple	tuple;
	ScanKeyData key;
	SysScanDesc scan;

	if (catalog != AttrDefaultRelationId)
		tuple = get_catalog_object_by_oid(rel,
										  get_object_attnum_oid(catalog),
										  oid);
	else
	{
		ScanKeyInit(&key, Anum_pg_attrdef_oid, BTEqualStrategyNumber,
					F_OIDEQ, ObjectIdGetDatum(oid));
		scan = systable_beginscan(rel, AttrDefaultOidIndexId, true, NULL, 1,
								  &key);
		tuple = systable_getnext(scan);
		if (HeapTupleIsValid(tuple))
			tuple = heap_copytuple(tuple);
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	return tuple;
}

static bool
is_users_schema(Oid namespace)
{
	char	   *name;

	if (namespace < FirstNormalObjectId && namespace != PG_PUBLIC_NAMESPACE)
		return false;
	if (isAnyTempNamespace(namespace))
		return false;
	name = get_namespace_name(namespace);
	return name != NULL && strcmp(name, "pgmigrate") != 0 &&
		strcmp(name, "information_schema") != 0;
}

/* NULL in a schema that is not a user's. */
static char *
qualified(Oid namespace, const char *name)
{
	return is_users_schema(namespace) ?
		quote_qualified_identifier(get_namespace_name(namespace), name) : NULL;
}

static const char *
relkind_word(char relkind)
{
	switch (relkind)
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "index";
		case RELKIND_SEQUENCE:
			return "sequence";
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		case RELKIND_COMPOSITE_TYPE:
			return "composite type";
		default:
			return "table";
	}
}

/* Of a relation of a user, qualified and quoted; else NULL. */
static char *
relation_name(Oid relid, char *relkind)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	char	   *result = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind != RELKIND_TOASTVALUE)
		result = qualified(form->relnamespace, NameStr(form->relname));
	*relkind = form->relkind;
	ReleaseSysCache(tuple);
	return result;
}

static char *
title_of_relation(Oid relid, int32 subid)
{
	char		relkind;
	char	   *name = relation_name(relid, &relkind);
	HeapTuple	tuple;
	Form_pg_attribute attribute;
	char	   *result;

	if (name == NULL)
		return NULL;
	if (subid == 0)
		return psprintf("%s %s", relkind_word(relkind), name);
	tuple = SearchSysCacheAttNum(relid, subid);
	if (!HeapTupleIsValid(tuple))
		return NULL;
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	result = psprintf("column %s.%s", name,
					  quote_identifier(NameStr(attribute->attname)));
	ReleaseSysCache(tuple);
	return result;
}

static char *
title_on_relation(const char *kind, const char *name, Oid relid)
{
	char		relkind;
	char	   *relation = relation_name(relid, &relkind);

	return relation == NULL ? NULL :
		psprintf("%s %s on %s", kind, quote_identifier(name), relation);
}

static char *
title_of_constraint(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	Form_pg_constraint form;
	char	   *result = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (OidIsValid(form->conrelid))
		result = title_on_relation("constraint", NameStr(form->conname),
								   form->conrelid);
	ReleaseSysCache(tuple);
	return result;
}

static char *
title_of_trigger(Oid oid)
{
	HeapTuple	tuple = pgm_catalog_row(TriggerRelationId, oid);
	Form_pg_trigger form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_trigger) GETSTRUCT(tuple);
	return form->tgisinternal ? NULL :
		title_on_relation("trigger", NameStr(form->tgname), form->tgrelid);
}

static char *
title_of_policy(Oid oid)
{
	HeapTuple	tuple = pgm_catalog_row(PolicyRelationId, oid);
	Form_pg_policy form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_policy) GETSTRUCT(tuple);
	return title_on_relation("policy", NameStr(form->polname),
							 form->polrelid);
}

/* The types of tables and arrays are made and go with what they are of. */
static char *
title_of_type(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	Form_pg_type form;
	char	   *result = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_type) GETSTRUCT(tuple);
	if (!OidIsValid(form->typrelid) && form->typtype != 'm' &&
		!(form->typtype == TYPTYPE_BASE && OidIsValid(form->typelem)) &&
		is_users_schema(form->typnamespace))
		result = psprintf("type %s",
						  quote_qualified_identifier(get_namespace_name(form->typnamespace),
													 NameStr(form->typname)));
	ReleaseSysCache(tuple);
	return result;
}

/* What DROP ... CASCADE takes along may be gone already: a type, say. */
static char *
title_of_function(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
	Form_pg_proc form;
	StringInfoData title;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (!is_users_schema(form->pronamespace))
	{
		ReleaseSysCache(tuple);
		return NULL;
	}
	initStringInfo(&title);
	appendStringInfo(&title, "function %s(",
					 quote_qualified_identifier(get_namespace_name(form->pronamespace),
												NameStr(form->proname)));
	for (int i = 0; i < form->pronargs; i++)
		appendStringInfo(&title, "%s%s", i > 0 ? ", " : "",
						 format_type_extended(form->proargtypes.values[i], -1,
											  FORMAT_TYPE_FORCE_QUALIFY |
											  FORMAT_TYPE_ALLOW_INVALID));
	appendStringInfoChar(&title, ')');
	ReleaseSysCache(tuple);
	return title.data;
}

/* That of a view is the view. */
static char *
title_of_rule(Oid oid)
{
	HeapTuple	tuple = pgm_catalog_row(RewriteRelationId, oid);
	Form_pg_rewrite form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_rewrite) GETSTRUCT(tuple);
	return strcmp(NameStr(form->rulename), ViewSelectRuleName) == 0 ? NULL :
		title_on_relation("rule", NameStr(form->rulename), form->ev_class);
}

static char *
title_of_statistics(Oid oid)
{
	HeapTuple	tuple = pgm_catalog_row(StatisticExtRelationId, oid);
	Form_pg_statistic_ext form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
	name = qualified(form->stxnamespace, NameStr(form->stxname));
	return name == NULL ? NULL : psprintf("statistics %s", name);
}

Oid
pgm_published(Oid classid, Oid oid, char **publication)
{
	bool		whole = classid == PublicationNamespaceRelationId;
	HeapTuple	tuple = SearchSysCache1(whole ? PUBLICATIONNAMESPACE :
										PUBLICATIONREL,
										ObjectIdGetDatum(oid));
	Oid			pubid;
	Oid			what;

	*publication = NULL;
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	if (whole)
	{
		pubid = ((Form_pg_publication_namespace) GETSTRUCT(tuple))->pnpubid;
		what = ((Form_pg_publication_namespace) GETSTRUCT(tuple))->pnnspid;
	}
	else
	{
		pubid = ((Form_pg_publication_rel) GETSTRUCT(tuple))->prpubid;
		what = ((Form_pg_publication_rel) GETSTRUCT(tuple))->prrelid;
	}
	ReleaseSysCache(tuple);
	*publication = get_publication_name(pubid, true);
	return what;
}

char *
pgm_published_title(const char *publication, Oid relid, Oid namespace)
{
	if (OidIsValid(relid))
		return title_on_relation("publication", publication, relid);
	return psprintf("publication %s on schema %s",
					quote_identifier(publication),
					quote_identifier(get_namespace_name(namespace)));
}

static char *
title_of_published(Oid classid, Oid oid)
{
	char	   *publication;
	Oid			what = pgm_published(classid, oid, &publication);

	if (publication == NULL)
		return NULL;
	if (classid == PublicationRelRelationId)
		return pgm_published_title(publication, what, InvalidOid);
	return pgm_published_title(publication, InvalidOid, what);
}

/* By the name that the server has for it; our own extension is no user's. */
static char *
title_of_other(Oid classid, Oid oid)
{
	ObjectAddress address;
	char	   *identity;

	if (!HeapTupleIsValid(pgm_catalog_row(classid, oid)))
		return NULL;
	ObjectAddressSet(address, classid, oid);
	identity = pgm_object_identity(&address);
	if (classid == ExtensionRelationId && strcmp(identity, "pgmigrate") == 0)
		return NULL;
	return psprintf("%s %s", pgm_object_type(&address), identity);
}

/* Kinds of which no more is known than that they are there. */
bool
pgm_object_is_plain(Oid classid)
{
	switch (classid)
	{
		case AccessMethodRelationId:
		case CastRelationId:
		case CollationRelationId:
		case ConversionRelationId:
		case ExtensionRelationId:
		case ForeignDataWrapperRelationId:
		case ForeignServerRelationId:
		case LanguageRelationId:
		case OperatorRelationId:
		case OperatorClassRelationId:
		case OperatorFamilyRelationId:
		case TransformRelationId:
		case TSConfigRelationId:
		case TSDictionaryRelationId:
		case TSParserRelationId:
		case TSTemplateRelationId:
			return true;
	}
	return false;
}

static char *
title_of(Oid classid, Oid objid, int32 subid)
{
	if (pgm_object_is_plain(classid))
		return title_of_other(classid, objid);
	switch (classid)
	{
		case RelationRelationId:
			return title_of_relation(objid, subid);
		case ConstraintRelationId:
			return title_of_constraint(objid);
		case TriggerRelationId:
			return title_of_trigger(objid);
		case PolicyRelationId:
			return title_of_policy(objid);
		case TypeRelationId:
			return title_of_type(objid);
		case ProcedureRelationId:
			return title_of_function(objid);
		case NamespaceRelationId:
			return is_users_schema(objid) ?
				psprintf("schema %s",
						 quote_identifier(get_namespace_name(objid))) : NULL;
		case RewriteRelationId:
			return title_of_rule(objid);
		case StatisticExtRelationId:
			return title_of_statistics(objid);
		case EventTriggerRelationId:
		case PublicationRelationId:
			return title_of_other(classid, objid);
		case PublicationRelRelationId:
		case PublicationNamespaceRelationId:
			return title_of_published(classid, objid);
		default:
			return NULL;
	}
}

void
pgm_quote_where_needed(void)
{
	if (quote_all_identifiers)
		(void) set_config_option("quote_all_identifiers", "off",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

char *
pgm_object_title(Oid classid, Oid objid, int32 subid)
{
	int			guc_level = NewGUCNestLevel();
	char	   *title;

	pgm_quote_where_needed();
	title = title_of(classid, objid, subid);
	AtEOXact_GUC(false, guc_level);
	return title;
}

/* ---- what is noted */

static void
enter(PgmChangedObjects *changed, PgmChangedObject *object)
{
	ObjectKey	key = {object->classid, object->objid, object->subid};
	ObjectEntry *entry = hash_search(changed->index, &key, HASH_ENTER, NULL);

	entry->object = object;
}

static void
make_index(PgmChangedObjects *changed)
{
	HASHCTL		control = {0};
	ListCell   *lc;

	control.keysize = sizeof(ObjectKey);
	control.entrysize = sizeof(ObjectEntry);
	control.hcxt = changed->context;
	changed->index = hash_create("pgmigrate changed objects", 256, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, changed->objects)
		enter(changed, lfirst(lc));
}

static PgmChangedObject *
find(const PgmChangedObjects *changed, Oid classid, Oid objid, int32 subid)
{
	ObjectKey	key = {classid, objid, subid};
	ObjectEntry *entry;
	ListCell   *lc;

	if (changed->index != NULL)
	{
		entry = hash_search(changed->index, &key, HASH_FIND, NULL);
		return entry == NULL ? NULL : entry->object;
	}
	foreach(lc, changed->objects)
	{
		PgmChangedObject *object = lfirst(lc);

		if (object->objid == objid && object->classid == classid &&
			object->subid == subid)
			return object;
	}
	return NULL;
}

static PgmChangedObject *
find_or_add(PgmChangedObjects *changed, Oid classid, Oid objid, int32 subid,
			bool *found)
{
	PgmChangedObject *object = find(changed, classid, objid, subid);

	*found = object != NULL;
	if (*found)
		return object;
	object = palloc0(sizeof(PgmChangedObject));
	object->classid = classid;
	object->objid = objid;
	object->subid = subid;
	changed->objects = lappend(changed->objects, object);
	if (changed->index != NULL)
		enter(changed, object);
	else if (list_length(changed->objects) == PGM_INDEX_FROM)
		make_index(changed);
	return object;
}

/* Of an object that is there, before the catalogs show what is done to it. */
static void
note_change(PgmChangedObjects *changed, Oid classid, Oid objid, int32 subid,
			bool dropped)
{
	bool		found;
	PgmChangedObject *object = find_or_add(changed, classid, objid, subid,
										   &found);

	object->dropped |= dropped;
	if (found)
		return;
	object->before = pgm_object_title(classid, objid, subid);
	if (classid != RelationRelationId || object->before == NULL)
		return;
	object->schema = get_namespace_name(get_rel_namespace(objid));
	object->name = get_rel_name(objid);
	object->relkind = get_rel_relkind(objid);
	if (subid != 0)
		object->column = get_attname(objid, subid, false);
}

/* A default is its column's. */
static void
note_default(PgmChangedObjects *changed, Oid oid)
{
	HeapTuple	tuple = pgm_catalog_row(AttrDefaultRelationId, oid);
	Form_pg_attrdef form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_attrdef) GETSTRUCT(tuple);
	note_change(changed, RelationRelationId, form->adrelid, form->adnum,
				false);
}

static bool
is_of_interest(Oid classid, Oid objid)
{
	if (objid < FirstNormalObjectId)
		return classid == NamespaceRelationId &&
			objid == PG_PUBLIC_NAMESPACE;
	switch (classid)
	{
		case RelationRelationId:
		case AttrDefaultRelationId:
		case ConstraintRelationId:
		case TriggerRelationId:
		case PolicyRelationId:
		case TypeRelationId:
		case ProcedureRelationId:
		case NamespaceRelationId:
		case RewriteRelationId:
		case StatisticExtRelationId:
		case EventTriggerRelationId:
		case PublicationRelationId:
		case PublicationRelRelationId:
		case PublicationNamespaceRelationId:
			return true;
	}
	return pgm_object_is_plain(classid);
}

/* A function or rule that is replaced is made, says the server. */
static bool
is_replaced(Oid classid, Oid objid)
{
	return (classid == ProcedureRelationId || classid == RewriteRelationId) &&
		HeapTupleIsValid(pgm_catalog_row(classid, objid));
}

static void
note(PgmChangedObjects *changed, ObjectAccessType access, Oid classid,
	 Oid objid, int32 subid)
{
	MemoryContext old = MemoryContextSwitchTo(changed->context);
	bool		found;

	if (access == OAT_POST_CREATE && !is_replaced(classid, objid))
	{
		PgmChangedObject *object = find_or_add(changed, classid, objid, subid,
											   &found);

		object->created = true;
	}
	else if (classid == AttrDefaultRelationId)
		note_default(changed, objid);
	else
		note_change(changed, classid, objid, subid, access == OAT_DROP);
	MemoryContextSwitchTo(old);
}

static void
object_access(ObjectAccessType access, Oid classid, Oid objid, int subid,
			  void *arg)
{
	if (previous_hook)
		previous_hook(access, classid, objid, subid, arg);
	if (collecting == NULL || creating_extension ||
		(access != OAT_POST_CREATE && access != OAT_POST_ALTER &&
		 access != OAT_DROP) ||
		!is_of_interest(classid, objid) ||
		(classid == TypeRelationId && !collecting->types))
		return;
	note(collecting, access, classid, objid, subid);
}

void
pgm_changed_register(void)
{
	previous_hook = object_access_hook;
	object_access_hook = object_access;
}

PgmChangedObjects *
pgm_changed_create(MemoryContext context)
{
	PgmChangedObjects *changed =
		MemoryContextAllocZero(context, sizeof(PgmChangedObjects));

	changed->context = AllocSetContextCreate(context,
											 "pgmigrate changed objects",
											 ALLOCSET_SMALL_SIZES);
	return changed;
}

void
pgm_changed_reset(PgmChangedObjects *changed)
{
	changed->index = NULL;
	changed->objects = NIL;
	changed->facts = NIL;
	MemoryContextReset(changed->context);
}

void
pgm_changed_begin(PgmChangedObjects *changed, bool types)
{
	changed->types = types;
	collecting = changed;
}

void
pgm_changed_end(void)
{
	collecting = NULL;
}

void
pgm_changed_note(PgmChangedObjects *changed, Oid classid, Oid objid)
{
	MemoryContext old = MemoryContextSwitchTo(changed->context);

	note_change(changed, classid, objid, 0, false);
	MemoryContextSwitchTo(old);
}

void
pgm_changed_note_fact(PgmChangedObjects *changed, bool comment, Oid classid,
					  Oid objid, int32 subid)
{
	MemoryContext old = MemoryContextSwitchTo(changed->context);
	PgmChangedFact *fact = palloc(sizeof(PgmChangedFact));

	fact->comment = comment;
	fact->classid = classid;
	fact->objid = objid;
	fact->subid = subid;
	changed->facts = lappend(changed->facts, fact);
	MemoryContextSwitchTo(old);
}

List *
pgm_changed_facts(const PgmChangedObjects *changed)
{
	return changed->facts;
}

List *
pgm_changed_list(const PgmChangedObjects *changed)
{
	return changed->objects;
}
