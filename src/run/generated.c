/*-------------------------------------------------------------------------
 *
 * generated.c
 *	  The verification of a revision that has none, from what it did.
 *
 * Nothing is planned here: most revisions make a table, and a query for each
 * would cost as much as they do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat/catalog.h"
#include "run/generated.h"
#include "run/proof_rows.h"
#include "schema/model.h"

/* ---- what is there */

static const char *
schema_of(Oid relid)
{
	return get_namespace_name(get_rel_namespace(relid));
}

static void
add_affected(PgmProofWriter *writer, char *title)
{
	writer->objects = lappend(writer->objects, title);
}

static char *
expression_text(const char *expression, Oid relid)
{
	return text_to_cstring(DatumGetTextPP(DirectFunctionCall2(pg_get_expr,
															  CStringGetTextDatum(expression),
															  ObjectIdGetDatum(relid))));
}

static char *
default_of(PgmProofWriter *writer, Relation rel, AttrNumber attnum)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr != NULL && i < constr->num_defval; i++)
		if (constr->defval[i].adnum == attnum)
		{
			/* what takes its time, and most columns do not need */
			if (!writer->pinned)
				pgm_schema_pin_settings();
			writer->pinned = true;
			return expression_text(constr->defval[i].adbin,
								   RelationGetRelid(rel));
		}
	return NULL;
}

static void
add_column(PgmProofWriter *writer, Relation rel, int i, char *title)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
	StringInfo	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_COLUMN,
										   title);

	if (rows == NULL)
		return;
	pgm_proof_text(rows, get_namespace_name(RelationGetNamespace(rel)));
	pgm_proof_text(rows, RelationGetRelationName(rel));
	pgm_proof_text(rows, NameStr(att->attname));
	pgm_proof_text(rows, format_type_with_typemod(att->atttypid,
												  att->atttypmod));
	pgm_proof_bool(rows, att->attnotnull);
	pgm_proof_text(rows, default_of(writer, rel, att->attnum));
	appendStringInfo(rows, att->attidentity ? ", '%c'" : ", ''",
					 att->attidentity);
	appendStringInfo(rows, att->attgenerated ? ", '%c'" : ", ''",
					 att->attgenerated);
	pgm_proof_end_row(&writer->there, rows);
}

static void
add_columns(PgmProofWriter *writer, Oid relid, const char *name)
{
	Relation	rel = relation_open(relid, AccessShareLock);

	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped)
			add_column(writer, rel, i,
					   psprintf("column %s.%s", name,
								quote_identifier(NameStr(att->attname))));
	}
	relation_close(rel, AccessShareLock);
}

/* As an array of text, the last value of a row. */
static void
add_acl(StringInfo rows, Datum acl)
{
	AclItem    *item = ACL_DAT(DatumGetAclP(acl));

	for (int i = 0; i < ACL_NUM(DatumGetAclP(acl)); i++)
		appendStringInfo(rows, "%s%s", i > 0 ? ", " : ", ARRAY[",
						 quote_literal_cstr(DatumGetCString(DirectFunctionCall1(aclitemout,
																				PointerGetDatum(&item[i])))));
	appendStringInfoChar(rows, ']');
}

static void
add_privileges(PgmProofWriter *writer, HeapTuple tuple, Oid relid, char *title)
{
	bool		isnull;
	Datum		acl = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl,
									  &isnull);
	StringInfo	rows;

	title = psprintf("privileges of %s", title);
	add_affected(writer, title);
	if (isnull || ACL_NUM(DatumGetAclP(acl)) == 0)
		return;
	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_PRIVILEGES, title);
	if (rows == NULL)
		return;
	pgm_proof_text(rows, schema_of(relid));
	pgm_proof_text(rows, get_rel_name(relid));
	add_acl(rows, acl);
	pgm_proof_end_row(&writer->there, rows);
}

static void
add_index(PgmProofWriter *writer, const PgmChangedObject *object,
		  HeapTuple class,
		  char *title)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(class);
	HeapTuple	tuple = SearchSysCache1(INDEXRELID,
										ObjectIdGetDatum(object->objid));
	const char *schema = get_namespace_name(form->relnamespace);
	Form_pg_index index;
	StringInfo	rows;

	if (!HeapTupleIsValid(tuple))
		return;
	index = (Form_pg_index) GETSTRUCT(tuple);
	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_INDEX, title);
	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, NameStr(form->relname));
		pgm_proof_bool(rows, index->indisunique);
		pgm_proof_bool(rows, index->indisvalid);
		pgm_proof_end_row(&writer->there, rows);
	}
	ReleaseSysCache(tuple);
	pgm_proof_options(writer, class, title);
	pgm_proof_made(writer, object, PGM_PROOF_INDEX, title, schema,
				   NameStr(form->relname), NULL);
}

/* That of an identity is its column's. */
static void
add_sequence(PgmProofWriter *writer, Oid relid, char *title)
{
	HeapTuple	tuple;
	Form_pg_sequence form;
	Oid			table;
	int32		column;
	StringInfo	rows;

	if (sequenceIsOwned(relid, DEPENDENCY_INTERNAL, &table, &column))
		return;
	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(relid));
	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_SEQUENCE, title);
	if (rows != NULL)
	{
		form = (Form_pg_sequence) GETSTRUCT(tuple);
		pgm_proof_text(rows, schema_of(relid));
		pgm_proof_text(rows, get_rel_name(relid));
		pgm_proof_text(rows, format_type_with_typemod(form->seqtypid, -1));
		appendStringInfo(rows, ", " INT64_FORMAT ", " INT64_FORMAT ", "
						 INT64_FORMAT ", " INT64_FORMAT ", " INT64_FORMAT,
						 form->seqincrement, form->seqmin, form->seqmax,
						 form->seqstart, form->seqcache);
		pgm_proof_bool(rows, form->seqcycle);
		pgm_proof_end_row(&writer->there, rows);
	}
	ReleaseSysCache(tuple);
}

/* A relation whose name is another now has columns of other names. */
static bool
is_renamed(const PgmChangedObject *object, const char *title)
{
	return object->before != NULL && strcmp(object->before, title) != 0;
}

static void
add_relation(PgmProofWriter *writer, const PgmChangedObject *object,
			 char *title)
{
	HeapTuple	tuple = SearchSysCache1(RELOID,
										ObjectIdGetDatum(object->objid));
	Form_pg_class form;
	const char *schema;
	char		kind[2] = "";
	StringInfo	rows;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind == RELKIND_INDEX ||
		form->relkind == RELKIND_PARTITIONED_INDEX)
	{
		add_index(writer, object, tuple, title);
		ReleaseSysCache(tuple);
		return;
	}
	schema = get_namespace_name(form->relnamespace);
	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_RELATION, title);
	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, NameStr(form->relname));
		pgm_proof_char(rows, form->relkind);
		pgm_proof_char(rows, form->relpersistence);
		pgm_proof_bool(rows, form->relrowsecurity);
		pgm_proof_bool(rows, form->relforcerowsecurity);
		pgm_proof_end_row(&writer->there, rows);
	}
	kind[0] = form->relkind;
	pgm_proof_made(writer, object, PGM_PROOF_RELATION, title, schema,
				   NameStr(form->relname), kind);
	if (form->relkind == RELKIND_SEQUENCE)
		add_sequence(writer, object->objid, title);
	else if ((object->created || is_renamed(object, title)))
		add_columns(writer, object->objid,
					quote_qualified_identifier(schema,
											   NameStr(form->relname)));
	pgm_proof_options(writer, tuple, title);
	add_privileges(writer, tuple, object->objid, title);
	ReleaseSysCache(tuple);
}

/* The letter in pg_constraint, which older servers have no name for. */
#define PGM_CONSTRAINT_NOT_NULL 'n'

static void
add_one_column(PgmProofWriter *writer, const PgmChangedObject *object,
			   char *title)
{
	Relation	rel = relation_open(object->objid, AccessShareLock);
	const char *name = get_attname(object->objid, object->subid, false);

	add_column(writer, rel, object->subid - 1, title);
	pgm_proof_made(writer, object, PGM_PROOF_COLUMN, title,
				   schema_of(object->objid),
				   get_rel_name(object->objid), name);
	relation_close(rel, AccessShareLock);
}

static void
add_constraint(PgmProofWriter *writer, const PgmChangedObject *object,
			   char *title)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(object->objid));
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	StringInfo	rows;
	const char *schema = schema_of(form->conrelid);
	const char *relation = get_rel_name(form->conrelid);

	/* NOT NULL is a constraint since 18, and told of the column already */
	if (form->contype == PGM_CONSTRAINT_NOT_NULL)
	{
		ReleaseSysCache(tuple);
		return;
	}
	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_CONSTRAINT, title);
	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, relation);
		pgm_proof_text(rows, NameStr(form->conname));
		pgm_proof_char(rows, form->contype);
		pgm_proof_bool(rows, form->convalidated);
		pgm_proof_end_row(&writer->there, rows);
	}
	pgm_proof_made(writer, object, PGM_PROOF_CONSTRAINT, title, schema,
				   relation,
				   NameStr(form->conname));
	ReleaseSysCache(tuple);
}

static void
add_trigger(PgmProofWriter *writer, const PgmChangedObject *object,
			char *title)
{
	HeapTuple	tuple = pgm_catalog_row(TriggerRelationId, object->objid);
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_on_relation(writer, object, PGM_PROOF_TRIGGER,
											 title, form->tgrelid,
											 NameStr(form->tgname));

	if (rows == NULL)
		return;
	pgm_proof_char(rows, form->tgenabled);
	pgm_proof_end_row(&writer->there, rows);
}

/* In the order of the catalog; 0 is PUBLIC. */
static void
add_roles(StringInfo rows, HeapTuple tuple)
{
	Relation	rel = table_open(PolicyRelationId, AccessShareLock);
	bool		isnull;
	Datum		roles = heap_getattr(tuple, Anum_pg_policy_polroles,
									 RelationGetDescr(rel), &isnull);
	ArrayType  *array = DatumGetArrayTypeP(roles);
	Oid		   *oids = (Oid *) ARR_DATA_PTR(array);

	for (int i = 0; i < ARR_DIMS(array)[0]; i++)
		appendStringInfo(rows, "%s%s", i > 0 ? ", " : ", ARRAY[",
						 quote_literal_cstr(OidIsValid(oids[i]) ?
											GetUserNameFromId(oids[i], false) :
											"public"));
	appendStringInfoChar(rows, ']');
	table_close(rel, AccessShareLock);
}

static void
add_policy(PgmProofWriter *writer, const PgmChangedObject *object, char *title)
{
	HeapTuple	tuple = pgm_catalog_row(PolicyRelationId, object->objid);
	Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_on_relation(writer, object, PGM_PROOF_POLICY,
											 title, form->polrelid,
											 NameStr(form->polname));

	if (rows == NULL)
		return;
	pgm_proof_char(rows, form->polcmd);
	pgm_proof_bool(rows, form->polpermissive);
	add_roles(rows, tuple);
	pgm_proof_end_row(&writer->there, rows);
}

static char *
arguments_of(Oid function)
{
	Datum		value =
		OidFunctionCall1(F_PG_GET_FUNCTION_IDENTITY_ARGUMENTS,
						 ObjectIdGetDatum(function));

	return TextDatumGetCString(value);
}

static void
add_function(PgmProofWriter *writer, const PgmChangedObject *object,
			 char *title)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID,
										ObjectIdGetDatum(object->objid));
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_FUNCTION,
										   title);
	const char *schema = get_namespace_name(form->pronamespace);
	char	   *arguments = arguments_of(object->objid);

	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, NameStr(form->proname));
		pgm_proof_text(rows, arguments);
		pgm_proof_char(rows, form->prokind);
		pgm_proof_end_row(&writer->there, rows);
	}
	pgm_proof_made(writer, object, PGM_PROOF_FUNCTION, title, schema,
				   NameStr(form->proname), arguments);
	ReleaseSysCache(tuple);
}

static void
add_type(PgmProofWriter *writer, const PgmChangedObject *object, char *title)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID,
										ObjectIdGetDatum(object->objid));
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_TYPE,
										   title);
	const char *schema = get_namespace_name(form->typnamespace);

	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, NameStr(form->typname));
		pgm_proof_char(rows, form->typtype);
		pgm_proof_end_row(&writer->there, rows);
	}
	pgm_proof_type_details(writer, object->objid, title);
	pgm_proof_made(writer, object, PGM_PROOF_TYPE, title, schema,
				   NameStr(form->typname), NULL);
	ReleaseSysCache(tuple);
}

static void
add_schema(PgmProofWriter *writer, const PgmChangedObject *object, char *title)
{
	const char *name = get_namespace_name(object->objid);

	pgm_proof_absent(&writer->there, PGM_PROOF_SCHEMA, title, name, NULL,
					 NULL);
	pgm_proof_made(writer, object, PGM_PROOF_SCHEMA, title, name, NULL, NULL);
}

static void
add_there(PgmProofWriter *writer, const PgmChangedObject *object, char *title)
{
	add_affected(writer, title);
	switch (object->classid)
	{
		case RelationRelationId:
			if (object->subid == 0)
				add_relation(writer, object, title);
			else
				add_one_column(writer, object, title);
			break;
		case ConstraintRelationId:
			add_constraint(writer, object, title);
			break;
		case TriggerRelationId:
			add_trigger(writer, object, title);
			break;
		case PolicyRelationId:
			add_policy(writer, object, title);
			break;
		case TypeRelationId:
			add_type(writer, object, title);
			break;
		case ProcedureRelationId:
			add_function(writer, object, title);
			break;
		case NamespaceRelationId:
			add_schema(writer, object, title);
			break;
		default:
			pgm_proof_object(writer, object, title);
	}
}

/* ---- what was said about them */

/* Of a column, a function or a schema. */
static void
add_granted(PgmProofWriter *writer, const PgmChangedFact *fact,
			const char *title)
{
	PgmProofClass class = PGM_PROOF_SCHEMA_PRIVILEGES;
	int			cache = NAMESPACEOID;
	AttrNumber	column = Anum_pg_namespace_nspacl;
	HeapTuple	tuple;
	Datum		acl;
	bool		isnull;
	StringInfo	rows;

	if (fact->classid == RelationRelationId)
	{
		class = PGM_PROOF_COLUMN_PRIVILEGES;
		cache = ATTNUM;
		column = Anum_pg_attribute_attacl;
	}
	else if (fact->classid == ProcedureRelationId)
	{
		class = PGM_PROOF_FUNCTION_PRIVILEGES;
		cache = PROCOID;
		column = Anum_pg_proc_proacl;
	}
	if (cache == ATTNUM)
		tuple = SearchSysCacheAttNum(fact->objid, fact->subid);
	else
		tuple = SearchSysCache1(cache, ObjectIdGetDatum(fact->objid));
	acl = SysCacheGetAttr(cache, tuple, column, &isnull);
	rows = isnull || ACL_NUM(DatumGetAclP(acl)) == 0 ? NULL :
		pgm_proof_begin_row(&writer->there, class, title);
	if (rows != NULL)
	{
		if (class == PGM_PROOF_SCHEMA_PRIVILEGES)
			pgm_proof_text(rows, get_namespace_name(fact->objid));
		else if (class == PGM_PROOF_FUNCTION_PRIVILEGES)
		{
			pgm_proof_text(rows,
						   get_namespace_name(get_func_namespace(fact->objid)));
			pgm_proof_text(rows, get_func_name(fact->objid));
			pgm_proof_text(rows, arguments_of(fact->objid));
		}
		else
		{
			pgm_proof_text(rows, schema_of(fact->objid));
			pgm_proof_text(rows, get_rel_name(fact->objid));
			pgm_proof_text(rows, get_attname(fact->objid, fact->subid, false));
		}
		add_acl(rows, acl);
		pgm_proof_end_row(&writer->there, rows);
	}
	ReleaseSysCache(tuple);
}

/* No comment is one, too. */
static void
add_comment(PgmProofWriter *writer, const PgmChangedFact *fact,
			const char *title)
{
	ObjectAddress address;
	StringInfo	rows = pgm_proof_begin_row(&writer->there, PGM_PROOF_COMMENT,
										   title);

	if (rows == NULL)
		return;
	ObjectAddressSubSet(address, fact->classid, fact->objid, fact->subid);
	pgm_proof_text(rows, pgm_object_type(&address));
	pgm_proof_text(rows, pgm_object_identity(&address));
	pgm_proof_text(rows, GetComment(fact->objid, fact->classid, fact->subid));
	pgm_proof_end_row(&writer->there, rows);
}

static void
add_facts(PgmProofWriter *writer, const List *facts)
{
	ListCell   *lc;

	foreach(lc, facts)
	{
		const PgmChangedFact *fact = lfirst(lc);
		char	   *title = pgm_object_title(fact->classid, fact->objid,
											 fact->subid);

		if (title == NULL)
			continue;
		title = psprintf("%s of %s", fact->comment ? "comment" : "privileges",
						 title);
		if (pgm_proof_is_among(writer->objects, title))
			continue;
		add_affected(writer, title);
		if (fact->comment)
			add_comment(writer, fact, title);
		else
			add_granted(writer, fact, title);
	}
}

/* ---- what is not there any more */

/*
 * All that is on a relation, or in a schema, whose name is another now: what
 * an earlier revision said about it by its name does not hold any more.
 */
static void
add_whole(PgmProofWriter *writer, const char *name)
{
	add_affected(writer, psprintf("%s%s", PGM_WHOLE, name));
}

/* Of an object that was dropped or has another name now. */
static void
add_gone(PgmProofWriter *writer, const PgmChangedObject *object, bool again)
{
	char		kind[2] = {object->relkind, '\0'};

	add_affected(writer, object->before);
	if (object->classid != RelationRelationId || object->column != NULL)
		add_affected(writer, psprintf("comment of %s", object->before));
	if (object->column != NULL || object->classid == ProcedureRelationId ||
		object->classid == NamespaceRelationId)
		add_affected(writer, psprintf("privileges of %s", object->before));
	if (object->classid == NamespaceRelationId)
		add_whole(writer, object->before + strlen("schema "));
	if (object->classid != RelationRelationId)
		return;
	if (object->column == NULL)
		add_whole(writer, quote_qualified_identifier(object->schema,
													 object->name));
	if (again)
		return;
	if (object->column != NULL)
		pgm_proof_absent(&writer->gone, PGM_PROOF_COLUMN, object->before,
						 object->schema, object->name, object->column);
	else if (object->relkind == RELKIND_INDEX ||
			 object->relkind == RELKIND_PARTITIONED_INDEX)
		pgm_proof_absent(&writer->gone, PGM_PROOF_INDEX, object->before,
						 object->schema, object->name, NULL);
	else
		pgm_proof_absent(&writer->gone, PGM_PROOF_RELATION, object->before,
						 object->schema, object->name, kind);
}

static char **
texts_of(const List *list)
{
	char	  **texts = palloc(sizeof(char *) * (list_length(list) + 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, list)
		texts[n++] = lfirst(lc);
	return texts;
}

PgmGenerated *
pgm_generated_write(const PgmChangedObjects *changed)
{
	List	   *objects = pgm_changed_list(changed);
	PgmProofWriter writer;
	PgmGenerated *generated;
	ListCell   *lc;
	int			guc_level;

	generated = palloc0(sizeof(PgmGenerated));
	if (objects == NIL && pgm_changed_facts(changed) == NIL)
		return generated;
	memset(&writer, 0, sizeof(writer));
	guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pgm_quote_where_needed();
	foreach(lc, objects)
	{
		PgmChangedObject *object = lfirst(lc);

		if (object->before != NULL && object->dropped)
			writer.before = lappend(writer.before, object->before);
	}
	foreach(lc, objects)
	{
		PgmChangedObject *object = lfirst(lc);
		char	   *title = pgm_object_title(object->classid, object->objid,
											 object->subid);

		if (title != NULL)
			add_there(&writer, object, title);
	}
	add_facts(&writer, pgm_changed_facts(changed));
	foreach(lc, objects)
	{
		PgmChangedObject *object = lfirst(lc);
		char	   *title;

		if (object->before == NULL)
			continue;
		title = pgm_object_title(object->classid, object->objid,
								 object->subid);
		if (title == NULL || strcmp(title, object->before) != 0)
			add_gone(&writer, object,
					 pgm_proof_is_among(writer.objects, object->before));
	}
	AtEOXact_GUC(false, guc_level);
	if (writer.objects == NIL)
		return generated;
	generated->upgrade = pgm_proof_compose(&writer.there, &writer.gone);
	generated->downgrade = pgm_proof_compose(NULL, &writer.undone);
	generated->nobjects = list_length(writer.objects);
	generated->objects = texts_of(writer.objects);
	generated->nmade = list_length(writer.made);
	generated->made = texts_of(writer.made);
	return generated;
}

/* ---- asked */

List *
pgm_generated_ask(const PgmExec *exec, const PgmSource *source, int n,
				  bool top_level)
{
	int			guc_level = NewGUCNestLevel();
	List	   *failed;

	pgm_schema_pin_settings();
	failed = pgm_exec_failed_objects(exec, source, n, top_level);
	AtEOXact_GUC(false, guc_level);
	return failed;
}

List *
pgm_generated_ask_all(const PgmExec *exec, const char *text,
					  const char *revision, bool top_level)
{
	PgmSource  *source = pgm_source_parse(text, PGM_SOURCE_VERIFY, revision);
	List	   *failed = NIL;

	for (int i = 0; i < source->nstatements; i++)
		failed = list_concat(failed,
							 pgm_generated_ask(exec, source, i, top_level));
	return failed;
}
