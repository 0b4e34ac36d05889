/*-------------------------------------------------------------------------
 *
 * about_views.c
 *	  Rules about views that a statement breaks or takes along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/spi_list.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

/*
 * The views "o" that need a column, and those that need these, with how far
 * they are from it, but for those of $3.
 */
#define DEPENDENT_VIEWS \
	"WITH RECURSIVE v (oid, depth) AS (" \
	"SELECT w.ev_class, 1 FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid " \
	"JOIN pg_attribute a ON a.attrelid = d.refobjid " \
	"AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_rewrite'::regclass " \
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 " \
	"AND a.attname = $2 AND w.ev_class <> $1 AND w.ev_class <> ALL ($3) " \
	"UNION SELECT w.ev_class, v.depth + 1 FROM v JOIN pg_depend d " \
	"ON d.refobjid = v.oid AND d.refclassid = 'pg_class'::regclass " \
	"AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite w " \
	"ON w.oid = d.objid WHERE w.ev_class <> v.oid AND v.depth < 32 " \
	"AND w.ev_class <> ALL ($3)), " \
	"o AS (SELECT c.oid, d.depth, CASE WHEN c.relkind = 'm' " \
	"THEN 'MATERIALIZED VIEW ' ELSE 'VIEW ' END || c.oid::regclass AS name, " \
	"c.reloptions, c.relacl, c.relowner FROM (SELECT oid, max(depth) AS depth " \
	"FROM v GROUP BY oid) d JOIN pg_class c USING (oid)) "

static PgmQuery views_query = {
	DEPENDENT_VIEWS
	"SELECT name FROM o ORDER BY depth, oid",
	3, {OIDOID, TEXTOID, OIDARRAYOID}
};

/* What drops them, the last ones first. */
static PgmQuery drop_query = {
	DEPENDENT_VIEWS
	"SELECT string_agg('DROP ' || name || ';', E'\n' "
	"ORDER BY depth DESC, oid) || E'\n' || $4 || ';' FROM o",
	4, {OIDOID, TEXTOID, OIDARRAYOID, TEXTOID}
};

/* Of a view "o" as SQL, each with a line feed before it. */
#define VIEW_INDEXES \
	"coalesce((SELECT string_agg(E'\n' || pg_get_indexdef(i.indexrelid) || ';' " \
	"|| coalesce(format(E'\nCOMMENT ON INDEX %s IS ', i.indexrelid::regclass) " \
	"|| quote_literal(obj_description(i.indexrelid, 'pg_class')) || ';', '') " \
	"|| CASE WHEN i.indisclustered THEN format(E'\nALTER %s CLUSTER ON %I;', " \
	"name, x.relname) ELSE '' END, '' ORDER BY i.indexrelid) FROM pg_index i " \
	"JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = o.oid), '') "
#define VIEW_COLUMNS \
	"coalesce((SELECT string_agg(concat(" \
	"format(E'\nALTER %s ALTER COLUMN %I SET STATISTICS ' " \
	"|| nullif(a.attstattarget, -1) || ';', name, a.attname), " \
	"format(E'\nALTER %s ALTER COLUMN %I SET STORAGE ' " \
	"|| CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage " \
	"WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' " \
	"ELSE 'MAIN' END END || ';', name, a.attname), " \
	"format(E'\nALTER %s ALTER COLUMN %I SET (' " \
	"|| (SELECT string_agg(o, ', ') FROM unnest(a.attoptions) AS o " \
	"WHERE o ~ '^n_distinct') || ');', name, a.attname)), '' " \
	"ORDER BY a.attnum) FROM pg_attribute a JOIN pg_type t " \
	"ON t.oid = a.atttypid WHERE a.attrelid = o.oid AND a.attnum > 0), '') "
#define VIEW_STATISTICS \
	"coalesce((SELECT string_agg(E'\n' || pg_get_statisticsobjdef(x.oid) " \
	"|| ';', '' ORDER BY x.oid) FROM pg_statistic_ext x " \
	"WHERE x.stxrelid = o.oid), '') "
#define VIEW_COMMENTS \
	"coalesce((SELECT string_agg(format(E'\nCOMMENT ON %s IS %L;', " \
	"coalesce('COLUMN ' || o.oid::regclass || '.' || quote_ident(a.attname), " \
	"name), " \
	"d.description), '' ORDER BY d.objsubid) FROM pg_description d " \
	"LEFT JOIN pg_attribute a ON a.attrelid = d.objoid " \
	"AND a.attnum = d.objsubid AND d.objsubid > 0 " \
	"WHERE d.classoid = 'pg_class'::regclass AND d.objoid = o.oid), '') "
#define VIEW_GRANTS \
	"coalesce((SELECT string_agg(format(E'\nGRANT %s%s ON %s TO %s%s;', " \
	"a.privilege_type, ' (' || quote_ident(g.attname) || ')', " \
	"o.oid::regclass, CASE WHEN a.grantee = 0 THEN 'PUBLIC' " \
	"ELSE a.grantee::regrole::text END, CASE WHEN a.is_grantable " \
	"THEN ' WITH GRANT OPTION' ELSE '' END), '' ORDER BY g.attnum NULLS FIRST, " \
	"a.grantee, a.privilege_type) FROM (SELECT o.relacl, NULL::name, 0 " \
	"UNION ALL SELECT attacl, attname, attnum FROM pg_attribute " \
	"WHERE attrelid = o.oid) AS g (acl, attname, attnum), aclexplode(g.acl) a " \
	"WHERE a.grantee <> o.relowner), '') "

/* The same, the statement, and what makes them again. */
static PgmQuery remake_query = {
	DEPENDENT_VIEWS
	"SELECT string_agg('DROP ' || name || E';\n', '' ORDER BY depth DESC, oid) "
	"|| $4 || E';' || string_agg(E'\nCREATE ' || name "
	"|| coalesce(' WITH (' || array_to_string(reloptions, ', ') || ')', '') "
	"|| E' AS\n' || CASE WHEN name LIKE 'MATERIALIZED%' "
	"THEN rtrim(pg_get_viewdef(oid), ';') || E'\n  WITH NO DATA;' "
	"ELSE pg_get_viewdef(oid) END || " VIEW_INDEXES "|| " VIEW_COLUMNS
	"|| " VIEW_STATISTICS "|| " VIEW_COMMENTS
	"|| CASE WHEN relowner = current_user::regrole THEN '' ELSE format("
	"E'\nALTER %s OWNER TO %s;', name, relowner::regrole) END "
	"|| " VIEW_GRANTS ", '' ORDER BY depth, oid) "
	"|| coalesce(E'\n-- in a later revision:' || string_agg("
	"E'\nREFRESH ' || name || ';', '' ORDER BY depth, oid) "
	"FILTER (WHERE name LIKE 'MATERIALIZED%'), '') FROM o",
	4, {OIDOID, TEXTOID, OIDARRAYOID, TEXTOID}
};

/* Is there one that is filled? */
static PgmQuery filled_query = {
	DEPENDENT_VIEWS
	"SELECT EXISTS (SELECT FROM o WHERE name LIKE 'MATERIALIZED%')",
	3, {OIDOID, TEXTOID, OIDARRAYOID}
};

/* Columns of a type, its arrays and domains, or of those of an extension. */
static PgmQuery columns_query = {
	"SELECT string_agg(format('ALTER TABLE %s DROP COLUMN %I;', $1::regclass, "
	"a.attname), E'\n' ORDER BY a.attnum) FROM pg_attribute a "
	"JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = $1 "
	"AND NOT a.attisdropped AND a.attnum > 0 AND ($2 IN (t.oid, t.typelem, "
	"t.typbasetype) OR EXISTS (SELECT FROM pg_depend d JOIN pg_extension e "
	"ON e.oid = d.refobjid WHERE d.refclassid = 'pg_extension'::regclass "
	"AND d.classid = 'pg_type'::regclass AND e.extname = $3 "
	"AND d.objid IN (t.oid, t.typelem, t.typbasetype)))",
	3, {OIDOID, OIDOID, TEXTOID}
};

/* Those that statements before this one of the same source drop. */
static List *
dropped_views(const PgmJudged *judged)
{
	List	   *result = NIL;

	for (int i = 0; i < judged->n; i++)
	{
		const DropStmt *stmt = (const DropStmt *)
			judged->source->statements[i].raw->stmt;
		ListCell   *lc;

		if (!IsA(stmt, DropStmt) || (stmt->removeType != OBJECT_VIEW &&
									 stmt->removeType != OBJECT_MATVIEW))
			continue;
		foreach(lc, stmt->objects)
		{
			List	   *name = lfirst_node(List, lc);
			Oid			relid =
				pgm_lookup_relation(makeRangeVarFromNameList(name));

			if (OidIsValid(relid))
				result = lappend_oid(result, relid);
		}
	}
	return result;
}

void
pgm_lint_views(PgmLint *lint, const char *column, bool stays)
{
	Datum		values[4] = {ObjectIdGetDatum(lint->effect->relid),
	pgm_text_datum(column)};
	List	   *views;
	StringInfoData names;
	ListCell   *lc;

	/* statements before it may have dropped them */
	if (lint->verdict->tried && lint->verdict->sqlerrcode == 0)
		return;
	values[2] = pgm_oid_array_datum(dropped_views(lint->judged));
	views = pgm_spi_texts(&views_query, values);
	if (views == NIL)
		return;
	initStringInfo(&names);
	foreach(lc, views)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	values[3] = pgm_text_datum(pgm_lint_statement_sql(lint));
	pgm_lint_add(lint, "dependent-object-blocks",
				 psprintf("column %s of %s is needed by %s",
						  quote_identifier(column), lint->name, names.data),
				 pgm_spi_one_text(stays ? &remake_query : &drop_query,
								  values));
}

char *
pgm_lint_without_views(Oid relid, const char *column, const char *statement)
{
	Datum		values[4] = {ObjectIdGetDatum(relid), pgm_text_datum(column),
	pgm_oid_array_datum(NIL), pgm_text_datum(statement)};

	return pgm_spi_one_bool(&filled_query, values) ?
		pgm_spi_one_text(&remake_query, values) : NULL;
}

static int
compare_oids(const ListCell *a, const ListCell *b)
{
	const PgmEffect *one = lfirst(a);
	const PgmEffect *other = lfirst(b);

	return one->relid < other->relid ? 1 : -1;
}

/* All views in one finding: what was made last is dropped first. */
static void
lint_dropped_views(PgmLint *lint, List *views)
{
	StringInfoData names;
	StringInfoData drops;
	ListCell   *lc;

	list_sort(views, compare_oids);
	initStringInfo(&names);
	initStringInfo(&drops);
	appendStringInfoString(&drops, "-- first, where it can be seen:");
	foreach(lc, views)
	{
		const PgmEffect *view = lfirst(lc);

		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 pgm_effect_name(view));
		appendStringInfo(&drops, "\nDROP %s %s;",
						 view->relkind == RELKIND_VIEW ? "VIEW" : "MATERIALIZED VIEW",
						 pgm_effect_name(view));
	}
	pgm_lint_add(lint, "drop-cascade",
				 psprintf("views that are dropped with it: %s", names.data),
				 drops.data);
}

void
pgm_lint_cascade(PgmLint *lint, const DropStmt *drop)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		bool		table = effect->relkind == RELKIND_RELATION ||
			effect->relkind == RELKIND_PARTITIONED_TABLE;

		if (effect->named || effect->created_here ||
			effect->mode != AccessExclusiveLock)
			continue;
		if (effect->relkind == RELKIND_VIEW ||
			effect->relkind == RELKIND_MATVIEW)
			views = lappend(views, effect);
		else if (table && drop != NULL)
		{
			Node	   *object = linitial(drop->objects);
			Datum		values[3] = {ObjectIdGetDatum(effect->relid),
				ObjectIdGetDatum(IsA(object, TypeName) ?
								 pgm_lint_type(castNode(TypeName, object)) :
								 InvalidOid),
			pgm_text_datum(IsA(object, String) ? strVal(object) : "")};

			(void) pgm_lint_find(lint->judged, "drop-cascade", effect,
								 psprintf("columns of %s are dropped with it", pgm_effect_name(effect)),
								 pgm_spi_one_text(&columns_query, values));
		}
	}
	if (views != NIL)
		lint_dropped_views(lint, views);
}
