/*-------------------------------------------------------------------------
 *
 * related_relations.c
 *	  Relations that a statement reaches by way of others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "base/spi_list.h"
#include "classify/related_relations.h"

static PgmQuery neighbours_query = {
	"SELECT DISTINCT CASE WHEN conrelid = $1 THEN confrelid ELSE conrelid "
	"END::pg_catalog.int8 FROM pg_constraint WHERE contype = 'f' "
	"AND (conrelid = $1 OR confrelid = $1) AND conrelid <> confrelid",
	1, {OIDOID}
};

static PgmQuery referencing_query = {
	"SELECT DISTINCT conrelid::pg_catalog.int8 FROM pg_constraint "
	"WHERE contype = 'f' AND confrelid = $1 AND conrelid <> $1",
	1, {OIDOID}
};

/*
 * $2 the columns or none for all, $3 whether others have their defaults.  A
 * key to a partitioned table has rows for its partitions too.
 */
static PgmQuery checked_query = {
	"SELECT DISTINCT k.confrelid::pg_catalog.int8 FROM pg_constraint k "
	"WHERE k.contype = 'f' AND k.conrelid = $1 AND k.confrelid <> $1 "
	"AND NOT EXISTS (SELECT FROM pg_constraint p "
	"WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid) "
	"AND (cardinality($2) = 0 OR EXISTS (SELECT FROM pg_attribute a "
	"WHERE a.attrelid = $1 AND a.attnum = ANY (k.conkey) "
	"AND (a.attname = ANY ($2) OR ($3 AND a.atthasdef))))",
	3, {OIDOID, TEXTARRAYOID, BOOLOID}
};

static PgmQuery indexes_query = {
	"SELECT indexrelid::pg_catalog.int8 FROM pg_index WHERE indrelid = $1 "
	"ORDER BY indexrelid",
	1, {OIDOID}
};

static PgmQuery parents_query = {
	"WITH RECURSIVE p (oid) AS (SELECT h.inhparent FROM pg_inherits h "
	"JOIN pg_class c ON c.oid = h.inhrelid AND NOT c.relispartition "
	"WHERE h.inhrelid = $1 UNION SELECT h.inhparent FROM p "
	"JOIN pg_inherits h ON h.inhrelid = p.oid) "
	"SELECT oid::pg_catalog.int8 FROM p",
	1, {OIDOID}
};

static PgmQuery sequences_query = {
	"SELECT objid::pg_catalog.int8 FROM pg_depend "
	"WHERE refclassid = 'pg_class'::pg_catalog.regclass AND refobjid = $1 "
	"AND classid = 'pg_class'::pg_catalog.regclass AND deptype IN ('a', 'i') "
	"AND refobjsubid > 0 AND EXISTS (SELECT FROM pg_class c "
	"WHERE c.oid = objid AND c.relkind = 'S')",
	1, {OIDOID}
};

static PgmQuery domain_tables_query = {
	"WITH RECURSIVE d (oid) AS (SELECT $1 UNION SELECT t.oid FROM pg_type t "
	"JOIN d ON t.typbasetype = d.oid) "
	"SELECT DISTINCT a.attrelid::pg_catalog.int8 FROM d "
	"JOIN pg_attribute a ON a.atttypid = d.oid AND NOT a.attisdropped "
	"JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p')",
	1, {OIDOID}
};

static PgmQuery typed_query = {
	"SELECT c.oid::pg_catalog.int8 FROM pg_class c JOIN pg_type t "
	"ON t.oid = c.reloftype WHERE t.typrelid = $1",
	1, {OIDOID}
};

static PgmQuery read_query = {
	"WITH RECURSIVE v (oid) AS (SELECT $1 UNION SELECT d.refobjid FROM v "
	"JOIN pg_rewrite w ON w.ev_class = v.oid AND w.rulename = '_RETURN' "
	"JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass "
	"AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass "
	/* a materialized view has its rows: what it reads is not read for it */
	"JOIN pg_class c ON c.oid = v.oid AND (c.relkind = 'v' OR c.oid = $1)) "
	"SELECT v.oid::int8 FROM v JOIN pg_class c ON c.oid = v.oid "
	"AND c.relkind <> 'c' WHERE v.oid <> $1 ORDER BY 1",
	1, {OIDOID}
};

/* Temporary ones of other sessions are left alone by those who ask. */
static PgmQuery tables_query = {
	"SELECT oid::int8 FROM pg_class WHERE relkind IN ('r', 'm', 'p') "
	"AND relpersistence <> 't' AND oid >= 16384 "
	"AND ($1 = 0::oid OR relnamespace = $1) ORDER BY oid",
	1, {OIDOID}
};

static PgmQuery clustered_query = {
	"SELECT indrelid::int8 FROM pg_index WHERE indisclustered "
	"ORDER BY 1"
};

/*
 * A column goes without the rest of its table, hence the subobjects.  The
 * partitioned table of a dropped partition is changed too.
 */
static PgmQuery dependents_query = {
	"WITH RECURSIVE d (classid, objid, sub) AS (SELECT $1, $2, 0 UNION "
	"SELECT x.classid, x.objid, x.objsubid FROM d JOIN pg_depend x "
	"ON x.refclassid = d.classid AND x.refobjid = d.objid "
	"AND (d.sub = 0 OR x.refobjsubid = d.sub)), "
	"r (oid) AS ("
	"SELECT objid FROM d WHERE classid = 'pg_class'::regclass "
	"UNION SELECT a.adrelid FROM d JOIN pg_attrdef a ON a.oid = d.objid "
	"WHERE d.classid = 'pg_attrdef'::regclass "
	"UNION SELECT unnest(ARRAY[k.conrelid, k.confrelid]) FROM d "
	"JOIN pg_constraint k ON k.oid = d.objid "
	"WHERE d.classid = 'pg_constraint'::regclass "
	"UNION SELECT g.tgrelid FROM d JOIN pg_trigger g ON g.oid = d.objid "
	"WHERE d.classid = 'pg_trigger'::regclass AND NOT g.tgisinternal "
	"UNION SELECT w.ev_class FROM d JOIN pg_rewrite w ON w.oid = d.objid "
	"WHERE d.classid = 'pg_rewrite'::regclass "
	"UNION SELECT p.polrelid FROM d JOIN pg_policy p ON p.oid = d.objid "
	"WHERE d.classid = 'pg_policy'::regclass) "
	"SELECT c.oid::int8 FROM r JOIN pg_class c USING (oid) "
	"WHERE c.relnamespace <> 'pg_toast'::regnamespace UNION "
	"SELECT h.inhparent::int8 FROM r JOIN pg_class c USING (oid) "
	"JOIN pg_inherits h ON h.inhrelid = c.oid "
	"WHERE c.relispartition AND c.relkind IN ('r', 'p') ORDER BY 1",
	2, {OIDOID, OIDOID}
};

static List *
ask(PgmQuery *query, Oid first, Oid second)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(first);
	values[1] = ObjectIdGetDatum(second);
	return pgm_spi_oids(query, values);
}

List *
pgm_related_indexes(Oid relid)
{
	return ask(&indexes_query, relid, InvalidOid);
}

List *
pgm_related_parents(Oid relid)
{
	return ask(&parents_query, relid, InvalidOid);
}

List *
pgm_related_sequences(Oid relid)
{
	return ask(&sequences_query, relid, InvalidOid);
}

List *
pgm_related_neighbours(Oid relid)
{
	return ask(&neighbours_query, relid, InvalidOid);
}

List *
pgm_related_referencing(Oid relid)
{
	return ask(&referencing_query, relid, InvalidOid);
}

List *
pgm_related_checked(Oid relid, const List *columns, bool inserted)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = pgm_names_datum(columns);
	values[2] = BoolGetDatum(inserted);
	return pgm_spi_oids(&checked_query, values);
}

/* Those copies of this session on which statements are tried are nobody's. */
static List *
without_copies(List *relids)
{
	char	   *prefix = psprintf("%s%d_", PGM_TRIAL_SCHEMA, MyProcPid);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
	{
		const char *schema =
			get_namespace_name(get_rel_namespace(lfirst_oid(lc)));

		if (schema == NULL || strncmp(schema, prefix, strlen(prefix)) != 0)
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

List *
pgm_related_domain_tables(Oid domain)
{
	return without_copies(ask(&domain_tables_query, domain, InvalidOid));
}

bool
pgm_related_is_beside(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	const char *name = OidIsValid(schema) ? get_namespace_name(schema) : NULL;

	return name != NULL &&
		strncmp(name, PGM_ONLINE_SCHEMA, strlen(PGM_ONLINE_SCHEMA)) == 0 &&
		getExtensionOfObject(NamespaceRelationId,
							 schema) == pgm_extension_oid();
}

List *
pgm_related_typed(Oid relid)
{
	return ask(&typed_query, relid, InvalidOid);
}

List *
pgm_related_read(Oid relid)
{
	return ask(&read_query, relid, InvalidOid);
}

List *
pgm_related_tables(Oid schema)
{
	return ask(&tables_query, schema, InvalidOid);
}

List *
pgm_related_clustered(void)
{
	return ask(&clustered_query, InvalidOid, InvalidOid);
}

List *
pgm_related_dependents(Oid classid, Oid objid)
{
	List	   *relids = ask(&dependents_query, classid, objid);

	return classid == RelationRelationId ? relids : without_copies(relids);
}

bool
pgm_related_object(ObjectType kind, Node *name, Oid *classid, Oid *objid)
{
	Type		type;

	*objid = InvalidOid;
	switch (kind)
	{
		case OBJECT_SCHEMA:
			*classid = NamespaceRelationId;
			*objid = get_namespace_oid(strVal(name), true);
			break;
		case OBJECT_EXTENSION:
			*classid = ExtensionRelationId;
			*objid = get_extension_oid(strVal(name), true);
			break;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			*classid = TypeRelationId;
			type = LookupTypeName(NULL, castNode(TypeName, name), NULL, true);
			if (type != NULL)
			{
				*objid = typeTypeId(type);
				ReleaseSysCache(type);
			}
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			*classid = ProcedureRelationId;
			*objid = LookupFuncWithArgs(kind, castNode(ObjectWithArgs, name),
										true);
			break;
		default:
			break;
	}
	return OidIsValid(*objid);
}
