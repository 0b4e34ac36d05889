/*-------------------------------------------------------------------------
 *
 * globals.c
 *	  What a database has outside of its schemas, for the model.
 *
 * An OID below that of the first user object tells what initdb has made.
 * Passwords are in the options of user mappings and in the connections of
 * subscriptions: of the one only whether they differ is looked at, and the
 * other not at all.  The owner of an extension is whoever restores the dump.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat/catalog.h"
#include "compat/subscription.h"
#include "schema/internal.h"

#define OF_USER(catalog, oid) \
	"WHERE " oid " >= 16384 AND " oid " NOT IN " PGM_MEMBERS(catalog) " "
#define FUNCTION(column) \
	"CASE WHEN " column " <> 0 THEN " column "::regprocedure::text END"

#define CAST_TYPES \
	"format_type(k.castsource, NULL), format_type(k.casttarget, NULL)"
#define TRANSFORM \
	"format('TRANSFORM FOR %s LANGUAGE %I', format_type(t.trftype, NULL), " \
	"(SELECT l.lanname FROM pg_language l WHERE l.oid = t.trflang))"
#define USER_MAPPING \
	"format('USER MAPPING FOR %s SERVER %I', CASE m.umuser WHEN 0 " \
	"THEN 'PUBLIC' ELSE quote_ident(m.usename) END, m.srvname)"

static PgmQuery queries[] = {
	{"SELECT " PGM_ADDRESS("x") ", "
		"'extension', quote_ident(x.extname), x.extversion AS version, "
		"x.extnamespace::regnamespace::text AS schema, " PGM_COMMENT ", "
		"x.extname::text AS \".name\", "
		"CASE WHEN x.extrelocatable THEN 'yes' END AS \".relocatable\", "
		"(SELECT string_agg(format('table %s', c.oid::regclass), ', ' "
		"ORDER BY c.relname) FROM pg_depend d JOIN pg_class c "
		"ON d.classid = 'pg_class'::regclass AND c.oid = d.objid "
		"WHERE d.refclassid = 'pg_extension'::regclass "
		"AND d.refobjid = x.oid AND d.deptype = 'e' "
		"AND c.relkind IN ('r', 'p')) AS \".tables\" "
		"FROM pg_extension x " PGM_JOIN_COMMENT("pg_extension", "x.oid")
	"WHERE x.extname <> 'pgmigrate'"},

	{"SELECT " PGM_ADDRESS("k") ", "
		"'cast', format('%s as %s', " CAST_TYPES "), " FUNCTION("k.castfunc") " AS function, "
		"k.castcontext::text AS context, k.castmethod::text AS method, "
		PGM_COMMENT ", format('CREATE CAST (%s AS %s) %s%s', "
		CAST_TYPES ", CASE k.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || "
		"k.castfunc::regprocedure WHEN 'i' THEN 'WITH INOUT' "
		"ELSE 'WITHOUT FUNCTION' END, CASE k.castcontext WHEN 'a' "
		"THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END) "
		"AS \".create\", format('CAST (%s AS %s)', " CAST_TYPES ") "
		"AS \".address\", " PGM_OF_RANGE " FROM pg_cast k "
		PGM_JOIN_COMMENT("pg_cast", "k.oid")
		PGM_JOIN_RANGE("pg_cast", "k.oid")
	OF_USER("pg_cast", "k.oid")},

	{"SELECT " PGM_ADDRESS("l") ", "
		"'language', quote_ident(l.lanname), "
		PGM_YES("l.lanpltrusted") " AS trusted, "
		FUNCTION("l.lanplcallfoid") " AS handler, "
		FUNCTION("l.laninline") " AS inline, "
		FUNCTION("l.lanvalidator") " AS validator, "
		PGM_OWNER("l.lanowner") ", " PGM_GRANTS("l", "l.lanacl", "l.lanowner") ", "
		PGM_COMMENT ", concat('CREATE', CASE WHEN l.lanpltrusted "
		"THEN ' TRUSTED' END, ' LANGUAGE ', quote_ident(l.lanname), ' HANDLER ', "
		"l.lanplcallfoid::regproc, "
		"' INLINE ' || nullif(l.laninline, 0)::regproc, "
		"' VALIDATOR ' || nullif(l.lanvalidator, 0)::regproc) AS \".create\" "
		"FROM pg_language l " PGM_JOIN_COMMENT("pg_language", "l.oid")
	OF_USER("pg_language", "l.oid")},

	{"SELECT " PGM_ADDRESS("t") ", "
		"'transform', format('%s for %s', format_type(t.trftype, NULL), "
		"(SELECT l.lanname FROM pg_language l WHERE l.oid = t.trflang)), "
		FUNCTION("t.trffromsql") " AS \"from SQL\", "
		FUNCTION("t.trftosql") " AS \"to SQL\", " PGM_COMMENT ", "
		"format('CREATE %s (%s)', " TRANSFORM ", concat_ws(', ', "
		"'FROM SQL WITH FUNCTION ' || nullif(t.trffromsql, 0)::regprocedure, "
		"'TO SQL WITH FUNCTION ' || nullif(t.trftosql, 0)::regprocedure)) "
		"AS \".create\", " TRANSFORM " AS \".address\" FROM pg_transform t " PGM_JOIN_COMMENT("pg_transform", "t.oid")
	OF_USER("pg_transform", "t.oid")},

	{"SELECT " PGM_ADDRESS("m") ", "
		"'access method', quote_ident(m.amname), "
		"m.amhandler::text AS handler, m.amtype::text AS type, "
		PGM_COMMENT ", format('CREATE ACCESS METHOD %I TYPE %s HANDLER %s', "
		"m.amname, CASE m.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, "
		"m.amhandler) AS \".create\" FROM pg_am m " PGM_JOIN_COMMENT("pg_am", "m.oid")
	OF_USER("pg_am", "m.oid")},

	{"SELECT " PGM_ADDRESS("t") ", "
		"'event trigger', quote_ident(t.evtname), t.evtevent::text AS event, "
		"array_to_string(t.evttags, ', ') AS tags, t.evtfoid::regprocedure::text "
		"AS function, nullif(t.evtenabled, 'O')::text AS enabled, "
		PGM_OWNER("t.evtowner") ", " PGM_COMMENT " FROM pg_event_trigger t "
		PGM_JOIN_COMMENT("pg_event_trigger", "t.oid")
	OF_USER("pg_event_trigger", "t.oid")},

	{"SELECT " PGM_ADDRESS("p") ", "
		"'publication', quote_ident(p.pubname), "
		"(to_jsonb(p) - '{oid,pubname,pubowner}'::text[])::text AS options, "
		"(SELECT string_agg(concat_ws(' ', r.prrelid::regclass, '(' || "
		PGM_SQL_PUBLISHED_COLUMNS " || ')', 'where ' || "
		PGM_SQL_PUBLISHED_ROWS "), ', ' "
		"ORDER BY r.prrelid::regclass::text COLLATE \"C\") "
		"FROM pg_publication_rel r WHERE r.prpubid = p.oid "
		"AND NOT " PGM_SQL_IS_EXCEPTED ") AS tables, "
		"(SELECT string_agg(r.prrelid::regclass::text, ', ' "
		"ORDER BY r.prrelid::regclass::text COLLATE \"C\") "
		"FROM pg_publication_rel r WHERE r.prpubid = p.oid "
		"AND " PGM_SQL_IS_EXCEPTED ") AS \"excepted tables\", "
		PGM_SQL_PUBLISHED_SCHEMAS " AS schemas, "
		PGM_OWNER("p.pubowner") ", " PGM_COMMENT " FROM pg_publication p "
		PGM_JOIN_COMMENT("pg_publication", "p.oid")
	OF_USER("pg_publication", "p.oid")},

	/* whether it is enabled is a matter of operation, as in a dump */
	{"SELECT 'pg_subscription'::regclass::oid::int8, s.oid::int8, 0, "
		"'subscription', quote_ident(s.subname), "
		PGM_OPTIONS("s.subpublications") " AS publications, "
		"s.subslotname::text AS slot, nullif(s.subsynccommit, 'off') "
		"AS \"synchronous commit\", nullif(concat_ws(', ', "
		PGM_SQL_SUBSCRIPTION_OPTIONS "), '') AS options, "
		PGM_OWNER("s.subowner") ", d.description AS comment "
		"FROM pg_subscription s " PGM_JOIN_COMMENT("pg_subscription", "s.oid")
		"WHERE s.subdbid = (SELECT b.oid FROM pg_database b "
	"WHERE b.datname = current_database())"},

	{"SELECT " PGM_ADDRESS("f") ", "
		"'foreign data wrapper', quote_ident(f.fdwname), "
		FUNCTION("f.fdwhandler") " AS handler, "
		FUNCTION("f.fdwvalidator") " AS validator, "
		PGM_OPTIONS("f.fdwoptions") " AS options, " PGM_OWNER("f.fdwowner") ", "
		PGM_GRANTS("F", "f.fdwacl", "f.fdwowner") ", " PGM_COMMENT ", "
		"nullif(f.fdwhandler, 0)::regproc::text AS \".handler\", "
		"nullif(f.fdwvalidator, 0)::regproc::text AS \".validator\", "
		PGM_OPTION_LIST("f.fdwoptions") " AS \".options\" FROM pg_foreign_data_wrapper f "
		PGM_JOIN_COMMENT("pg_foreign_data_wrapper", "f.oid")
	OF_USER("pg_foreign_data_wrapper", "f.oid")},

	{"SELECT " PGM_ADDRESS("s") ", "
		"'server', quote_ident(s.srvname), "
		"(SELECT f.fdwname::text FROM pg_foreign_data_wrapper f "
		"WHERE f.oid = s.srvfdw) AS wrapper, s.srvtype AS type, "
		"s.srvversion AS version, " PGM_OPTIONS("s.srvoptions") " AS options, "
		PGM_OWNER("s.srvowner") ", " PGM_GRANTS("S", "s.srvacl", "s.srvowner") ", "
		PGM_COMMENT ", " PGM_OPTION_LIST("s.srvoptions") " AS \".options\" "
		"FROM pg_foreign_server s "
		PGM_JOIN_COMMENT("pg_foreign_server", "s.oid")
	OF_USER("pg_foreign_server", "s.oid")},

	/* whether there are options is not told to everybody either */
	{"SELECT 'pg_user_mapping'::regclass::oid::int8, m.umid::int8, 0, "
		"'user mapping', format('%s for %s', m.srvname, m.usename), "
		USER_MAPPING " AS \".address\", 'CREATE ' || " USER_MAPPING
		" AS \".create\", CASE WHEN m.umoptions IS NOT NULL "
		"OR NOT (SELECT r.rolsuper FROM pg_roles r "
		"WHERE r.rolname = current_user) THEN 'yes' END AS \".secret\", "
		"(SELECT md5(array_agg(o ORDER BY o COLLATE \"C\")::text) "
	"FROM unnest(m.umoptions) o) AS \".digest\" FROM pg_user_mappings m"},

	{"SELECT " PGM_ADDRESS("a") ", "
		"'default privileges', format('%s %s%s', "
		"pg_get_userbyid(a.defaclrole), a.defaclobjtype, "
		"' in ' || nullif(a.defaclnamespace, 0)::regnamespace), "
		PGM_ACL_TEXT("a.defaclacl") " AS grants, "
		"pg_get_userbyid(a.defaclrole)::text AS \".role\", "
		"a.defaclobjtype::text AS \".type\", "
		"nullif(a.defaclnamespace, 0)::regnamespace::text AS \".schema\" "
		"FROM pg_default_acl a "
	"WHERE a.oid NOT IN " PGM_MEMBERS("pg_default_acl")},

	{"SELECT " PGM_LABEL_ADDRESS ", "
		"'security label', l.provider || ' on ' || i.type || ' ' || "
		"i.identity, l.label AS label, " PGM_LABEL_TARGET " FROM pg_seclabel l CROSS JOIN LATERAL "
		"pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i "
		/* on large objects they are data */
	"WHERE i.schema IS NULL AND l.classoid <> 'pg_largeobject'::regclass"},
};

PgmQuery *
pgm_schema_global_queries(int *n)
{
	*n = lengthof(queries);
	return queries;
}
