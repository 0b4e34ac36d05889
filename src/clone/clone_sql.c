/*-------------------------------------------------------------------------
 *
 * clone_sql.c
 *	  The commands that make an empty copy of a table.
 *
 * Each phase is one query over the catalog for all tables together.  Clones
 * are written under their own names, what the server's own functions deparse
 * under the live ones: clone.c points those to the clones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "clone/clone_sql.h"


/* $1 the tables, $2 the prefix of the clone schemas. */
#define RELATIONS \
	"WITH rel AS (SELECT c.*, u.n, " \
	"format('%I.%I', $2 || c.relnamespace, c.relname) AS clone, " \
	"format('%I.%I', s.nspname, c.relname) AS live " \
	"FROM unnest($1) WITH ORDINALITY AS u (oid, n) " \
	"JOIN pg_class c ON c.oid = u.oid " \
	"JOIN pg_namespace s ON s.oid = c.relnamespace) " \
	"SELECT relid::int8, owner::int8, command FROM ("

/*
 * Can the planner run code of the owner of "o" for a query on it?  Other code,
 * as in defaults and triggers, is run by a change of rows only.
 */
#define HAS_CODE \
	"(EXISTS (SELECT FROM pg_index i WHERE i.indrelid = o.oid " \
	"AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)) " \
	"OR EXISTS (SELECT FROM pg_constraint x WHERE x.conrelid = o.oid " \
	"AND x.contype = 'c') " \
	"OR EXISTS (SELECT FROM pg_statistic_ext x WHERE x.stxrelid = o.oid) " \
	"OR EXISTS (SELECT FROM pg_policy x WHERE x.polrelid = o.oid) " \
	"OR EXISTS (SELECT FROM pg_partitioned_table x WHERE x.partrelid = o.oid " \
	"AND x.partexprs IS NOT NULL))"

#define ORDERED ") AS t (relid, owner, n, sub, command) ORDER BY n, sub"

static PgmQuery phase_queries[PGM_CLONE_NPHASES] = {
	[PGM_CLONE_TABLES] = {
		RELATIONS
		"SELECT oid, relowner, n, 0, CASE WHEN relkind = 'S' "
		"THEN format('CREATE SEQUENCE %s', clone) "
		"ELSE format('CREATE %sTABLE %s (LIKE %s INCLUDING DEFAULTS "
		"INCLUDING GENERATED INCLUDING IDENTITY INCLUDING STORAGE "
		"INCLUDING STATISTICS)%s%s', "
		"CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, "
		"clone, live, "
		"CASE WHEN relkind = 'p' THEN ' PARTITION BY ' || "
		"pg_get_partkeydef(oid) ELSE '' END, "
		"(SELECT format(' USING %I', amname) FROM pg_am a "
		"WHERE a.oid = relam AND relkind = 'r')) END "
		"FROM rel WHERE relkind IN ('r', 'p', 'S') "
		"UNION ALL "			/* sequences of serial columns */
		"SELECT r.oid, r.relowner, r.n, d.refobjsubid, "
		"format('CREATE SEQUENCE %I.%I OWNED BY %s.%I; "
		"ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT nextval(%L)', "
		"$2 || q.relnamespace, q.relname, r.clone, a.attname, "
		"r.clone, a.attname, "
		"format('%I.%I', $2 || q.relnamespace, q.relname)) "
		"FROM rel r JOIN pg_depend d ON d.refobjid = r.oid "
		"AND d.refclassid = 'pg_class'::regclass "
		"AND d.classid = 'pg_class'::regclass AND d.deptype = 'a' "
		"AND d.refobjsubid > 0 "
		"JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' "
		"AND q.relnamespace = r.relnamespace "
		"JOIN pg_attribute a ON a.attrelid = r.oid "
		"AND a.attnum = d.refobjsubid AND a.atthasdef "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
	[PGM_CLONE_INDEXES] = {
		RELATIONS
		"SELECT r.oid, r.relowner, r.n, i.indexrelid::int8, "
		"pg_get_indexdef(i.indexrelid) "
		"FROM rel r JOIN pg_index i ON i.indrelid = r.oid "
		"WHERE (r.relkind = 'r' OR r.relkind = 'p' AND i.indisvalid) "
		"AND NOT EXISTS (SELECT FROM pg_constraint k "
		"WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, k.conindid::int8, "
		"format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', r.clone, "
		"k.conname, pg_get_constraintdef(k.oid)) "
		"FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid "
		"WHERE k.contype IN ('p', 'u', 'x') "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
	[PGM_CLONE_LINKS] = {
		RELATIONS
		"SELECT r.oid, r.relowner, r.n, h.inhseqno, "
		"CASE WHEN r.relispartition THEN "
		"format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', p.clone, "
		"r.clone, pg_get_expr(r.relpartbound, r.oid)) "
		"ELSE format('ALTER TABLE ONLY %s INHERIT %s', r.clone, p.clone) END "
		"FROM rel r JOIN pg_inherits h ON h.inhrelid = r.oid "
		"JOIN rel p ON p.oid = h.inhparent "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, 0, format('ALTER TABLE %s OF %s', "
		"r.clone, format_type(r.reloftype, NULL)) "
		"FROM rel r WHERE r.reloftype <> 0 "
		"UNION ALL "			/* a link would complete them */
		"SELECT r.oid, r.relowner, 1000000 + r.n, i.indexrelid::int8, "
		"pg_get_indexdef(i.indexrelid) FROM rel r "
		"JOIN pg_index i ON i.indrelid = r.oid AND NOT i.indisvalid "
		"WHERE r.relkind = 'p' "
		"UNION ALL "
		"SELECT r.oid, r.relowner, 2000000 + r.n, x.oid::int8, "
		"format('ALTER INDEX %I.%I ATTACH PARTITION %I.%I', "
		"$2 || y.relnamespace, y.relname, $2 || x.relnamespace, x.relname) "
		"FROM rel r JOIN pg_index i ON i.indrelid = r.oid "
		"JOIN pg_inherits h ON h.inhrelid = i.indexrelid "
		"JOIN pg_index j ON j.indexrelid = h.inhparent AND NOT j.indisvalid "
		"JOIN pg_class x ON x.oid = i.indexrelid "
		"JOIN pg_class y ON y.oid = j.indexrelid "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
	[PGM_CLONE_FOREIGN_KEYS] = {
		/* a key is checked by its owner, with a query on both tables */
		RELATIONS
		"SELECT o.oid, o.relowner, -1, k.oid::int8, "
		"format('GRANT REFERENCES ON %s TO %I', o.clone, u.rolname) "
		"FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid "
		"JOIN rel o ON o.oid = k.confrelid "
		"JOIN pg_roles u ON u.oid = r.relowner "
		"WHERE k.contype = 'f' AND k.conparentid = 0 "
		"AND o.relowner <> r.relowner AND NOT " HAS_CODE
		"UNION ALL "
		"SELECT r.oid, r.relowner, -1, r.oid::int8, "
		"format('GRANT REFERENCES ON %s TO %s', r.clone, "
		"CASE a.grantee WHEN 0 THEN 'PUBLIC' "
		"ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
		"FROM rel r JOIN pg_class t ON t.oid = r.oid "
		"CROSS JOIN LATERAL aclexplode(t.relacl) AS a "
		"WHERE a.privilege_type = 'REFERENCES' AND a.grantee <> r.relowner "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, k.oid::int8, "
		"format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.clone, k.conname, "
		"pg_get_constraintdef(k.oid)) "
		"FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid "
		"JOIN rel o ON o.oid = k.confrelid "
		"WHERE k.contype = 'f' AND k.conparentid = 0 "
		"AND (o.relowner = r.relowner OR NOT " HAS_CODE ") "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
	[PGM_CLONE_CHECKS] = {
		RELATIONS
		"SELECT r.oid, r.relowner, r.n, 0, "
		"format('ALTER TABLE %s %s', r.clone, "
		"string_agg(format('ADD CONSTRAINT %I %s', k.conname, "
		"pg_get_constraintdef(k.oid)), ', ' ORDER BY k.oid)) "
		"FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid "
		"WHERE k.contype = 'c' AND k.conislocal "
		"GROUP BY r.oid, r.relowner, r.n, r.clone "
		"UNION ALL "			/* since 18; the copy has it validated */
		"SELECT r.oid, r.relowner, r.n, k.oid::int8, "
		"format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP NOT NULL, "
		"ADD CONSTRAINT %I %s', r.clone, a.attname, k.conname, "
		"pg_get_constraintdef(k.oid)) "
		"FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid "
		"JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.conkey[1] "
		"WHERE k.contype = 'n' AND k.conislocal AND NOT k.convalidated "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
	[PGM_CLONE_VIEWS] = {
		RELATIONS
		"SELECT oid, relowner, n, 0, "
		"format(CASE relkind WHEN 'v' THEN 'CREATE VIEW %s AS %s' "
		"ELSE 'CREATE MATERIALIZED VIEW %s AS %s WITH NO DATA' END, clone, "
		"rtrim(pg_get_viewdef(oid), ';')) FROM rel WHERE relkind IN ('v', 'm') "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, i.indexrelid::int8, "
		"pg_get_indexdef(i.indexrelid) "
		"FROM rel r JOIN pg_index i ON i.indrelid = r.oid "
		"WHERE r.relkind = 'm' "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
	[PGM_CLONE_REST] = {
		RELATIONS
		"SELECT r.oid, r.relowner, r.n, g.oid::int8, "
		"pg_get_triggerdef(g.oid) "
		"FROM rel r JOIN pg_trigger g ON g.tgrelid = r.oid "
		"WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND g.tgtype & 32 = 0 "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, p.oid::int8, "
		"format('CREATE POLICY %I ON %s AS %s FOR %s%s%s', p.polname, r.clone, "
		"CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END, "
		"CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' "
		"WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, "
		"' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', "
		"' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') "
		"FROM rel r JOIN pg_policy p ON p.polrelid = r.oid "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, w.oid::int8, pg_get_ruledef(w.oid) "
		"FROM rel r JOIN pg_rewrite w ON w.ev_class = r.oid "
		"WHERE w.rulename <> '_RETURN' "
		"UNION ALL "
		"SELECT r.oid, r.relowner, r.n, i.indexrelid::int8, "
		"format('ALTER TABLE ONLY %s CLUSTER ON %I', r.clone, x.relname) "
		"FROM rel r JOIN pg_index i ON i.indrelid = r.oid AND i.indisclustered "
		"JOIN pg_class x ON x.oid = i.indexrelid "
		ORDERED,
		2, {OIDARRAYOID, TEXTOID}
	},
};

static PgmQuery pairs_query = {
	"SELECT c.oid::int8, l.oid::int8, c.relkind::text "
	"FROM unnest($1, $2) AS s (live, clone) "
	"JOIN pg_class c ON c.relnamespace = s.clone "
	"JOIN pg_class l ON l.relnamespace = s.live AND l.relname = c.relname",
	2, {OIDARRAYOID, OIDARRAYOID}
};

static PgmQuery table_of_query = {
	"SELECT indrelid::int8 FROM pg_index WHERE indexrelid = $1 "
	"UNION ALL SELECT refobjid::int8 FROM pg_depend "
	"WHERE classid = 'pg_class'::regclass AND objid = $1 "
	"AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') "
	"AND refobjsubid > 0",
	1, {OIDOID}
};

/*
 * Tables that refer to this one are many only where they are much alike: of
 * each kind the first few are cloned, the others fare like the first.
 */
static PgmQuery neighbours_query = {
	"WITH a AS (SELECT attname::text AS name, attnum FROM pg_attribute "
	"WHERE attrelid = $1 AND attnum > 0), "
	"k AS (SELECT * FROM pg_constraint WHERE conrelid = $1), "
	"wish AS (SELECT $2 OR EXISTS (SELECT FROM unnest($3) AS n (name) "
	"WHERE n.name NOT IN (SELECT name FROM a)) "
	"OR EXISTS (SELECT FROM unnest($4) AS n (name) "
	"WHERE n.name NOT IN (SELECT conname::text FROM k)) AS everything, "
	"ARRAY(SELECT attnum FROM a WHERE name = ANY ($3)) AS columns), "
	"r AS (SELECT f.conrelid AS oid, min(f.oid) AS key, count(*) AS keys "
	"FROM wish, pg_constraint f "
	"WHERE f.contype = 'f' AND f.confrelid = $1 AND f.conrelid <> $1 "
	"AND (everything OR f.confkey && columns OR f.conindid IN (SELECT "
	"k.conindid FROM k WHERE k.conname::text = ANY ($4) "
	"AND k.contype <> 'f')) GROUP BY f.conrelid), "
	"kind AS (SELECT r.oid, row_number() OVER w AS n, "
	"first_value(r.oid) OVER w AS first FROM r "
	"JOIN pg_class c ON c.oid = r.oid JOIN pg_constraint f ON f.oid = r.key "
	"WINDOW w AS (PARTITION BY c.relkind, c.relowner, c.relpersistence, "
	"c.relispartition, c.relhassubclass, c.relhasrules, c.relrowsecurity, "
	"c.relchecks > 0, r.keys, f.confkey, f.confupdtype, "
	"f.confdeltype, f.convalidated, f.condeferrable, f.conpfeqop, "
	"f.conparentid = 0 ORDER BY r.oid)) "
	"SELECT k.confrelid::int8, NULL::int8 FROM wish, k WHERE k.contype = 'f' "
	"AND k.confrelid <> $1 AND (everything OR k.conkey && columns "
	"OR k.conname::text = ANY ($4)) "
	"UNION SELECT oid::int8, CASE WHEN n > " CppAsString2(PGM_CLONE_OF_KIND)
	" THEN first::int8 END FROM kind ORDER BY 1",
	4, {OIDOID, BOOLOID, TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery has_code_query = {
	"SELECT 1::int8 FROM pg_class o WHERE o.oid = $1 AND " HAS_CODE,
	1, {OIDOID}
};

static PgmQuery views_query = {
	"WITH RECURSIVE v (oid, depth) AS (SELECT unnest($1), 0 UNION "
	"SELECT w.ev_class, v.depth + 1 FROM v "
	"JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass "
	"AND d.refobjid = v.oid AND d.classid = 'pg_rewrite'::regclass "
	"JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> v.oid "
	"WHERE v.depth < 100) "
	"SELECT c.oid::int8 FROM v JOIN pg_class c ON c.oid = v.oid "
	"AND c.relkind IN ('v', 'm') GROUP BY c.oid ORDER BY max(depth), c.oid",
	1, {OIDARRAYOID}
};

static PgmQuery lockers_query = {
	"SELECT string_agg(pid::text, ', ' ORDER BY pid) FROM pg_locks "
	"WHERE locktype = 'relation' AND relation = $1 AND database = "
	"(SELECT oid FROM pg_database WHERE datname = current_database()) "
	"AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()",
	1, {OIDOID}
};

static PgmQuery bound_query = {
	"SELECT pg_get_partition_constraintdef($1)",
	1, {OIDOID}
};

/*
 * The copies are made with columns of their own before they are linked.  They
 * are ours, and go with the trial: the catalog is corrected by hand.
 */
static PgmQuery inherit_query = {
	"UPDATE pg_attribute a SET attislocal = false "
	"FROM unnest($1, $2) AS s (live, clone) "
	"JOIN pg_class c ON c.relnamespace = s.clone AND c.relkind IN ('r', 'p') "
	"JOIN pg_class l ON l.relnamespace = s.live AND l.relname = c.relname "
	"JOIN pg_attribute b ON b.attrelid = l.oid AND NOT b.attislocal "
	"WHERE a.attrelid = c.oid AND a.attname = b.attname AND a.attislocal "
	"AND a.attinhcount > 0",
	2, {OIDARRAYOID, OIDARRAYOID}
};

PgmCloneCommand *
pgm_clone_commands(PgmClonePhase phase, List *relids, const char *prefix,
				   int *n)
{
	PgmSpiScope scope;
	Datum		values[2];
	PgmCloneCommand *commands;

	values[0] = pgm_oid_array_datum(relids);
	values[1] = pgm_text_datum(prefix);
	pgm_spi_begin(&scope);
	*n = (int) pgm_spi_execute(&phase_queries[phase], values, NULL);
	commands = MemoryContextAlloc(scope.outer,
								  sizeof(PgmCloneCommand) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		commands[i].relid = (Oid) pgm_spi_int64(i + 1, 1);
		commands[i].owner = (Oid) pgm_spi_int64(i + 1, 2);
		commands[i].text = pgm_spi_text(i + 1, 3);
	}
	pgm_spi_end(&scope);
	return commands;
}

PgmClonePair *
pgm_clone_pairs(List *live_schemas, List *clone_schemas, int *n)
{
	PgmSpiScope scope;
	Datum		values[2];
	PgmClonePair *pairs;

	values[0] = pgm_oid_array_datum(live_schemas);
	values[1] = pgm_oid_array_datum(clone_schemas);
	pgm_spi_begin(&scope);
	*n = (int) pgm_spi_execute(&pairs_query, values, NULL);
	pairs = MemoryContextAlloc(scope.outer,
							   sizeof(PgmClonePair) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		pairs[i].clone = (Oid) pgm_spi_int64(i + 1, 1);
		pairs[i].live = (Oid) pgm_spi_int64(i + 1, 2);
		pairs[i].relkind = pgm_spi_text(i + 1, 3)[0];
	}
	pgm_spi_end(&scope);
	return pairs;
}

void
pgm_clone_inherit(List *live_schemas, List *clone_schemas)
{
	PgmSpiScope scope;
	Datum		values[2];

	values[0] = pgm_oid_array_datum(live_schemas);
	values[1] = pgm_oid_array_datum(clone_schemas);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&inherit_query, values, NULL);
	pgm_spi_end(&scope);
	CommandCounterIncrement();
}

List *
pgm_clone_table_of(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	char		kind = get_rel_relkind(relid);
	List	   *result = NIL;

	if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ||
		kind == RELKIND_SEQUENCE)
		result = pgm_spi_oids(&table_of_query, values);
	return result != NIL ? result : list_make1_oid(relid);
}

static Datum
name_array(List *names)
{
	char	  **texts = palloc(sizeof(char *) * Max(list_length(names), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		texts[n++] = strVal(lfirst(lc));
	return pgm_text_array_datum(n, texts);
}

List *
pgm_clone_neighbours(Oid relid, bool all, List *columns, List *constraints,
					 List **alike)
{
	Datum		values[4];
	PgmSpiScope scope;
	List	   *relids = NIL;
	uint64		n;
	MemoryContext old;

	if (!all && columns == NIL && constraints == NIL)
		return NIL;
	values[0] = ObjectIdGetDatum(relid);
	values[1] = BoolGetDatum(all);
	values[2] = name_array(columns);
	values[3] = name_array(constraints);
	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&neighbours_query, values, NULL);
	old = MemoryContextSwitchTo(scope.outer);
	for (uint64 i = 1; i <= n; i++)
	{
		Oid			oid = (Oid) pgm_spi_int64(i, 1);

		if (pgm_spi_isnull(i, 2))
			relids = lappend_oid(relids, oid);
		else if (alike != NULL)
		{
			*alike = lappend_oid(*alike, oid);
			*alike = lappend_oid(*alike, (Oid) pgm_spi_int64(i, 2));
		}
	}
	MemoryContextSwitchTo(old);
	pgm_spi_end(&scope);
	return relids;
}

List *
pgm_clone_views(List *relids)
{
	Datum		values[1];

	if (relids == NIL)
		return NIL;
	values[0] = pgm_oid_array_datum(relids);
	return pgm_spi_oids(&views_query, values);
}

bool
pgm_clone_has_code(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	return pgm_spi_oids(&has_code_query, values) != NIL;
}

static char *
ask_text(PgmQuery *query, Oid relid)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	char	   *result = NULL;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(query, values, NULL) > 0)
		result = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return result;
}

char *
pgm_clone_lockers(Oid relid)
{
	return ask_text(&lockers_query, relid);
}

char *
pgm_clone_bound(Oid clone)
{
	return ask_text(&bound_query, clone);
}
