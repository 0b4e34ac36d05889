/*-------------------------------------------------------------------------
 *
 * privileges.c
 *	  What was granted or revoked on objects that are not in the model.
 *
 * Those of the server and of extensions are theirs, and are made by them; what
 * others have changed of the privileges on them is of this database, and a
 * dump has it, but for information_schema.  What they were made with is in
 * pg_init_privs, if it is not what any such object has.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/internal.h"

/* Of the server, or of an extension other than ours. */
#define OF_OTHERS(catalog, oid) \
	"(" oid " < 16384 OR " oid " IN (SELECT e.objid FROM pg_depend e " \
	"JOIN pg_extension x ON x.oid = e.refobjid WHERE x.extname <> 'pgmigrate' " \
	"AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e' " \
	"AND e.classid = '" catalog "'::regclass)) "
#define IN_ANOTHER(schema) \
	"AND " schema " IS DISTINCT FROM to_regnamespace('information_schema') "
#define ACLS(catalog, acl, kind, owner) \
	"SELECT o.tableoid, o.oid, 0, o." acl ", " \
	"acldefault(" kind ", o." owner ") FROM " catalog " o " \
	"WHERE o." acl " IS NOT NULL AND " OF_OTHERS(catalog, "o.oid")

#define BEYOND(acl, other) \
	"(SELECT string_agg(i::text, ', ' ORDER BY i::text COLLATE \"C\") " \
	"FROM unnest(" acl ") AS u (i) WHERE NOT i = ANY (" other "))"

static PgmQuery query = {
	"SELECT " PGM_NO_ADDRESS ", 'privileges', (SELECT format('on %s %s', "
	"i.type, i.identity) FROM pg_identify_object(g.class, g.id, g.sub) AS i), "
	"g.granted, g.revoked FROM (SELECT o.class, o.id, o.sub, "
	BEYOND("o.acl", "coalesce(v.initprivs, o.usual)") " AS granted, "
	BEYOND("coalesce(v.initprivs, o.usual)", "o.acl") " AS revoked FROM ("
	ACLS("pg_proc", "proacl", "'f'", "proowner")
	IN_ANOTHER("o.pronamespace") "UNION ALL "
	ACLS("pg_class", "relacl",
		 "(CASE o.relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\"",
		 "relowner") IN_ANOTHER("o.relnamespace") "UNION ALL "
	ACLS("pg_language", "lanacl", "'l'", "lanowner") "UNION ALL "
	ACLS("pg_type", "typacl", "'T'", "typowner")
	IN_ANOTHER("o.typnamespace") "UNION ALL "
	ACLS("pg_foreign_data_wrapper", "fdwacl", "'F'", "fdwowner") "UNION ALL "
	ACLS("pg_namespace", "nspacl", "'n'", "nspowner")
	"AND o.nspname <> 'public' " IN_ANOTHER("o.oid") "UNION ALL "
	"SELECT 'pg_class'::regclass, a.attrelid, a.attnum, a.attacl, '{}' "
	"FROM pg_attribute a WHERE a.attacl IS NOT NULL AND "
	OF_OTHERS("pg_class", "a.attrelid") ") AS o (class, id, sub, acl, usual) "
	"LEFT JOIN pg_init_privs v ON v.objoid = o.id AND v.classoid = o.class "
	"AND v.objsubid = o.sub OFFSET 0) AS g "
	"WHERE g.granted IS NOT NULL OR g.revoked IS NOT NULL"
};

PgmQuery *
pgm_schema_privileges_query(void)
{
	return &query;
}
