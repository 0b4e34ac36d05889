/*-------------------------------------------------------------------------
 *
 * about_views.c
 *	  Rules about views that a statement breaks or takes along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/spi_list.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

/*
 * The views "o" that need a column, and those that need these, with how far
 * they are from it.
 */
#define DEPENDENT_VIEWS \
	"WITH RECURSIVE v (oid, depth) AS (" \
	"SELECT w.ev_class, 1 FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid " \
	"JOIN pg_attribute a ON a.attrelid = d.refobjid " \
	"AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_rewrite'::regclass " \
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 " \
	"AND a.attname = $2 AND w.ev_class <> $1 " \
	"UNION SELECT w.ev_class, v.depth + 1 FROM v JOIN pg_depend d " \
	"ON d.refobjid = v.oid AND d.refclassid = 'pg_class'::regclass " \
	"AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite w " \
	"ON w.oid = d.objid WHERE w.ev_class <> v.oid AND v.depth < 32), " \
	"o AS (SELECT c.oid, d.depth, CASE WHEN c.relkind = 'm' " \
	"THEN 'MATERIALIZED VIEW ' ELSE 'VIEW ' END || c.oid::regclass AS name, " \
	"c.reloptions, c.relacl, c.relowner FROM (SELECT oid, max(depth) AS depth " \
	"FROM v GROUP BY oid) d JOIN pg_class c USING (oid)) "

static PgmQuery views_query = {
	DEPENDENT_VIEWS
	"SELECT name FROM o ORDER BY depth, oid",
	2, {OIDOID, TEXTOID}
};

/* What drops them, the last ones first. */
static PgmQuery drop_query = {
	DEPENDENT_VIEWS
	"SELECT string_agg('DROP ' || name || ';', E'\n' "
	"ORDER BY depth DESC, oid) || E'\n' || $3 || ';' FROM o",
	3, {OIDOID, TEXTOID, TEXTOID}
};

/* The same, the statement, and what makes them again. */
static PgmQuery remake_query = {
	DEPENDENT_VIEWS
	"SELECT string_agg('DROP ' || name || E';\n', '' ORDER BY depth DESC, oid) "
	"|| $3 || E';' || string_agg(E'\nCREATE ' || name "
	"|| coalesce(' WITH (' || array_to_string(reloptions, ', ') || ')', '') "
	"|| E' AS\n' || CASE WHEN name LIKE 'MATERIALIZED%' "
	"THEN rtrim(pg_get_viewdef(oid), ';') || E'\n  WITH NO DATA;' "
	"ELSE pg_get_viewdef(oid) END "
	"|| coalesce((SELECT string_agg(E'\n' || pg_get_indexdef(i.indexrelid) "
	"|| ';', '' ORDER BY i.indexrelid) FROM pg_index i "
	"WHERE i.indrelid = o.oid), '') "
	"|| CASE WHEN relowner = current_user::regrole THEN '' ELSE format("
	"E'\nALTER %s OWNER TO %s;', name, relowner::regrole) END "
	"|| coalesce((SELECT string_agg(format(E'\nGRANT %s ON %s TO %s%s;', "
	"a.privilege_type, o.oid::regclass, CASE WHEN a.grantee = 0 THEN 'PUBLIC' "
	"ELSE a.grantee::regrole::text END, CASE WHEN a.is_grantable "
	"THEN ' WITH GRANT OPTION' ELSE '' END), '' ORDER BY a.grantee, "
	"a.privilege_type) FROM aclexplode(o.relacl) a "
	"WHERE a.grantee <> o.relowner), ''), '' ORDER BY depth, oid) "
	"|| coalesce(E'\n-- in a later revision:' || string_agg("
	"E'\nREFRESH ' || name || ';', '' ORDER BY depth, oid) "
	"FILTER (WHERE name LIKE 'MATERIALIZED%'), '') FROM o",
	3, {OIDOID, TEXTOID, TEXTOID}
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

void
pgm_lint_views(PgmLint *lint, const char *column, bool stays)
{
	Datum		values[3] = {ObjectIdGetDatum(lint->effect->relid),
	pgm_text_datum(column), (Datum) 0};
	List	   *views;
	StringInfoData names;
	ListCell   *lc;

	/* statements before it may have dropped them */
	if (lint->verdict->tried && lint->verdict->sqlerrcode == 0)
		return;
	views = pgm_spi_texts(&views_query, values);
	if (views == NIL)
		return;
	initStringInfo(&names);
	foreach(lc, views)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	values[2] = pgm_text_datum(pgm_lint_statement_sql(lint));
	pgm_lint_add(lint, "dependent-object-blocks",
				 psprintf("column %s of %s is needed by %s",
						  quote_identifier(column), lint->name, names.data),
				 pgm_spi_one_text(stays ? &remake_query : &drop_query,
								  values));
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
