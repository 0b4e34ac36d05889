/*-------------------------------------------------------------------------
 *
 * relations.c
 *	  Tables, views, sequences and what belongs to them, for the model.
 *
 * What the server makes of something else by itself, and a dump does not
 * have, is left out: the foreign keys and triggers that partitions inherit,
 * the rules of views, TOAST tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "compat/catalog.h"
#include "compat/not_null.h"
#include "schema/internal.h"

/* c is the relation, n its schema. */
#define RELATIONS \
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
	"AND n.nspname = ANY ($1) "
#define NOT_MEMBER "AND c.oid NOT IN " PGM_MEMBERS("pg_class") " "
#define NAME PGM_NAMED("n.nspname", "c.relname")
#define OF_TABLE NAME " AS \".table\""
#define ON_TABLE(name) "quote_ident(" name ") || ' on ' || " NAME


#define PERSISTENCE \
	"CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence"

/* 2 is heap */
#define ACCESS_METHOD \
	"CASE WHEN c.relam NOT IN (0, 2) THEN (SELECT m.amname::text FROM pg_am m " \
	"WHERE m.oid = c.relam) END AS \"access method\""
#define TABLESPACE(relation) \
	"CASE WHEN " relation ".reltablespace <> 0 THEN " \
	"(SELECT s.spcname::text FROM pg_tablespace s " \
	"WHERE s.oid = " relation ".reltablespace) END AS tablespace"
#define INHERITED(prefix) \
	"CASE WHEN " prefix "inhcount > 0 THEN " \
	"CASE WHEN " prefix "islocal THEN 'and local' ELSE 'yes' END END " \
	"AS inherited"
/*
 * NOT NULL of a partition, a constraint since 18: ATTACH PARTITION, and so a
 * dump, makes it inherited only, a primary key USING INDEX local again.
 */
#define INHERITED_CONSTRAINT \
	"CASE WHEN k.contype = 'n' AND c.relispartition AND k.coninhcount > 0 " \
	"THEN 'yes' " \
	"WHEN k.coninhcount > 0 THEN " \
	"CASE WHEN k.conislocal THEN 'and local' ELSE 'yes' END END " \
	"AS inherited"
/* that of an index which was dropped acts as none */
#define REPLICA_IDENTITY \
	"CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' " \
	"WHEN 'i' THEN CASE WHEN EXISTS (SELECT FROM pg_index r " \
	"WHERE r.indrelid = c.oid AND r.indisreplident) THEN 'index' " \
	"ELSE 'nothing' END END"
#define ENABLED(state) \
	"CASE " state " WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' " \
	"WHEN 'A' THEN 'always' END AS enabled"

/*
 * The minor releases of November 2026 keep a version of the column there that
 * is of no schema; usually it is all there is.
 */
#define VERSION_OPTION "LIKE 'pg\\_attver=%'"
#define COLUMN_OPTIONS \
	"CASE WHEN a.attoptions IS NOT NULL AND (a.attoptions[2] IS NOT NULL " \
	"OR a.attoptions[1] NOT " VERSION_OPTION ") THEN " \
	"(SELECT string_agg(o, ', ' ORDER BY o COLLATE \"C\") " \
	"FROM unnest(a.attoptions) AS u (o) WHERE o NOT " VERSION_OPTION ") END"

/*
 * Of s: the columns are in the order that the table happens to have, and the
 * server writes expressions here with fewer parentheses than elsewhere, which
 * the forms that survive a dump are not told by.
 */
#define STATISTICS_DEFINITION \
	"replace(pg_get_statisticsobjdef(s.oid), " \
	"' ON ' || pg_get_statisticsobjdef_columns(s.oid) || ' FROM ', " \
	"' ON ' || concat_ws(', ', (SELECT string_agg(quote_ident(a.attname), ', ' " \
	"ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = s.stxrelid " \
	"AND a.attnum = ANY (s.stxkeys::int2[])), " \
	"(SELECT string_agg('(' || e.text || ')', ', ' ORDER BY e.n) " \
	"FROM unnest(pg_get_statisticsobjdef_expressions(s.oid)) " \
	"WITH ORDINALITY AS e (text, n))) || ' FROM ')"

static PgmQuery queries[] = {
	{"SELECT " PGM_ADDRESS("c") ", "
		"CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, "
		NAME ", " PERSISTENCE ", " PGM_COLUMN_ORDER("c.oid") " AS \"column order\", "
		"CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END "
		"AS \"partition key\", "
		"h.parents AS inherits, k.keys AS \".keys from above\", "
		"CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) "
		"END AS \"partition bound\", "
		"CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END "
		"AS \"of type\", "
		ACCESS_METHOD ", " TABLESPACE("c") ", "
		PGM_OPTIONS("c.reloptions") " AS options, "
		PGM_OPTIONS("o.reloptions") " AS \"toast options\", "
		PGM_YES("c.relrowsecurity") " AS \"row security\", "
		PGM_YES("c.relforcerowsecurity") " AS \"forced row security\", "
		REPLICA_IDENTITY " AS \"replica identity\", "
		"s.srvname::text AS server, "
		PGM_OPTIONS("f.ftoptions") " AS \"server options\", "
		PGM_OPTION_LIST("f.ftoptions") " AS \".options\", "
		PGM_OWNER("c.relowner") ", " PGM_GRANTS("r", "c.relacl", "c.relowner") ", "
		PGM_COMMENT " " RELATIONS
		"LEFT JOIN pg_class o ON o.oid = c.reltoastrelid "
		"LEFT JOIN (SELECT i.inhrelid, string_agg(i.inhparent::regclass::text, "
		"', ' ORDER BY i.inhseqno) FROM pg_inherits i GROUP BY i.inhrelid) "
		"AS h (child, parents) ON h.child = c.oid "
		/* those that a partition keeps when it is detached */
		"LEFT JOIN (SELECT k.conrelid, string_agg(quote_ident(k.conname) || "
		"', ' || pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname) "
		"FROM pg_constraint k JOIN pg_constraint p ON p.oid = k.conparentid "
		"WHERE k.contype = 'f' AND p.conrelid <> k.conrelid "
		"GROUP BY k.conrelid) AS k (child, keys) ON k.child = c.oid "
		"LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid "
		"LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver "
		PGM_JOIN_COMMENT("pg_class", "c.oid")
		"WHERE c.relkind IN ('r', 'p', 'f') " NOT_MEMBER,
	1, {TEXTARRAYOID}},

	/* names are quoted once for each table, not for each of its columns */
	{"SELECT " "c.tableoid::int8, c.oid::int8, a.attnum::int4, "
		"'column', c.name || '.' || quote_ident(a.attname), "
		"format_type(a.atttypid, a.atttypmod) AS type, "
		"CASE WHEN a.attcollation <> t.typcollation "
		"THEN a.attcollation::regcollation::text END AS collation, "
		PGM_SQL_NOT_NULL " AS \"not null\", "
		"CASE a.attgenerated WHEN '' THEN pg_get_expr(x.adbin, x.adrelid) END "
		"AS \"default\", "
		"CASE WHEN a.attgenerated <> '' THEN pg_get_expr(x.adbin, x.adrelid) END "
		"AS \"generated as\", "
		"CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END "
		"AS generated, "
		"CASE " PGM_SQL_ATTIDENTITY " WHEN 'a' THEN 'always' "
		"WHEN 'd' THEN 'by default' END AS identity, "
		"CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END "
		"AS storage, "
		"nullif(" PGM_SQL_ATTCOMPRESSION ", '')::text AS compression, "
		"nullif(a.attstattarget, -1)::text AS \"statistics target\", "
		COLUMN_OPTIONS " AS options, "
		PGM_OPTIONS("a.attfdwoptions") " AS \"server options\", "
		PGM_OPTION_LIST("a.attfdwoptions") " AS \".options\", "
		INHERITED("a.att") ", " PGM_GRANTS("c", "a.attacl", "c.relowner") ", "
		PGM_COMMENT ", c.name AS \".table\", "
		"CASE t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' "
		"WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END AS \".storage\" "
		"FROM (SELECT c.tableoid, c.oid, c.relowner, c.relispartition, "
		NAME " AS name " RELATIONS
		"WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') " NOT_MEMBER
		"OFFSET 0) AS c "
		"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
		"AND NOT a.attisdropped "
		"AND " PGM_NO_DOUBLE("a.attrelid", "a.attname")
		"JOIN pg_type t ON t.oid = a.atttypid "
		"LEFT JOIN pg_attrdef x ON x.adrelid = c.oid AND x.adnum = a.attnum "
		"LEFT JOIN pg_description d ON d.objoid = c.oid "
		"AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum ",
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("i") ", "
		"'index', " PGM_NAMED("n.nspname", "i.relname") ", "
		"pg_get_indexdef(i.oid) AS definition, " TABLESPACE("i") ", "
		"CASE WHEN NOT x.indisvalid THEN 'no' END AS valid, "
		PGM_YES("x.indisclustered") " AS clustered, "
		PGM_YES("x.indisreplident") " AS \"replica identity\", "
		"p.inhparent::regclass::text AS parent, "
		"s.targets AS \"statistics targets\", " PGM_DEPENDS ", "
		PGM_COMMENT ", " OF_TABLE ", "
		PGM_OPTIONS("i.reloptions") " AS \".storage options\" " RELATIONS
		"JOIN pg_index x ON x.indrelid = c.oid "
		"JOIN pg_class i ON i.oid = x.indexrelid "
		"LEFT JOIN pg_inherits p ON p.inhrelid = i.oid "
		"LEFT JOIN (SELECT a.attrelid, string_agg(a.attnum || ': ' || "
		"a.attstattarget, ', ' ORDER BY a.attnum) FROM pg_attribute a "
		"WHERE a.attnum > 0 AND a.attstattarget >= 0 GROUP BY a.attrelid) "
		"AS s (id, targets) ON s.id = i.oid "
		PGM_JOIN_COMMENT("pg_class", "i.oid")
		PGM_JOIN_EXTENSIONS("pg_class", "i.oid")
		"WHERE c.relkind IN ('r', 'p', 'm') "
		"AND " PGM_NO_DOUBLE("x.indrelid", "i.relname") NOT_MEMBER,
	1, {TEXTARRAYOID}},

	/* constraint triggers are triggers; internal ones are told if disabled */
	{"SELECT " PGM_ADDRESS("k") ", "
		"'constraint', " ON_TABLE("k.conname") ", "
		"pg_get_constraintdef(k.oid) AS definition, " INHERITED_CONSTRAINT ", "
		"t.disabled AS triggers, " PGM_COMMENT ", " OF_TABLE " " RELATIONS
		"JOIN pg_constraint k ON k.conrelid = c.oid "
		"LEFT JOIN (SELECT g.tgconstraint, string_agg(format('%s %s %s', "
		"g.tgrelid::regclass, g.tgfoid::regproc, g.tgenabled), ', ' "
		"ORDER BY g.tgrelid::regclass::text COLLATE \"C\", "
		"g.tgfoid::regproc::text COLLATE \"C\") "
		"FROM pg_trigger g WHERE g.tgisinternal AND g.tgenabled <> 'O' "
		"GROUP BY g.tgconstraint) AS t (id, disabled) ON t.id = k.oid "
		PGM_JOIN_COMMENT("pg_constraint", "k.oid")
		"WHERE k.contype <> 't' AND NOT (k.contype = 'f' AND k.conparentid <> 0) "
		"AND " PGM_NO_DOUBLE("k.conrelid", "ltrim(k.conname, '~')") NOT_MEMBER,
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("c") ", "
		"'sequence', " NAME ", " PERSISTENCE ", "
		"format_type(q.seqtypid, NULL) AS type, "
		"q.seqstart::text AS start, q.seqincrement::text AS increment, "
		"q.seqmin::text AS minimum, q.seqmax::text AS maximum, "
		"q.seqcache::text AS cache, " PGM_YES("q.seqcycle") " AS cycle, "
		"o.refobjid::regclass::text || '.' || quote_ident(a.attname) "
		"AS \"owned by\", o.refobjid::regclass::text AS \".of\", "
		PGM_YES("o.deptype = 'i'") " AS \".identity\", "
		PGM_OWNER("c.relowner") ", "
		PGM_GRANTS("s", "c.relacl", "c.relowner") ", " PGM_COMMENT " " RELATIONS
		"JOIN pg_sequence q ON q.seqrelid = c.oid "
		"LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass "
		"AND o.objid = c.oid AND o.objsubid = 0 AND o.deptype IN ('a', 'i') "
		"AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0 "
		"LEFT JOIN pg_attribute a ON a.attrelid = o.refobjid "
		"AND a.attnum = o.refobjsubid "
		PGM_JOIN_COMMENT("pg_class", "c.oid")
		"WHERE c.relkind = 'S' " NOT_MEMBER,
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("c") ", "
		"CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, "
		NAME ", " PERSISTENCE ", " PGM_COLUMN_ORDER("c.oid") " AS \"column order\", "
		"CASE WHEN c.oid <> ALL ($2) THEN pg_get_viewdef(c.oid) END AS definition, "
		ACCESS_METHOD ", " TABLESPACE("c") ", "
		PGM_OPTIONS("c.reloptions") " AS options, "
		PGM_OPTIONS("o.reloptions") " AS \"toast options\", "
		"CASE WHEN c.relkind = 'm' THEN " REPLICA_IDENTITY " END "
		"AS \"replica identity\", "
		PGM_OWNER("c.relowner") ", " PGM_GRANTS("r", "c.relacl", "c.relowner") ", "
		PGM_DEPENDS ", " PGM_COMMENT " " RELATIONS
		"LEFT JOIN pg_class o ON o.oid = c.reltoastrelid "
		PGM_JOIN_COMMENT("pg_class", "c.oid")
		PGM_JOIN_EXTENSIONS("pg_class", "c.oid")
		"WHERE c.relkind IN ('v', 'm') " NOT_MEMBER,
	2, {TEXTARRAYOID, OIDARRAYOID}},

	{"SELECT " PGM_ADDRESS("t") ", "
		"'trigger', " ON_TABLE("t.tgname") ", "
		"pg_get_triggerdef(t.oid) AS definition, " ENABLED("t.tgenabled") ", "
		PGM_DEPENDS ", " PGM_COMMENT ", "
		PGM_YES("p.oid IS NOT NULL") " AS \".inherited\", "
		OF_TABLE " " RELATIONS
		"JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal "
		"LEFT JOIN pg_trigger p ON p.oid = t.tgparentid "
		PGM_JOIN_COMMENT("pg_trigger", "t.oid")
		PGM_JOIN_EXTENSIONS("pg_trigger", "t.oid")
		"WHERE (p.oid IS NULL OR p.tgenabled <> t.tgenabled) "
		NOT_MEMBER,
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("w") ", "
		"'rule', " ON_TABLE("w.rulename") ", "
		"CASE WHEN w.oid <> ALL ($2) THEN pg_get_ruledef(w.oid) END AS definition, " ENABLED("w.ev_enabled") ", "
		PGM_COMMENT ", " OF_TABLE " " RELATIONS
		"JOIN pg_rewrite w ON w.ev_class = c.oid AND w.rulename <> '_RETURN' "
		PGM_JOIN_COMMENT("pg_rewrite", "w.oid")
		"WHERE true " NOT_MEMBER,
	2, {TEXTARRAYOID, OIDARRAYOID}},

	{"SELECT " PGM_ADDRESS("p") ", "
		"'policy', " ON_TABLE("p.polname") ", "
		"CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' "
		"WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' END AS command, "
		"CASE WHEN NOT p.polpermissive THEN 'yes' END AS restrictive, "
		"(SELECT string_agg(r, ', ' ORDER BY r COLLATE \"C\") FROM "
		"(SELECT CASE u WHEN 0 THEN 'PUBLIC' ELSE u::regrole::text END "
		"FROM unnest(p.polroles) AS i (u)) AS j (r)) AS roles, "
		"pg_get_expr(p.polqual, p.polrelid) AS using, "
		"pg_get_expr(p.polwithcheck, p.polrelid) AS check, "
		PGM_COMMENT ", " OF_TABLE " " RELATIONS
		"JOIN pg_policy p ON p.polrelid = c.oid "
		PGM_JOIN_COMMENT("pg_policy", "p.oid")
		"WHERE true " NOT_MEMBER,
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("s") ", "
		"'statistics', " PGM_NAMED("n.nspname", "s.stxname") ", "
		STATISTICS_DEFINITION " AS definition, "
		"nullif(s.stxstattarget, -1)::text AS \"statistics target\", "
		PGM_OWNER("s.stxowner") ", " PGM_COMMENT ", "
		"s.stxrelid::regclass::text AS \".of\" "
		"FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace "
		"AND n.nspname = ANY ($1) "
		PGM_JOIN_COMMENT("pg_statistic_ext", "s.oid")
		"WHERE s.oid NOT IN " PGM_MEMBERS("pg_statistic_ext"),
	1, {TEXTARRAYOID}},
};

PgmQuery *
pgm_schema_relation_queries(int *n)
{
	*n = lengthof(queries);
	return queries;
}
