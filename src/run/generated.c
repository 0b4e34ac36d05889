/*-------------------------------------------------------------------------
 *
 * generated.c
 *	  The verification of a revision that has none, from what it did.
 *
 * One query for each class of objects, over a list of what they are to be; the
 * first column names the object, the second says whether it is so.  They read
 * nothing but the catalogs that everybody may read, by the names of things, so
 * that whoever asks needs no right to what he asks about.
 *
 * Nothing is planned here: most revisions make a table, and a query for each
 * would cost as much as they do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "run/generated.h"
#include "schema/model.h"

/* No text is longer than this by more than an object. */
#define PGM_GENERATED_MAX (1024 * 1024)

typedef enum ProofClass
{
	CLASS_SCHEMA,
	CLASS_TYPE,
	CLASS_FUNCTION,
	CLASS_RELATION,
	CLASS_COLUMN,
	CLASS_INDEX,
	CLASS_CONSTRAINT,
	CLASS_TRIGGER,
	CLASS_POLICY,
	CLASS_PRIVILEGES
} ProofClass;

#define NCLASSES (CLASS_PRIVILEGES + 1)

#define JOIN_SCHEMA \
	"LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = e.schema\n"
#define JOIN_RELATION(name) JOIN_SCHEMA \
	"LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid " \
	"AND c.relname = e." name "\n"

/* How a class is asked for. */
static const struct
{
	const char *columns;		/* of the list, after the object */
	const char *keys;			/* those of them that name it */
	const char *joins;
	const char *holds;
	const char *absent;
}			classes[NCLASSES] = {

	[CLASS_SCHEMA] = {"name", "name",
		"LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = e.name\n",
	"n.oid IS NOT NULL", "n.oid IS NULL"},
	[CLASS_TYPE] = {"schema, name, kind", "schema, name",
		JOIN_SCHEMA "LEFT JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid "
		"AND t.typname = e.name\n",
	"t.typtype::text = e.kind", "t.oid IS NULL"},
	[CLASS_FUNCTION] = {"schema, name, arguments, kind",
		"schema, name, arguments",
		JOIN_SCHEMA "LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid "
		"AND p.proname = e.name\n"
		"AND pg_catalog.pg_get_function_identity_arguments(p.oid) = "
	"e.arguments\n", "p.prokind::text = e.kind", "p.oid IS NULL"},
	[CLASS_RELATION] = {"schema, name, kind, persistence, row_security",
		"schema, name, kind", JOIN_RELATION("name"),
		"c.relkind::text = e.kind AND c.relpersistence::text = e.persistence\n"
		"AND c.relrowsecurity = e.row_security",
	"coalesce(c.relkind::text <> e.kind, true)"},
	[CLASS_COLUMN] = {"schema, relation, name, type, not_null, \"default\", "
		"identity, generated",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid\n"
		"AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped\n"
		"LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid "
		"AND d.adnum = a.attnum\n",
		"pg_catalog.format_type(a.atttypid, a.atttypmod) = e.type\n"
		"AND a.attnotnull = e.not_null AND a.attidentity::text = e.identity\n"
		"AND a.attgenerated::text = e.generated\n"
		"AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) IS NOT DISTINCT FROM e.\"default\"",
	"a.attnum IS NULL"},
	[CLASS_INDEX] = {"schema, name, is_unique, valid", "schema, name",
		JOIN_RELATION("name")
		"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid\n",
		"i.indisunique = e.is_unique AND i.indisvalid = e.valid",
	"c.oid IS NULL"},
	[CLASS_CONSTRAINT] = {"schema, relation, name, type, validated",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid "
		"AND k.conname = e.name\n",
	"k.contype::text = e.type AND k.convalidated = e.validated", "k.oid IS NULL"},
	[CLASS_TRIGGER] = {"schema, relation, name, enabled",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid "
		"AND t.tgname = e.name AND NOT t.tgisinternal\n",
	"t.tgenabled::text = e.enabled", "t.oid IS NULL"},
	[CLASS_POLICY] = {"schema, relation, name, command",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid "
		"AND p.polname = e.name\n",
	"p.polcmd::text = e.command", "p.oid IS NULL"},
	[CLASS_PRIVILEGES] = {"schema, name, privileges", "schema, name",
		JOIN_RELATION("name"),
	"e.privileges::text[] <@ c.relacl::text[]", NULL},
};

/* The lists, by class. */
typedef struct Lists
{
	StringInfoData rows[NCLASSES];
	int			total;			/* bytes of all */
} Lists;

typedef struct Writer
{
	Lists		there;			/* after the upgrade */
	Lists		gone;			/* after it */
	Lists		undone;			/* gone after the downgrade */
	List	   *objects;		/* titles of what it did something to */
	List	   *made;			/* of undone */
	List	   *before;			/* what was there under another address */
	bool		pinned;			/* the settings */
} Writer;

/* ---- rows */

/* The beginning of a row, NULL if the list is full. */
static StringInfo
begin_row(Lists *lists, ProofClass class, const char *title)
{
	StringInfo	rows = &lists->rows[class];

	if (lists->total > PGM_GENERATED_MAX)
		return NULL;
	if (rows->data == NULL)
		initStringInfo(rows);
	else
		appendStringInfoString(rows, ",\n  ");
	appendStringInfo(rows, "(%s", quote_literal_cstr(title));
	lists->total += 64;
	return rows;
}

static void
add_text(StringInfo rows, const char *text)
{
	appendStringInfo(rows, ", %s", text == NULL ? "NULL" :
					 quote_literal_cstr(text));
}

static void
add_bool(StringInfo rows, bool value)
{
	appendStringInfoString(rows, value ? ", true" : ", false");
}

static void
add_char(StringInfo rows, char c)
{
	char		text[2] = {c, '\0'};

	add_text(rows, text);
}

static void
end_row(Lists *lists, StringInfo rows)
{
	appendStringInfoChar(rows, ')');
	lists->total += 64;
}

/* ---- what is there */

static const char *
schema_of(Oid relid)
{
	return get_namespace_name(get_rel_namespace(relid));
}

static void
add_touched(Writer *writer, char *title)
{
	writer->objects = lappend(writer->objects, title);
}

/* A list of names, of what must not be there. */
static void
add_absent(Lists *lists, ProofClass class, const char *title, const char *a,
		   const char *b, const char *c)
{
	StringInfo	rows = begin_row(lists, class, title);

	if (rows == NULL)
		return;
	if (a != NULL)
		add_text(rows, a);
	if (b != NULL)
		add_text(rows, b);
	if (c != NULL)
		add_text(rows, c);
	end_row(lists, rows);
}

/* Is it among titles? */
static bool
is_among(const List *titles, const char *title)
{
	ListCell   *lc;

	foreach(lc, titles)
		if (strcmp(lfirst(lc), title) == 0)
		return true;
	return false;
}

/* Something that the revision has made: its downgrade is to take it away. */
static void
add_made(Writer *writer, const PgmChangedObject *object, ProofClass class,
		 char *title, const char *a, const char *b, const char *c)
{
	if (!object->created || is_among(writer->before, title))
		return;
	writer->made = lappend(writer->made, title);
	add_absent(&writer->undone, class, title, a, b, c);
}

static char *
expression_text(const char *expression, Oid relid)
{
	return text_to_cstring(DatumGetTextPP(DirectFunctionCall2(pg_get_expr,
															  CStringGetTextDatum(expression),
															  ObjectIdGetDatum(relid))));
}

static char *
default_of(Writer *writer, Relation rel, AttrNumber attnum)
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
add_column(Writer *writer, Relation rel, int i, char *title)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
	StringInfo	rows = begin_row(&writer->there, CLASS_COLUMN, title);

	if (rows == NULL)
		return;
	add_text(rows, get_namespace_name(RelationGetNamespace(rel)));
	add_text(rows, RelationGetRelationName(rel));
	add_text(rows, NameStr(att->attname));
	add_text(rows, format_type_with_typemod(att->atttypid, att->atttypmod));
	add_bool(rows, att->attnotnull);
	add_text(rows, default_of(writer, rel, att->attnum));
	appendStringInfo(rows, att->attidentity ? ", '%c'" : ", ''",
					 att->attidentity);
	appendStringInfo(rows, att->attgenerated ? ", '%c'" : ", ''",
					 att->attgenerated);
	end_row(&writer->there, rows);
}

static void
add_columns(Writer *writer, Oid relid, const char *name)
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

static void
add_privileges(Writer *writer, HeapTuple tuple, Oid relid, char *title)
{
	bool		isnull;
	Datum		acl = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl,
									  &isnull);
	StringInfoData items;
	AclItem    *item;
	StringInfo	rows;

	title = psprintf("privileges of %s", title);
	add_touched(writer, title);
	if (isnull)
		return;
	initStringInfo(&items);
	item = ACL_DAT(DatumGetAclP(acl));
	for (int i = 0; i < ACL_NUM(DatumGetAclP(acl)); i++)
		appendStringInfo(&items, "%s%s", i > 0 ? ", " : "ARRAY[",
						 quote_literal_cstr(DatumGetCString(DirectFunctionCall1(aclitemout,
																				PointerGetDatum(&item[i])))));
	if (items.len == 0)
		return;
	rows = begin_row(&writer->there, CLASS_PRIVILEGES, title);
	if (rows == NULL)
		return;
	add_text(rows, schema_of(relid));
	add_text(rows, get_rel_name(relid));
	appendStringInfo(rows, ", %s]", items.data);
	end_row(&writer->there, rows);
}

static void
add_index(Writer *writer, const PgmChangedObject *object, HeapTuple class,
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
	rows = begin_row(&writer->there, CLASS_INDEX, title);
	if (rows != NULL)
	{
		add_text(rows, schema);
		add_text(rows, NameStr(form->relname));
		add_bool(rows, index->indisunique);
		add_bool(rows, index->indisvalid);
		end_row(&writer->there, rows);
	}
	ReleaseSysCache(tuple);
	add_made(writer, object, CLASS_INDEX, title, schema,
			 NameStr(form->relname), NULL);
}

/* A relation whose name is another now has columns of other names. */
static bool
is_renamed(const PgmChangedObject *object, const char *title)
{
	return object->before != NULL && strcmp(object->before, title) != 0;
}

static void
add_relation(Writer *writer, const PgmChangedObject *object, char *title)
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
	rows = begin_row(&writer->there, CLASS_RELATION, title);
	if (rows != NULL)
	{
		add_text(rows, schema);
		add_text(rows, NameStr(form->relname));
		add_char(rows, form->relkind);
		add_char(rows, form->relpersistence);
		add_bool(rows, form->relrowsecurity);
		end_row(&writer->there, rows);
	}
	kind[0] = form->relkind;
	add_made(writer, object, CLASS_RELATION, title, schema,
			 NameStr(form->relname), kind);
	if (form->relkind != RELKIND_SEQUENCE &&
		(object->created || is_renamed(object, title)))
		add_columns(writer, object->objid,
					quote_qualified_identifier(schema,
											   NameStr(form->relname)));
	add_privileges(writer, tuple, object->objid, title);
	ReleaseSysCache(tuple);
}

/* The letter in pg_constraint, which older servers have no name for. */
#define PGM_CONSTRAINT_NOT_NULL 'n'

static void
add_one_column(Writer *writer, const PgmChangedObject *object, char *title)
{
	Relation	rel = relation_open(object->objid, AccessShareLock);
	const char *name = get_attname(object->objid, object->subid, false);

	add_column(writer, rel, object->subid - 1, title);
	add_made(writer, object, CLASS_COLUMN, title, schema_of(object->objid),
			 get_rel_name(object->objid), name);
	relation_close(rel, AccessShareLock);
}

static void
add_constraint(Writer *writer, const PgmChangedObject *object, char *title)
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
	rows = begin_row(&writer->there, CLASS_CONSTRAINT, title);
	if (rows != NULL)
	{
		add_text(rows, schema);
		add_text(rows, relation);
		add_text(rows, NameStr(form->conname));
		add_char(rows, form->contype);
		add_bool(rows, form->convalidated);
		end_row(&writer->there, rows);
	}
	add_made(writer, object, CLASS_CONSTRAINT, title, schema, relation,
			 NameStr(form->conname));
	ReleaseSysCache(tuple);
}

/* Of a trigger or a policy: where it is, what it is called, its state. */
static void
add_on_relation(Writer *writer, const PgmChangedObject *object,
				ProofClass class, char *title, Oid relid, const char *name,
				char state)
{
	StringInfo	rows = begin_row(&writer->there, class, title);

	if (rows != NULL)
	{
		add_text(rows, schema_of(relid));
		add_text(rows, get_rel_name(relid));
		add_text(rows, name);
		add_char(rows, state);
		end_row(&writer->there, rows);
	}
	add_made(writer, object, class, title, schema_of(relid),
			 get_rel_name(relid), name);
}

static void
add_trigger(Writer *writer, const PgmChangedObject *object, char *title)
{
	HeapTuple	tuple = pgm_catalog_row(TriggerRelationId, object->objid);
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

	add_on_relation(writer, object, CLASS_TRIGGER, title, form->tgrelid,
					NameStr(form->tgname), form->tgenabled);
}

static void
add_policy(Writer *writer, const PgmChangedObject *object, char *title)
{
	HeapTuple	tuple = pgm_catalog_row(PolicyRelationId, object->objid);
	Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);

	add_on_relation(writer, object, CLASS_POLICY, title, form->polrelid,
					NameStr(form->polname), form->polcmd);
}

static void
add_function(Writer *writer, const PgmChangedObject *object, char *title)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID,
										ObjectIdGetDatum(object->objid));
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	StringInfo	rows = begin_row(&writer->there, CLASS_FUNCTION, title);
	const char *schema = get_namespace_name(form->pronamespace);
	Datum		value;
	char	   *arguments;

	value = OidFunctionCall1(F_PG_GET_FUNCTION_IDENTITY_ARGUMENTS,
							 ObjectIdGetDatum(object->objid));
	arguments = TextDatumGetCString(value);
	if (rows != NULL)
	{
		add_text(rows, schema);
		add_text(rows, NameStr(form->proname));
		add_text(rows, arguments);
		add_char(rows, form->prokind);
		end_row(&writer->there, rows);
	}
	add_made(writer, object, CLASS_FUNCTION, title, schema,
			 NameStr(form->proname), arguments);
	ReleaseSysCache(tuple);
}

static void
add_type(Writer *writer, const PgmChangedObject *object, char *title)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID,
										ObjectIdGetDatum(object->objid));
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	StringInfo	rows = begin_row(&writer->there, CLASS_TYPE, title);
	const char *schema = get_namespace_name(form->typnamespace);

	if (rows != NULL)
	{
		add_text(rows, schema);
		add_text(rows, NameStr(form->typname));
		add_char(rows, form->typtype);
		end_row(&writer->there, rows);
	}
	add_made(writer, object, CLASS_TYPE, title, schema,
			 NameStr(form->typname), NULL);
	ReleaseSysCache(tuple);
}

static void
add_schema(Writer *writer, const PgmChangedObject *object, char *title)
{
	const char *name = get_namespace_name(object->objid);

	add_absent(&writer->there, CLASS_SCHEMA, title, name, NULL, NULL);
	add_made(writer, object, CLASS_SCHEMA, title, name, NULL, NULL);
}

static void
add_there(Writer *writer, const PgmChangedObject *object, char *title)
{
	add_touched(writer, title);
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
	}
}

/* ---- what is not there any more */

/*
 * All that is on a relation, or in a schema, whose name is another now: what
 * an earlier revision said about it by its name does not hold any more.
 */
static void
add_whole(Writer *writer, const char *name)
{
	add_touched(writer, psprintf("%s%s", PGM_WHOLE, name));
}

/* Of an object that was dropped or has another name now. */
static void
add_gone(Writer *writer, const PgmChangedObject *object, bool again)
{
	char		kind[2] = {object->relkind, '\0'};

	add_touched(writer, object->before);
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
		add_absent(&writer->gone, CLASS_COLUMN, object->before,
				   object->schema, object->name, object->column);
	else if (object->relkind == RELKIND_INDEX ||
			 object->relkind == RELKIND_PARTITIONED_INDEX)
		add_absent(&writer->gone, CLASS_INDEX, object->before, object->schema,
				   object->name, NULL);
	else
		add_absent(&writer->gone, CLASS_RELATION, object->before,
				   object->schema, object->name, kind);
}

/* ---- the texts */

static void
append_class(StringInfo text, const Lists *lists, ProofClass class,
			 bool absent)
{
	const StringInfoData *rows = &lists->rows[class];

	if (rows->data == NULL)
		return;
	appendStringInfo(text, "%sSELECT e.object,\n%s AS ok\nFROM (VALUES\n  %s\n)",
					 text->len > 0 ? ";\n" : "",
					 absent ? classes[class].absent :
					 psprintf("coalesce(%s, false)", classes[class].holds),
					 rows->data);
	appendStringInfo(text, " AS e (object, %s)\n%s",
					 absent ? classes[class].keys : classes[class].columns,
					 classes[class].joins);
	text->data[--text->len] = '\0'; /* the last line ends with the query */
}

/* NULL if there is nothing in it. */
static char *
compose(const Lists *there, const Lists *gone)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < NCLASSES; i++)
	{
		if (there != NULL)
			append_class(&text, there, i, false);
		append_class(&text, gone, i, true);
	}
	return text.len > 0 ? text.data : NULL;
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
	Writer		writer;
	PgmGenerated *generated;
	ListCell   *lc;
	int			guc_level;

	if (objects == NIL)
		return NULL;
	memset(&writer, 0, sizeof(writer));
	guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
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
					 is_among(writer.objects, object->before));
	}
	AtEOXact_GUC(false, guc_level);
	if (writer.objects == NIL)
		return NULL;
	generated = palloc0(sizeof(PgmGenerated));
	generated->upgrade = compose(&writer.there, &writer.gone);
	generated->downgrade = compose(NULL, &writer.undone);
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
