/*-------------------------------------------------------------------------
 *
 * keep.c
 *	  What is dropped, and is to be kept for the way back.
 *
 * The statement itself is short.  What counts is how long it would take to
 * write again what it drops: a small table is dropped as it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "strategy/internal.h"

/*
 * $1: what is named, $2: all that goes.  What a dump would have of a table
 * that is part of an extension must not be there.
 */
static PgmQuery reason_query = {
	"SELECT r FROM (SELECT 1, 'it is a partition, or inherits from another "
	"table' WHERE EXISTS (SELECT FROM pg_inherits WHERE inhrelid = ANY ($1)) "
	"UNION ALL SELECT 2, 'it has row security' WHERE EXISTS (SELECT FROM "
	"pg_class WHERE oid = ANY ($2) AND relrowsecurity) OR EXISTS (SELECT "
	"FROM pg_policy WHERE polrelid = ANY ($2)) "
	"UNION ALL SELECT 3, 'it has security labels' WHERE EXISTS (SELECT FROM "
	"pg_seclabel WHERE classoid = 'pg_class'::regclass AND objoid = ANY ($2)) "
	"UNION ALL SELECT 4, 'it belongs to an extension' WHERE EXISTS (SELECT "
	"FROM pg_depend WHERE classid = 'pg_class'::regclass "
	"AND objid = ANY ($2) AND deptype = 'e') "
	"UNION ALL SELECT 5, 'it is not an ordinary table' WHERE EXISTS (SELECT "
	"FROM pg_class WHERE oid = ANY ($2) AND (relkind NOT IN ('r', 'p') "
	"OR relpersistence = 't')) "
	"UNION ALL SELECT 6, 'CASCADE drops more than can be kept' "
	"WHERE $3 AND EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'n' "
	"AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($2) "
	"OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT "
	"unnest(ARRAY[t.oid, t.typarray]) FROM pg_class c JOIN pg_type t "
	"ON t.oid = c.reltype WHERE c.oid = ANY ($2)) "
	"OR d.refclassid = 'pg_constraint'::regclass AND d.refobjid IN (SELECT "
	"k.oid FROM pg_constraint k WHERE k.conrelid = ANY ($2)) "
	"OR d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT "
	"s.objid FROM pg_depend s WHERE s.classid = 'pg_class'::regclass "
	"AND s.deptype IN ('a', 'i') AND s.refclassid = 'pg_class'::regclass "
	"AND s.refobjid = ANY ($2))) "
	"AND coalesce(CASE d.classid WHEN 'pg_class'::regclass THEN d.objid "
	"WHEN 'pg_constraint'::regclass THEN (SELECT k.conrelid "
	"FROM pg_constraint k WHERE k.oid = d.objid) "
	"WHEN 'pg_attrdef'::regclass THEN (SELECT a.adrelid FROM pg_attrdef a "
	"WHERE a.oid = d.objid) WHEN 'pg_trigger'::regclass THEN (SELECT "
	"t.tgrelid FROM pg_trigger t WHERE t.oid = d.objid) "
	"WHEN 'pg_rewrite'::regclass THEN (SELECT w.ev_class FROM pg_rewrite w "
	"WHERE w.oid = d.objid) END, 0) <> ALL ($2))"
	") AS u (n, r) ORDER BY n LIMIT 1",
	3, {OIDARRAYOID, OIDARRAYOID, BOOLOID}
};

/*
 * $1: the table, $2: its columns that go, $3: with CASCADE.  What a sequence
 * of the column has counted would be lost.
 */
static PgmQuery column_reason_query = {
	"SELECT r FROM (SELECT 1, 'it is not an ordinary table' WHERE EXISTS ("
	"SELECT FROM pg_class WHERE oid = $1 AND (relkind <> 'r' "
	"OR relispartition OR reloftype <> 0)) OR EXISTS (SELECT FROM pg_inherits "
	"WHERE inhrelid = $1 OR inhparent = $1) "
	"UNION ALL SELECT 2, 'the column is generated' WHERE EXISTS (SELECT "
	"FROM pg_attribute WHERE attrelid = $1 AND attname = ANY ($2) "
	"AND (attgenerated <> '' OR attidentity <> '')) "
	"UNION ALL SELECT 3, 'the column owns a sequence' WHERE EXISTS (SELECT "
	"FROM pg_depend d JOIN pg_class s ON s.oid = d.objid "
	"AND s.relkind = 'S' JOIN pg_attribute a ON a.attrelid = $1 "
	"AND a.attname = ANY ($2) AND a.attnum = d.refobjsubid "
	"WHERE d.classid = 'pg_class'::regclass "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1) "
	"UNION ALL SELECT 4, 'the table belongs to an extension' WHERE EXISTS ("
	"SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass "
	"AND objid = $1 AND deptype = 'e') "
	"UNION ALL SELECT 5, 'CASCADE drops more than can be kept' WHERE $3 "
	"AND EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a "
	"ON a.attrelid = $1 AND a.attname = ANY ($2) "
	"AND a.attnum = d.refobjsubid WHERE d.deptype = 'n' "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1) "
	"UNION ALL SELECT 6, 'CASCADE drops more than can be kept' WHERE $3 "
	"AND EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' "
	"AND k.confrelid = $1 AND k.conrelid <> $1) "
	"UNION ALL SELECT 7, 'the key of the replica identity goes along' "
	"WHERE EXISTS (SELECT FROM pg_index i JOIN pg_attribute a "
	"ON a.attrelid = $1 AND a.attname = ANY ($2) "
	"AND a.attnum = ANY (i.indkey) WHERE i.indrelid = $1 "
	"AND i.indisreplident) "
	"UNION ALL SELECT 8, 'the type of the column is made of row types, "
	"which may be altered while no column has them' WHERE EXISTS ("
	"WITH RECURSIVE r (type) AS (SELECT atttypid FROM pg_attribute "
	"WHERE attrelid = $1 AND attname = ANY ($2) UNION SELECT e.type "
	"FROM r JOIN pg_type t ON t.oid = r.type LEFT JOIN pg_range g "
	"ON r.type IN (g.rngtypid, g.rngmultitypid), LATERAL unnest(ARRAY["
	"t.typelem, t.typbasetype, g.rngsubtype]) AS e (type)) SELECT "
	"FROM r JOIN pg_type t ON t.oid = r.type AND t.typtype = 'c')"
	") AS u (n, r) ORDER BY n LIMIT 1",
	3, {OIDOID, TEXTARRAYOID, BOOLOID}
};

/*
 * What may be in a table, and cannot be dropped while it is kept.  Of a later
 * revision the server refuses it; of this one it would be strange.
 */
static bool
drops_parts(const PgmMaker *maker)
{
	for (int i = maker->n + 1; i < maker->source->nstatements; i++)
	{
		Node	   *stmt = maker->source->statements[i].raw->stmt;

		if (IsA(stmt, DropOwnedStmt))
			return true;
		if (!IsA(stmt, DropStmt))
			continue;
		switch (castNode(DropStmt, stmt)->removeType)
		{
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
			case OBJECT_FUNCTION:
			case OBJECT_ROUTINE:
			case OBJECT_SEQUENCE:
			case OBJECT_SCHEMA:
			case OBJECT_COLLATION:
			case OBJECT_OPERATOR:
			case OBJECT_OPCLASS:
			case OBJECT_OPFAMILY:
			case OBJECT_AGGREGATE:
			case OBJECT_TSCONFIGURATION:
			case OBJECT_TSDICTIONARY:
			case OBJECT_EXTENSION:
			case OBJECT_ACCESS_METHOD:
				return true;
			default:
				break;
		}
	}
	return false;
}

static void
not_kept(PgmMaker *maker, const char *why)
{
	pgm_strategy_stay_plain(maker, psprintf("what it drops cannot be kept: %s",
											why));
}

void
pgm_strategy_keep_tables(PgmMaker *maker)
{
	DropStmt   *stmt = castNode(DropStmt, maker->stmt);
	List	   *named = NIL;
	List	   *all = NIL;
	List	   *reasons;
	Datum		values[3];
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		Oid			relid =
			pgm_lookup_relation(makeRangeVarFromNameList(lfirst(lc)));

		if (!OidIsValid(relid))
			continue;
		named = lappend_oid(named, relid);
		all = list_append_unique_oid(all, relid);
		all = list_concat_unique_oid(all, pgm_descendants(relid));
		pgm_strategy_add_work(maker, relid, PGM_WORK_REWRITE);
	}
	values[0] = pgm_oid_array_datum(named);
	values[1] = pgm_oid_array_datum(all);
	values[2] = BoolGetDatum(stmt->behavior == DROP_CASCADE);
	reasons = pgm_spi_texts(&reason_query, values);
	if (drops_parts(maker))
		not_kept(maker, "a later statement of the revision drops what the table may be made of");
	else if (reasons != NIL)
		not_kept(maker, linitial(reasons));
	else
	{
		maker->strategy->kind = PGM_STRATEGY_KEEP;
		maker->strategy->name = "drop table, keep its rows";
		maker->strategy->method = PGM_METHOD_IN_PLACE;
	}
}

/* Do all its subcommands drop columns that are there? */
static bool
drops_columns(const PgmMaker *maker, char **names)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt, maker->stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype != AT_DropColumn ||
			get_attnum(maker->relid, cmd->name) <= 0)
			return false;
		names[n++] = cmd->name;
	}
	return true;
}

/* True if it is said how: so, or as it is written. */
bool
pgm_strategy_keep_columns(PgmMaker *maker)
{
	List	   *cmds = castNode(AlterTableStmt, maker->stmt)->cmds;
	char	  **names = palloc(sizeof(char *) * list_length(cmds));
	bool		cascade = false;
	List	   *reasons;
	Datum		values[3];
	ListCell   *lc;

	if (!drops_columns(maker, names))
		return false;
	foreach(lc, cmds)
		cascade |= lfirst_node(AlterTableCmd, lc)->behavior == DROP_CASCADE;
	values[0] = ObjectIdGetDatum(maker->relid);
	values[1] = pgm_text_array_datum(list_length(cmds), names);
	values[2] = BoolGetDatum(cascade);
	reasons = pgm_spi_texts(&column_reason_query, values);
	pgm_strategy_add_work(maker, maker->relid, PGM_WORK_REWRITE);
	if (drops_parts(maker))
		not_kept(maker, "a later statement of the revision drops what the column may be made of");
	else if (reasons != NIL)
		not_kept(maker, linitial(reasons));
	else
	{
		maker->strategy->kind = PGM_STRATEGY_KEEP;
		maker->strategy->name = "drop column, keep its values";
		maker->strategy->method = PGM_METHOD_IN_PLACE;
	}
	return true;
}
