/*-------------------------------------------------------------------------
 *
 * foreign_dependencies.c
 *	  Code of other roles that objects reach, as the catalog has it.
 *
 * A relation reaches what its columns, defaults, constraints, indexes, rules,
 * policies, triggers and statistics depend on, and so what its partitions and
 * the relations that its rules or its view read do, and the keys of what it is
 * a partition of; a type what it is made of and what checks it.  What a
 * function calls is its owner's business, and triggers are not fired.
 *
 * Nothing is evaluated: not even a type cache is asked, as it plans the CHECKs
 * of a domain.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"

#include "base/spi.h"
#include "classify/foreign_dependencies.h"
#include "classify/verdict.h"

/* $1 and $2 the objects, $3 the roles as which they would be used. */
static PgmQuery strange_query = {
	"WITH RECURSIVE r (n, role, classid, objid) AS ("
	"SELECT u.n, u.role, u.classid, u.objid "
	"FROM unnest($1, $2, $3) WITH ORDINALITY AS u (classid, objid, role, n) "
	"UNION SELECT r.n, r.role, e.classid, e.objid FROM r, LATERAL ("
	/* what it refers to */
	"SELECT d.refclassid AS classid, d.refobjid AS objid FROM pg_depend d "
	"WHERE d.classid = r.classid AND d.objid = r.objid "
	"AND r.classid <> 'pg_proc'::regclass AND d.refobjid >= 16384 "
	"AND (d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass, "
	"'pg_operator'::regclass) OR d.refclassid = 'pg_class'::regclass "
	"AND r.classid IN ('pg_type'::regclass, 'pg_rewrite'::regclass)) "
	"AND NOT (r.classid = 'pg_trigger'::regclass "
	"AND d.refclassid = 'pg_proc'::regclass AND EXISTS (SELECT "
	"FROM pg_trigger g WHERE g.oid = r.objid AND g.tgfoid = d.refobjid)) "
	"UNION ALL "				/* what is read with it */
	"SELECT 'pg_class'::regclass, i.inhrelid FROM pg_inherits i "
	"WHERE r.classid = 'pg_class'::regclass AND i.inhparent = r.objid "
	"UNION ALL "				/* the keys that its bound is about */
	"SELECT d.refclassid, d.refobjid FROM "
	"pg_partition_ancestors(CASE WHEN r.classid = 'pg_class'::regclass "
	"THEN r.objid END) AS p JOIN pg_depend d ON d.objid = p.relid "
	"AND d.classid = 'pg_class'::regclass AND d.objsubid = 0 "
	"WHERE d.refobjid >= 16384 AND d.refclassid IN ('pg_proc'::regclass, "
	"'pg_type'::regclass, 'pg_operator'::regclass) "
	"UNION ALL "				/* what is a part of it */
	"SELECT d.classid, d.objid FROM pg_depend d "
	"WHERE d.refclassid = r.classid AND d.refobjid = r.objid "
	"AND d.deptype IN ('a', 'i') AND CASE r.classid "
	"WHEN 'pg_class'::regclass THEN d.classid IN ('pg_attrdef'::regclass, "
	"'pg_constraint'::regclass, 'pg_policy'::regclass, "
	"'pg_rewrite'::regclass, 'pg_statistic_ext'::regclass, "
	"'pg_trigger'::regclass) OR d.classid = 'pg_class'::regclass "
	"AND EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = d.objid) "
	"WHEN 'pg_constraint'::regclass THEN d.classid = 'pg_class'::regclass "
	"WHEN 'pg_type'::regclass THEN d.classid = 'pg_constraint'::regclass "
	"OR d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c "
	"WHERE c.oid = d.objid AND c.relkind = 'c') END) AS e) "
	"SELECT r.n, (SELECT u.objid FROM unnest($2) WITH ORDINALITY "
	"AS u (objid, n) WHERE u.n = r.n)::int8, "
	"pg_describe_object(r.classid, r.objid, 0) "
	"FROM r JOIN LATERAL ("
	"SELECT proowner FROM pg_proc WHERE oid = r.objid "
	"AND r.classid = 'pg_proc'::regclass UNION ALL "
	"SELECT typowner FROM pg_type WHERE oid = r.objid "
	"AND r.classid = 'pg_type'::regclass UNION ALL "
	"SELECT oprowner FROM pg_operator WHERE oid = r.objid "
	"AND r.classid = 'pg_operator'::regclass) AS o (owner) ON true "
	"WHERE r.objid >= 16384 AND o.owner <> r.role AND NOT EXISTS (SELECT "
	"FROM pg_roles u WHERE u.oid = o.owner AND u.rolsuper) "
	"ORDER BY r.n, r.classid, r.objid",
	3, {OIDARRAYOID, OIDARRAYOID, OIDARRAYOID}
};

char *
pgm_strange_object(List *classids, List *objids, Oid role)
{
	PgmSpiScope scope;
	Datum		values[3];
	List	   *roles = NIL;
	char	   *result = NULL;

	if (objids == NIL)
		return NULL;
	for (int i = 0; i < list_length(objids); i++)
		roles = lappend_oid(roles, role);
	values[0] = pgm_oid_array_datum(classids);
	values[1] = pgm_oid_array_datum(objids);
	values[2] = pgm_oid_array_datum(roles);
	pgm_spi_begin(&scope);
	pgm_spi_prefer_index();
	if (pgm_spi_execute(&strange_query, values, NULL) > 0)
		result = pgm_spi_text(1, 3);
	pgm_spi_end(&scope);
	return result;
}

List *
pgm_strange_relations(List *relids)
{
	PgmSpiScope scope;
	Datum		values[3];
	List	   *classids = NIL;
	List	   *owners = NIL;
	List	   *result = NIL;
	uint64		nrows;
	Oid		   *found;
	ListCell   *lc;

	if (relids == NIL)
		return NIL;
	foreach(lc, relids)
	{
		classids = lappend_oid(classids, RelationRelationId);
		owners = lappend_oid(owners, pgm_relation_owner(lfirst_oid(lc)));
	}
	values[0] = pgm_oid_array_datum(classids);
	values[1] = pgm_oid_array_datum(relids);
	values[2] = pgm_oid_array_datum(owners);
	pgm_spi_begin(&scope);
	pgm_spi_prefer_index();
	nrows = pgm_spi_execute(&strange_query, values, NULL);
	found = MemoryContextAlloc(scope.outer, sizeof(Oid) * Max(nrows, 1));
	for (uint64 i = 0; i < nrows; i++)
		found[i] = (Oid) pgm_spi_int64(i + 1, 2);
	pgm_spi_end(&scope);
	for (uint64 i = 0; i < nrows; i++)
		result = list_append_unique_oid(result, found[i]);
	return result;
}
