/*-------------------------------------------------------------------------
 *
 * column_since.c
 *	  What others have made of a column between its switch and the way back.
 *
 * The way back exchanges what has a double, and drops the new column.  What
 * was made on that since has none, and would be gone with it: it is named, and
 * in the way.  What was dropped since stays dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "online/column_internal.h"
#include "online/layout.h"
#include "online/since.h"

/*
 * What depends on columns $2 of table $1 besides the objects $3, which go
 * along: their defaults, sequences and trigger do so too.
 */
static PgmQuery dependents_query = {
	"SELECT pg_describe_object(d.classid, d.objid, d.objsubid) "
	"FROM pg_depend d LEFT JOIN pg_constraint k "
	"ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = ANY ($2) AND d.objid <> ALL ($3) "
	"AND (k.oid IS NULL OR k.contype <> 'n' AND k.coninhcount = 0 "
	"AND k.conparentid <> ALL ($3) AND (k.contype NOT IN ('p', 'u') "
	"OR k.conindid <> ALL ($3))) "
	"AND NOT EXISTS (SELECT FROM pg_attrdef f "
	"WHERE d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid "
	"AND f.adrelid = $1 AND f.adnum = d.refobjsubid) "
	"AND NOT EXISTS (SELECT FROM pg_class s "
	"WHERE d.classid = 'pg_class'::regclass AND s.oid = d.objid "
	"AND s.relkind = 'S') "
	"AND NOT EXISTS (SELECT FROM pg_trigger g "
	"WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid "
	"AND g.tgisinternal AND g.tgfoid = 'pgmigrate.online_column'::regproc) "
	"ORDER BY 1 LIMIT 1",
	3, {OIDOID, INT2ARRAYOID, OIDARRAYOID}
};

/* Indexes of table $1 that are valid, but for those in $2. */
static PgmQuery others_query = {
	"SELECT i.indexrelid::int8 FROM pg_index i WHERE i.indrelid = $1 "
	"AND i.indisvalid AND i.indexrelid <> ALL ($2) ORDER BY 1",
	2, {OIDOID, OIDARRAYOID}
};

static bool
is_there(const PgmColumnObject *object, Oid oid)
{
	return object->kind == 'i' ? get_rel_name(oid) != NULL :
		get_constraint_name(oid) != NULL;
}

static List *
oids_that_are(List *objects)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, objects)
		result = lappend_oid(result,
							 ((PgmColumnObject *) lfirst(lc))->becomes);
	return result;
}

/* ---- indexes that are others, and the same */

/* The command, from what comes after the name of the table. */
static char *
form_of(Oid index)
{
	char	   *command = pgm_layout_index_command(index);
	char	   *form = strstr(command, " USING ");

	return psprintf("%s%s", pgm_column_is_unique(index) ? "UNIQUE" : "",
					form == NULL ? command : form);
}

static char *
replaced(const char *string, const char *from, const char *to)
{
	Datum		result = DirectFunctionCall3Coll(replace_text, C_COLLATION_OID,
												 CStringGetTextDatum(string),
												 CStringGetTextDatum(from),
												 CStringGetTextDatum(to));

	return TextDatumGetCString(result);
}

/* That of a double, on the columns that have the names. */
static char *
form_on_leading(Oid index, const PgmColumnSpec *spec)
{
	char	   *form = form_of(index);

	for (int i = 0; i < spec->n; i++)
		form = replaced(form,
						quote_identifier(get_attname(spec->relid,
													 spec->pairs[i].follow,
													 false)),
						quote_identifier(get_attname(spec->relid,
													 spec->pairs[i].lead,
													 false)));
	return form;
}

/* REINDEX CONCURRENTLY leaves another index with the name; or InvalidOid. */
static Oid
find_remade(const PgmShadow *shadow, const PgmColumnObject *object,
			List *known)
{
	PgmColumnSpec spec;
	Datum		values[2];
	char	   *form;
	ListCell   *lc;

	if (object->kind != 'i' || get_rel_name(object->was) == NULL ||
		!pgm_column_trigger_read(object->relid, shadow->operation->id, &spec))
		return InvalidOid;
	form = form_on_leading(object->was, &spec);
	values[0] = ObjectIdGetDatum(object->relid);
	values[1] = pgm_oid_array_datum(known);
	foreach(lc, pgm_spi_oids(&others_query, values))
		if (lfirst_oid(lc) != object->was &&
			strcmp(form_of(lfirst_oid(lc)), form) == 0)
		return lfirst_oid(lc);
	return InvalidOid;
}

/* ---- what is left of what was exchanged */

static void
drop_double(const PgmColumnObject *object)
{
	ObjectAddress address;

	ObjectAddressSet(address, object->kind == 'i' ? RelationRelationId :
					 ConstraintRelationId, object->was);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

List *
pgm_column_objects_left(const PgmShadow *shadow, List *objects)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, objects)
	{
		PgmColumnObject *object = lfirst(lc);

		if (!is_there(object, object->becomes))
			object->becomes = find_remade(shadow, object,
										  oids_that_are(objects));
		if (!is_there(object, object->was))
			pgm_since_refuse(shadow, object->kind == 'i' ?
							 "an index of the old column was dropped" :
							 "a constraint of the old column was dropped");
		if (OidIsValid(object->becomes))
			result = lappend(result, object);
		else
			drop_double(object);
	}
	return result;
}

void
pgm_column_refuse_made(const PgmShadow *shadow, List *objects)
{
	List	   *known = oids_that_are(objects);
	ListCell   *lc;

	foreach(lc, pgm_column_members(shadow))
	{
		PgmColumnSpec spec;
		Datum		values[3];
		Datum	   *columns;
		char	   *made;

		if (!pgm_column_trigger_read(lfirst_oid(lc), shadow->operation->id,
									 &spec))
			continue;
		columns = palloc(sizeof(Datum) * spec.n);
		for (int i = 0; i < spec.n; i++)
			columns[i] = Int16GetDatum(spec.pairs[i].lead);
		values[0] = ObjectIdGetDatum(lfirst_oid(lc));
		values[1] = pgm_array_datum(INT2OID, spec.n, columns);
		values[2] = pgm_oid_array_datum(known);
		made = pgm_spi_one_text(&dependents_query, values);
		if (made != NULL)
			pgm_since_refuse(shadow, psprintf("%s was made on a column that it changes",
											  made));
	}
}
