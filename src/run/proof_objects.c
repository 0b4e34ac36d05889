/*-------------------------------------------------------------------------
 *
 * proof_objects.c
 *	  What a generated verification says of objects beside tables.
 *
 * Rules, statistics, event triggers and publications have a state that is
 * asked for.  Of the rarer kinds, extensions among them, it is asked whether
 * they are there: an extension may have another version, or be in another
 * schema, after a dump was restored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat/catalog.h"
#include "run/proof_rows.h"

/* One more of an array, the last value of a row. */
static void
add_element(StringInfo rows, int n, const char *text)
{
	appendStringInfo(rows, "%s%s", n > 0 ? ", " : ", ARRAY[",
					 quote_literal_cstr(text));
}

static void
add_labels(PgmProofWriter *writer, Oid type, StringInfo rows)
{
	Relation	rel = table_open(EnumRelationId, AccessShareLock);
	Relation	index = index_open(EnumTypIdSortOrderIndexId,
								   AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			n = 0;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	while ((tuple = systable_getnext_ordered(scan,
											 ForwardScanDirection)) != NULL)
		add_element(rows, n++,
					NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	appendStringInfoString(rows, n > 0 ? "]" : ", '{}'");
	pgm_proof_end_row(&writer->there, rows);
}

static void
add_domain(PgmProofWriter *writer, HeapTuple tuple, StringInfo rows)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	bool		isnull;
	Datum		value = SysCacheGetAttr(TYPEOID, tuple,
										Anum_pg_type_typdefault, &isnull);

	pgm_proof_text(rows, format_type_with_typemod(form->typbasetype,
												  form->typtypmod));
	pgm_proof_bool(rows, form->typnotnull);
	pgm_proof_text(rows, isnull ? NULL : TextDatumGetCString(value));
	pgm_proof_end_row(&writer->there, rows);
}

void
pgm_proof_type_details(PgmProofWriter *writer, Oid type, const char *title)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	bool		is_enum = form->typtype == TYPTYPE_ENUM;
	StringInfo	rows = NULL;

	if (is_enum || form->typtype == TYPTYPE_DOMAIN)
		rows = pgm_proof_begin_row(&writer->there, is_enum ?
								   PGM_PROOF_ENUM : PGM_PROOF_DOMAIN, title);
	if (rows != NULL)
	{
		pgm_proof_text(rows, get_namespace_name(form->typnamespace));
		pgm_proof_text(rows, NameStr(form->typname));
		if (is_enum)
			add_labels(writer, type, rows);
		else
			add_domain(writer, tuple, rows);
	}
	ReleaseSysCache(tuple);
}

void
pgm_proof_options(PgmProofWriter *writer, HeapTuple class, const char *title)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(class);
	bool		isnull;
	Datum		options = SysCacheGetAttr(RELOID, class,
										  Anum_pg_class_reloptions, &isnull);
	StringInfo	rows;
	Datum	   *texts;
	int			n;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(options), TEXTOID, -1, false,
					  TYPALIGN_INT, &texts, NULL, &n);
	rows = n == 0 ? NULL : pgm_proof_begin_row(&writer->there,
											   PGM_PROOF_OPTIONS, title);
	if (rows == NULL)
		return;
	pgm_proof_text(rows, get_namespace_name(form->relnamespace));
	pgm_proof_text(rows, NameStr(form->relname));
	for (int i = 0; i < n; i++)
		add_element(rows, i, TextDatumGetCString(texts[i]));
	appendStringInfoChar(rows, ']');
	pgm_proof_end_row(&writer->there, rows);
}

static void
add_rule(PgmProofWriter *writer, const PgmChangedObject *object, char *title,
		 HeapTuple tuple)
{
	Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_on_relation(writer, object, PGM_PROOF_RULE,
											 title, form->ev_class,
											 NameStr(form->rulename));

	if (rows == NULL)
		return;
	pgm_proof_char(rows, form->ev_type);
	pgm_proof_bool(rows, form->is_instead);
	pgm_proof_char(rows, form->ev_enabled);
	pgm_proof_end_row(&writer->there, rows);
}

static void
add_statistics(PgmProofWriter *writer, const PgmChangedObject *object,
			   char *title, HeapTuple tuple)
{
	Form_pg_statistic_ext form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
	const char *schema = get_namespace_name(form->stxnamespace);
	StringInfo	rows = pgm_proof_begin_row(&writer->there,
										   PGM_PROOF_STATISTICS, title);
	bool		isnull;
	Datum		kinds = SysCacheGetAttr(STATEXTOID, tuple,
										Anum_pg_statistic_ext_stxkind,
										&isnull);
	ArrayType  *array = DatumGetArrayTypeP(kinds);

	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, NameStr(form->stxname));
		pgm_proof_text(rows, pnstrdup(ARR_DATA_PTR(array),
									  ARR_DIMS(array)[0]));
		pgm_proof_end_row(&writer->there, rows);
	}
	pgm_proof_made(writer, object, PGM_PROOF_STATISTICS, title, schema,
				   NameStr(form->stxname), NULL);
}

static void
add_event_trigger(PgmProofWriter *writer, const PgmChangedObject *object,
				  char *title, HeapTuple tuple)
{
	Form_pg_event_trigger form = (Form_pg_event_trigger) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_begin_row(&writer->there,
										   PGM_PROOF_EVENT_TRIGGER, title);

	if (rows != NULL)
	{
		pgm_proof_text(rows, NameStr(form->evtname));
		pgm_proof_text(rows, NameStr(form->evtevent));
		pgm_proof_char(rows, form->evtenabled);
		pgm_proof_end_row(&writer->there, rows);
	}
	pgm_proof_made(writer, object, PGM_PROOF_EVENT_TRIGGER, title,
				   NameStr(form->evtname), NULL, NULL);
}

static void
add_published(PgmProofWriter *writer, const PgmChangedObject *object,
			  char *title, Oid relid, const char *publication)
{
	StringInfo	rows = pgm_proof_on_relation(writer, object,
											 PGM_PROOF_PUBLISHED, title,
											 relid, publication);

	if (rows != NULL)
		pgm_proof_end_row(&writer->there, rows);
}

static void
add_published_schema(PgmProofWriter *writer, const PgmChangedObject *object,
					 char *title, Oid namespace, const char *publication)
{
	const char *schema = get_namespace_name(namespace);

	pgm_proof_absent(&writer->there, PGM_PROOF_PUBLISHED_SCHEMA, title,
					 schema, publication, NULL);
	pgm_proof_made(writer, object, PGM_PROOF_PUBLISHED_SCHEMA, title, schema,
				   publication, NULL);
}

/* What it is made with: of that the server does not tell. */
static void
add_contents(PgmProofWriter *writer, const PgmChangedObject *object,
			 char *publication)
{
	ListCell   *lc;

	foreach(lc, pgm_published_relations(object->objid))
	{
		Oid			relid = lfirst_oid(lc);
		char	   *title = pgm_published_title(publication, relid,
												InvalidOid);

		writer->objects = lappend(writer->objects, title);
		add_published(writer, object, title, relid, publication);
	}
	foreach(lc, GetPublicationSchemas(object->objid))
	{
		char	   *title = pgm_published_title(publication, InvalidOid,
												lfirst_oid(lc));

		writer->objects = lappend(writer->objects, title);
		add_published_schema(writer, object, title, lfirst_oid(lc),
							 publication);
	}
}

static void
add_publication(PgmProofWriter *writer, const PgmChangedObject *object,
				char *title, HeapTuple tuple)
{
	Form_pg_publication form = (Form_pg_publication) GETSTRUCT(tuple);
	StringInfo	rows = pgm_proof_begin_row(&writer->there,
										   PGM_PROOF_PUBLICATION, title);

	if (rows != NULL)
	{
		pgm_proof_text(rows, NameStr(form->pubname));
		pgm_proof_bool(rows, form->puballtables);
		pgm_proof_bool(rows, form->pubinsert);
		pgm_proof_bool(rows, form->pubupdate);
		pgm_proof_bool(rows, form->pubdelete);
		pgm_proof_bool(rows, form->pubtruncate);
		pgm_proof_bool(rows, form->pubviaroot);
		pgm_proof_end_row(&writer->there, rows);
	}
	if (object->created)
		add_contents(writer, object, NameStr(form->pubname));
	pgm_proof_made(writer, object, PGM_PROOF_PUBLICATION, title,
				   NameStr(form->pubname), NULL, NULL);
}

static void
add_plain(PgmProofWriter *writer, const PgmChangedObject *object, char *title)
{
	ObjectAddress address;
	const char *type;
	const char *identity;

	ObjectAddressSet(address, object->classid, object->objid);
	type = pgm_object_type(&address);
	identity = pgm_object_identity(&address);
	pgm_proof_absent(&writer->there, PGM_PROOF_PLAIN, title, type, identity,
					 NULL);
	pgm_proof_made(writer, object, PGM_PROOF_PLAIN, title, type, identity,
				   NULL);
}

void
pgm_proof_object(PgmProofWriter *writer, const PgmChangedObject *object,
				 char *title)
{
	Oid			what;
	char	   *publication;

	switch (object->classid)
	{
		case RewriteRelationId:
			add_rule(writer, object, title,
					 pgm_catalog_row(object->classid, object->objid));
			break;
		case StatisticExtRelationId:
			add_statistics(writer, object, title,
						   pgm_catalog_row(object->classid, object->objid));
			break;
		case EventTriggerRelationId:
			add_event_trigger(writer, object, title,
							  pgm_catalog_row(object->classid,
											  object->objid));
			break;
		case PublicationRelationId:
			add_publication(writer, object, title,
							pgm_catalog_row(object->classid, object->objid));
			break;
		case PublicationRelRelationId:
		case PublicationNamespaceRelationId:
			if (pgm_proof_is_among(writer->made, title))
				break;			/* the publication is new itself */
			what = pgm_published(object->classid, object->objid,
								 &publication);
			if (object->classid == PublicationRelRelationId)
				add_published(writer, object, title, what, publication);
			else
				add_published_schema(writer, object, title, what,
									 publication);
			break;
		default:
			add_plain(writer, object, title);
	}
}
