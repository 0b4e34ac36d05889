/*-------------------------------------------------------------------------
 *
 * objects.c
 *	  Schemas, and what is in them that is no relation, for the model.
 *
 * Where all the columns of a catalog tell of the object, they are taken as
 * they are, without what names it and with names in place of OIDs: so a column
 * that a later server adds is not missed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "compat/catalog.h"
#include "schema/internal.h"

#define IN_SCHEMA(column) \
	"JOIN pg_namespace n ON n.oid = " column " AND n.nspname = ANY ($1) "
#define NOT_MEMBER(catalog, oid) oid " NOT IN " PGM_MEMBERS(catalog) " "
#define USING_METHOD " || ' using ' || quote_ident(m.amname)"

#define CLAUSE(name, column, type) \
	", CASE WHEN " column " <> 0 THEN '" name " = ' || " column "::" type " END"
#define FINAL(clause, column, function) \
	"CASE WHEN a." column "extra THEN '" clause "_EXTRA' END, " \
	"CASE WHEN " function " <> 0 THEN '" clause "_MODIFY = ' || " \
	"CASE a." column "modify WHEN 'r' THEN 'READ_ONLY' " \
	"WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END"
#define CREATE_AGGREGATE \
	"concat(format('CREATE AGGREGATE %s.%s(', quote_ident(n.nspname), " \
	"quote_ident(p.proname)), coalesce(nullif(" \
	"pg_get_function_arguments(p.oid), ''), '*'), ') (', concat_ws(', ', " \
	"'SFUNC = ' || a.aggtransfn::regproc, " \
	"'STYPE = ' || a.aggtranstype::regtype, " \
	"'SSPACE = ' || nullif(a.aggtransspace, 0), " \
	"'INITCOND = ' || quote_literal(a.agginitval), " \
	"CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END, " \
	"'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' " \
	"WHEN 'r' THEN 'RESTRICTED' END" \
	CLAUSE("FINALFUNC", "a.aggfinalfn", "regproc") \
	CLAUSE("COMBINEFUNC", "a.aggcombinefn", "regproc") \
	CLAUSE("SERIALFUNC", "a.aggserialfn", "regproc") \
	CLAUSE("DESERIALFUNC", "a.aggdeserialfn", "regproc") \
	CLAUSE("MSFUNC", "a.aggmtransfn", "regproc") \
	CLAUSE("MINVFUNC", "a.aggminvtransfn", "regproc") \
	CLAUSE("MFINALFUNC", "a.aggmfinalfn", "regproc") \
	CLAUSE("MSTYPE", "a.aggmtranstype", "regtype") \
	", 'MINITCOND = ' || quote_literal(a.aggminitval), " \
	"'MSSPACE = ' || nullif(a.aggmtransspace, 0), " \
	FINAL("FINALFUNC", "aggfinal", "a.aggfinalfn") ", " \
	FINAL("MFINALFUNC", "aggmfinal", "a.aggmfinalfn") ", " \
	"CASE WHEN a.aggsortop <> 0 THEN (SELECT format('SORTOP = OPERATOR(%s.%s)', " \
	"o.oprnamespace::regnamespace, o.oprname) FROM pg_operator o " \
	"WHERE o.oid = a.aggsortop) END), ')')"

/* What SQL calls an operator o; the name in another place too. */
#define OPERATOR_NAME(o) \
	"format('%s.%s', " o ".oprnamespace::regnamespace, " o ".oprname)"
#define OTHER_OPERATOR(clause, oid) \
	"(SELECT '" clause " = OPERATOR(' || " OPERATOR_NAME("x") " || ')' " \
	"FROM pg_operator x WHERE x.oid = " oid ")"
#define OPERATOR_TYPES(o) \
	"format('(%s, %s)', coalesce(nullif(" o ".oprleft, 0)::regtype::text, " \
	"'NONE'), coalesce(nullif(" o ".oprright, 0)::regtype::text, 'NONE'))"
#define CREATE_OPERATOR \
	"CASE WHEN o.oprcode <> 0 THEN concat('CREATE OPERATOR ', " \
	OPERATOR_NAME("o") ", ' (', concat_ws(', ', " \
	"'FUNCTION = ' || o.oprcode::regproc" \
	CLAUSE("LEFTARG", "o.oprleft", "regtype") \
	CLAUSE("RIGHTARG", "o.oprright", "regtype") ", " \
	OTHER_OPERATOR("COMMUTATOR", "o.oprcom") ", " \
	OTHER_OPERATOR("NEGATOR", "o.oprnegate") \
	CLAUSE("RESTRICT", "o.oprrest", "regproc") \
	CLAUSE("JOIN", "o.oprjoin", "regproc") ", " \
	"CASE WHEN o.oprcanhash THEN 'HASHES' END, " \
	"CASE WHEN o.oprcanmerge THEN 'MERGES' END), ')') END"

/*
 * What an operator class or a family has of its own: the catalogs know by
 * their dependencies which of both it is.
 */
#define MEMBERS_OF(catalog, class, oid) \
	"JOIN pg_depend e ON e.classid = 'pg_" catalog "'::regclass " \
	"AND e.objid = a.oid AND e.refclassid = 'pg_" class "'::regclass " \
	"AND e.refobjid = " oid " "
#define MEMBERS(class, oid) \
	"(SELECT string_agg(i.t, ', ' ORDER BY i.t COLLATE \"C\") FROM (" \
	"SELECT format('OPERATOR %s %s %s%s', a.amopstrategy, " \
	OPERATOR_NAME("x") ", " OPERATOR_TYPES("x") ", " \
	"(SELECT format(' FOR ORDER BY %s.%s', s.opfnamespace::regnamespace, " \
	"quote_ident(s.opfname)) FROM pg_opfamily s " \
	"WHERE s.oid = a.amopsortfamily)) FROM pg_amop a " \
	"JOIN pg_operator x ON x.oid = a.amopopr " \
	MEMBERS_OF("amop", class, oid) "UNION ALL " \
	"SELECT format('FUNCTION %s (%s, %s) %s', a.amprocnum, " \
	"a.amproclefttype::regtype, a.amprocrighttype::regtype, " \
	"a.amproc::regprocedure) FROM pg_amproc a " \
	MEMBERS_OF("amproc", class, oid) ") AS i (t))"
#define CREATE_OPERATOR_CLASS \
	"concat('CREATE OPERATOR CLASS ', " PGM_NAMED("n.nspname", "o.opcname") \
	", CASE WHEN o.opcdefault THEN ' DEFAULT' END, ' FOR TYPE ', " \
	"o.opcintype::regtype, ' USING ', quote_ident(m.amname), ' FAMILY ', " \
	"f.opfnamespace::regnamespace, '.', quote_ident(f.opfname), ' AS ', " \
	"concat_ws(', ', " MEMBERS("opclass", "o.oid") ", " \
	"CASE WHEN o.opckeytype <> 0 THEN 'STORAGE ' || o.opckeytype::regtype " \
	"WHEN NOT EXISTS (SELECT FROM pg_depend e " \
	"WHERE e.refclassid = 'pg_opclass'::regclass AND e.refobjid = o.oid " \
	"AND e.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass)) " \
	"THEN 'STORAGE ' || o.opcintype::regtype END))"

/* By row, as not all servers have all of these columns. */
#define CREATE_COLLATION \
	"(SELECT concat('CREATE COLLATION ', " \
	PGM_NAMED("n.nspname", "c.collname") ", ' (', concat_ws(', ', " \
	"'PROVIDER = ' || CASE r ->> 'collprovider' WHEN 'i' THEN 'icu' " \
	"WHEN 'b' THEN 'builtin' ELSE 'libc' END, " \
	"CASE WHEN r ->> 'collprovider' <> 'c' THEN 'LOCALE = ' || quote_literal(" \
	"coalesce(r ->> 'colllocale', r ->> 'colliculocale', " \
	"r ->> 'collcollate')) END, " \
	"CASE WHEN r ->> 'collprovider' = 'c' THEN format('LC_COLLATE = %L, " \
	"LC_CTYPE = %L', r ->> 'collcollate', r ->> 'collctype') END, " \
	"'RULES = ' || quote_literal(r ->> 'collicurules'), " \
	"CASE WHEN r ->> 'collisdeterministic' = 'false' " \
	"THEN 'DETERMINISTIC = false' END), ')') FROM to_jsonb(c) AS r)"

#define CREATE_TEXT_SEARCH(what, name) \
	"concat('CREATE TEXT SEARCH " what " ', " PGM_NAMED("n.nspname", name) \
	", ' (', concat_ws(', ', "

static PgmQuery queries[] = {
	{"SELECT " PGM_ADDRESS("n") ", "
		"'schema', quote_ident(n.nspname), " PGM_OWNER("n.nspowner") ", "
		PGM_GRANTS("n", "n.nspacl", "n.nspowner") ", " PGM_COMMENT " "
		"FROM pg_namespace n " PGM_JOIN_COMMENT("pg_namespace", "n.oid")
		"WHERE n.nspname = ANY ($1) AND "
		NOT_MEMBER("pg_namespace", "n.oid"),
	1, {TEXTARRAYOID}},

	/*
	 * The text of a body is the author's; one that was parsed is put out as
	 * the server sees it.
	 */
	{"SELECT " PGM_ADDRESS("p") ", "
		"CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, "
		"p.oid::regprocedure::text, "
		"CASE WHEN " PGM_SQL_PROSQLBODY " IS NULL "
		"THEN pg_get_functiondef(p.oid) END AS source, "
		"CASE WHEN " PGM_SQL_PROSQLBODY " IS NOT NULL "
		"THEN pg_get_functiondef(p.oid) END AS definition, "
		PGM_OWNER("p.proowner") ", " PGM_GRANTS("f", "p.proacl", "p.proowner") ", "
		PGM_DEPENDS ", " PGM_COMMENT ", " PGM_OF_RANGE
		" FROM pg_proc p " IN_SCHEMA("p.pronamespace")
		PGM_JOIN_COMMENT("pg_proc", "p.oid")
		PGM_JOIN_RANGE("pg_proc", "p.oid")
		PGM_JOIN_EXTENSIONS("pg_proc", "p.oid")
		"WHERE p.prokind <> 'a' AND " NOT_MEMBER("pg_proc", "p.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("p") ", "
		"'aggregate', p.oid::regprocedure::text, "
		"format('%s returns %s, volatile %s, parallel %s, strict %s, "
		"security definer %s, %s', pg_get_function_arguments(p.oid), "
		"pg_get_function_result(p.oid), p.provolatile, p.proparallel, "
		"p.proisstrict, p.prosecdef, "
		"to_jsonb(a) - '{aggfnoid,aggtranstype,aggmtranstype,aggsortop}'::text[] "
		"|| jsonb_build_object('aggtranstype', a.aggtranstype::regtype, "
		"'aggmtranstype', a.aggmtranstype::regtype, "
		"'aggsortop', a.aggsortop::regoperator)) AS definition, "
		PGM_OWNER("p.proowner") ", " PGM_GRANTS("f", "p.proacl", "p.proowner") ", "
		PGM_COMMENT ", " CREATE_AGGREGATE " AS \".create\" "
		"FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid "
		IN_SCHEMA("p.pronamespace") PGM_JOIN_COMMENT("pg_proc", "p.oid")
		"WHERE " NOT_MEMBER("pg_proc", "p.oid"),
	1, {TEXTARRAYOID}},

	/* not the types of arrays, tables and multiranges: those follow others */
	{"SELECT " PGM_ADDRESS("t") ", "
		"CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' "
		"WHEN 'r' THEN 'range' WHEN 'c' THEN 'composite type' "
		"ELSE 'base type' END, " PGM_NAMED("n.nspname", "t.typname") ", "
		"(SELECT string_agg(quote_literal(e.enumlabel), ', ' "
		"ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) "
		"AS labels, "
		"CASE t.typtype WHEN 'c' THEN " PGM_COLUMN_ORDER("t.typrelid") " END "
		"AS \"column order\", "
		"CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) "
		"END AS \"base type\", "
		"CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation "
		"THEN t.typcollation::regcollation::text END AS collation, "
		PGM_YES("t.typnotnull") " AS \"not null\", "
		"CASE t.typtype WHEN 'd' THEN pg_get_expr(t.typdefaultbin, 0) "
		"ELSE t.typdefault END AS \"default\", "
		"CASE WHEN r.rngtypid IS NOT NULL THEN "
		"format('subtype %s, operator class %s, collation %s, canonical %s, "
		"difference %s, multirange %s', r.rngsubtype::regtype, "
		"(SELECT o.opcnamespace::regnamespace || '.' || quote_ident(o.opcname) "
		"FROM pg_opclass o WHERE o.oid = r.rngsubopc), "
		"r.rngcollation::regcollation, r.rngcanonical, r.rngsubdiff, "
		PGM_SQL_MULTIRANGE ") END AS range, "
		"CASE t.typtype WHEN 'b' THEN (to_jsonb(t) - '{oid,typname,typnamespace,"
		"typowner,typrelid,typarray,typelem,typbasetype,typcollation,typacl,"
		"typdefaultbin,typdefault}'::text[])::text END AS definition, "
		PGM_YES("NOT t.typisdefined") " AS shell, "
		PGM_OWNER("t.typowner") ", " PGM_GRANTS("T", "t.typacl", "t.typowner") ", "
		PGM_COMMENT " FROM pg_type t " IN_SCHEMA("t.typnamespace")
		"LEFT JOIN pg_class c ON c.oid = t.typrelid "
		"LEFT JOIN pg_range r ON r.rngtypid = t.oid "
		"LEFT JOIN pg_type b ON b.oid = t.typbasetype "
		PGM_JOIN_COMMENT("pg_type", "t.oid")
		"WHERE t.typtype <> 'm' AND (c.relkind IS NULL OR c.relkind = 'c') "
		"AND t.oid NOT IN (SELECT y.typarray FROM pg_type y) "
		"AND " NOT_MEMBER("pg_type", "t.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("k") ", "
		"'domain constraint', quote_ident(k.conname) || ' on ' || "
		PGM_NAMED("n.nspname", "t.typname") ", "
		"pg_get_constraintdef(k.oid) AS definition, " PGM_COMMENT ", "
		PGM_NAMED("n.nspname", "t.typname") " AS \".table\" "
		"FROM pg_type t " IN_SCHEMA("t.typnamespace")
		"JOIN pg_constraint k ON k.contypid = t.oid "
		PGM_JOIN_COMMENT("pg_constraint", "k.oid")
		"WHERE t.typtype = 'd' AND " NOT_MEMBER("pg_type", "t.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("o") ", "
		"'operator', o.oid::regoperator::text, "
		"format('%s returns %s, commutator %s, negator %s, restrict %s, "
		"join %s, merges %s, hashes %s', o.oprcode::regprocedure, "
		"o.oprresult::regtype, o.oprcom::regoperator, o.oprnegate::regoperator, "
		"o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash) AS definition, "
		PGM_OWNER("o.oprowner") ", " PGM_COMMENT ", "
		CREATE_OPERATOR " AS \".create\", 'OPERATOR ' || " OPERATOR_NAME("o")
		" || ' ' || " OPERATOR_TYPES("o") " AS \".address\" FROM pg_operator o "
		IN_SCHEMA("o.oprnamespace") PGM_JOIN_COMMENT("pg_operator", "o.oid")
		"WHERE " NOT_MEMBER("pg_operator", "o.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("f") ", "
		"'operator family', " PGM_NAMED("n.nspname", "f.opfname")
		USING_METHOD ", "
		"(SELECT string_agg(format('%s %s %s %s', a.amopstrategy, a.amoppurpose, "
		"a.amopopr::regoperator, s.opfname), ', ' ORDER BY a.amopstrategy, "
		"a.amopopr::regoperator::text COLLATE \"C\") FROM pg_amop a "
		"LEFT JOIN pg_opfamily s ON s.oid = a.amopsortfamily "
		"WHERE a.amopfamily = f.oid) AS operators, "
		"(SELECT string_agg(format('%s (%s, %s) %s', a.amprocnum, "
		"a.amproclefttype::regtype, a.amprocrighttype::regtype, "
		"a.amproc::regprocedure), ', ' ORDER BY a.amprocnum, "
		"a.amproclefttype::regtype::text COLLATE \"C\", "
		"a.amprocrighttype::regtype::text COLLATE \"C\") FROM pg_amproc a "
		"WHERE a.amprocfamily = f.oid) AS functions, "
		PGM_OWNER("f.opfowner") ", " PGM_COMMENT ", "
		MEMBERS("opfamily", "f.oid") " AS \".members\" FROM pg_opfamily f "
		IN_SCHEMA("f.opfnamespace") "JOIN pg_am m ON m.oid = f.opfmethod "
		PGM_JOIN_COMMENT("pg_opfamily", "f.oid")
		"WHERE " NOT_MEMBER("pg_opfamily", "f.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("o") ", "
		"'operator class', " PGM_NAMED("n.nspname", "o.opcname")
		USING_METHOD ", "
		"format('family %s.%s, type %s, key %s, default %s', "
		"f.opfnamespace::regnamespace, quote_ident(f.opfname), "
		"o.opcintype::regtype, o.opckeytype::regtype, o.opcdefault) "
		"AS definition, "
		PGM_OWNER("o.opcowner") ", " PGM_COMMENT ", "
		CREATE_OPERATOR_CLASS " AS \".create\" FROM pg_opclass o "
		IN_SCHEMA("o.opcnamespace") "JOIN pg_am m ON m.oid = o.opcmethod "
		"JOIN pg_opfamily f ON f.oid = o.opcfamily "
		PGM_JOIN_COMMENT("pg_opclass", "o.oid")
		"WHERE " NOT_MEMBER("pg_opclass", "o.oid"),
	1, {TEXTARRAYOID}},

	/* the version is that of a library of the host */
	{"SELECT " PGM_ADDRESS("c") ", "
		"'collation', " PGM_NAMED("n.nspname", "c.collname") ", "
		"(to_jsonb(c) - '{oid,collname,collnamespace,collowner,collversion,"
		"collencoding}'::text[])::text AS definition, " PGM_OWNER("c.collowner") ", "
		PGM_COMMENT ", " CREATE_COLLATION " AS \".create\" FROM pg_collation c " IN_SCHEMA("c.collnamespace")
		PGM_JOIN_COMMENT("pg_collation", "c.oid")
		"WHERE " NOT_MEMBER("pg_collation", "c.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("c") ", "
		"'conversion', " PGM_NAMED("n.nspname", "c.conname") ", "
		"format('%s to %s by %s, default %s', "
		"pg_encoding_to_char(c.conforencoding), "
		"pg_encoding_to_char(c.contoencoding), c.conproc, c.condefault) "
		"AS definition, " PGM_OWNER("c.conowner") ", "
		PGM_COMMENT ", format('CREATE %sCONVERSION %s FOR %L TO %L FROM %s', "
		"CASE WHEN c.condefault THEN 'DEFAULT ' END, "
		PGM_NAMED("n.nspname", "c.conname") ", "
		"pg_encoding_to_char(c.conforencoding), "
		"pg_encoding_to_char(c.contoencoding), c.conproc) AS \".create\" "
		"FROM pg_conversion c " IN_SCHEMA("c.connamespace")
		PGM_JOIN_COMMENT("pg_conversion", "c.oid")
		"WHERE " NOT_MEMBER("pg_conversion", "c.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("c") ", "
		"'text search configuration', " PGM_NAMED("n.nspname", "c.cfgname")
		", format('%s.%s', r.prsnamespace::regnamespace, quote_ident(r.prsname)) "
		"AS parser, "
		"(SELECT string_agg(format('%s %s', m.maptokentype, "
		"m.mapdict::regdictionary), ', ' ORDER BY m.maptokentype, m.mapseqno) "
		"FROM pg_ts_config_map m WHERE m.mapcfg = c.oid) AS mapping, "
		PGM_OWNER("c.cfgowner") ", " PGM_COMMENT ", "
		"(SELECT string_agg(concat(g.alias, ' WITH ', g.dicts), E'\\n' "
		"ORDER BY g.alias COLLATE \"C\") FROM (SELECT k.alias, "
		"string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) "
		"AS dicts FROM pg_ts_config_map m JOIN ts_token_type(c.cfgparser) k "
		"ON k.tokid = m.maptokentype WHERE m.mapcfg = c.oid GROUP BY k.alias) "
		"AS g) AS \".mapping\" FROM pg_ts_config c "
		IN_SCHEMA("c.cfgnamespace") "JOIN pg_ts_parser r ON r.oid = c.cfgparser "
		PGM_JOIN_COMMENT("pg_ts_config", "c.oid")
		"WHERE " NOT_MEMBER("pg_ts_config", "c.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("t") ", "
		"'text search dictionary', " PGM_NAMED("n.nspname", "t.dictname")
		", format('%s.%s %s', m.tmplnamespace::regnamespace, "
		"quote_ident(m.tmplname), t.dictinitoption) AS definition, "
		PGM_OWNER("t.dictowner") ", " PGM_COMMENT ", "
		"format('%s.%s', m.tmplnamespace::regnamespace, "
		"quote_ident(m.tmplname)) AS \".template\", "
		"t.dictinitoption AS \".options\" FROM pg_ts_dict t "
		IN_SCHEMA("t.dictnamespace")
		"JOIN pg_ts_template m ON m.oid = t.dicttemplate "
		PGM_JOIN_COMMENT("pg_ts_dict", "t.oid")
		"WHERE " NOT_MEMBER("pg_ts_dict", "t.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("r") ", "
		"'text search parser', " PGM_NAMED("n.nspname", "r.prsname") ", "
		"(to_jsonb(r) - '{oid,prsname,prsnamespace}'::text[])::text "
		"AS definition, " PGM_COMMENT ", " CREATE_TEXT_SEARCH("PARSER", "r.prsname")
		"'START = ' || r.prsstart::regproc, 'GETTOKEN = ' || r.prstoken::regproc, "
		"'END = ' || r.prsend::regproc, 'LEXTYPES = ' || r.prslextype::regproc"
		CLAUSE("HEADLINE", "r.prsheadline", "regproc") "), ')') AS \".create\" "
		"FROM pg_ts_parser r "
		IN_SCHEMA("r.prsnamespace") PGM_JOIN_COMMENT("pg_ts_parser", "r.oid")
		"WHERE " NOT_MEMBER("pg_ts_parser", "r.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_ADDRESS("m") ", "
		"'text search template', " PGM_NAMED("n.nspname", "m.tmplname") ", "
		"(to_jsonb(m) - '{oid,tmplname,tmplnamespace}'::text[])::text "
		"AS definition, " PGM_COMMENT ", "
		CREATE_TEXT_SEARCH("TEMPLATE", "m.tmplname")
		"'LEXIZE = ' || m.tmpllexize::regproc"
		CLAUSE("INIT", "m.tmplinit", "regproc") "), ')') AS \".create\" "
		"FROM pg_ts_template m "
		IN_SCHEMA("m.tmplnamespace") PGM_JOIN_COMMENT("pg_ts_template", "m.oid")
		"WHERE " NOT_MEMBER("pg_ts_template", "m.oid"),
	1, {TEXTARRAYOID}},

	{"SELECT " PGM_LABEL_ADDRESS ", "
		"'security label', l.provider || ' on ' || i.type || ' ' || "
		"i.identity, l.label AS label, " PGM_LABEL_TARGET " FROM pg_seclabel l CROSS JOIN LATERAL "
		"pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i "
		"WHERE i.schema = ANY ($1)",
	1, {TEXTARRAYOID}},
};

PgmQuery *
pgm_schema_object_queries(int *n)
{
	*n = lengthof(queries);
	return queries;
}
