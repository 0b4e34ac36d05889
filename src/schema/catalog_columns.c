/*-------------------------------------------------------------------------
 *
 * catalog_columns.c
 *	  How the columns of the catalogs are read to be compared.
 *
 * Of a column only its type is looked at, and what it refers to, which the
 * server tells.  What is read in another way or not at all is on the lists
 * below, each with its reason.  What is on none of them is compared: so a
 * catalog or a column that a later server adds is, without being known here.
 * An OID or a tree of nodes that nothing here can read is compared as it is,
 * which is never the same in two databases: so it is refused, not passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "schema/catalogs.h"
#include "schema/internal.h"

/*
 * Catalogs without objects that are of the schema.  Shared ones are left out
 * too: what they have is of the cluster, but for subscriptions, which no
 * scratch database may have.
 */
static const char *const left_out[] = {
	"pg_init_privs",			/* made by initdb and by extensions */
	"pg_largeobject",			/* data */
	"pg_largeobject_metadata",	/* data */
	"pg_statistic",				/* of data */
	"pg_statistic_ext_data",	/* of data */
	"pg_subscription_rel",		/* state of replication */
	"pg_user_mapping",			/* passwords; not to be read by everybody */
};

/* Which rows of a catalog are looked at. */
static const struct
{
	const char *catalog;
	const char *condition;
}			rows[] = {

	/* those of the server are the same everywhere */
	{"pg_attribute", "t.attnum > 0 AND NOT t.attisdropped AND "
	PGM_NO_DOUBLE("t.attrelid", "t.attname")},

	/* a constraint trigger is a trigger; here it keeps its first name */
	{"pg_constraint", "t.contype <> 't'"},

	/*
	 * Most follows from what the other catalogs say; not that something goes
	 * with an extension, and whose a sequence is.
	 */
	{"pg_depend", "t.deptype = 'x' OR (t.deptype IN ('a', 'i') "
		"AND t.classid = 'pg_class'::regclass "
		"AND t.refclassid = 'pg_class'::regclass AND t.refobjsubid > 0 "
		"AND EXISTS (SELECT FROM pg_class s WHERE s.oid = t.objid "
	"AND s.relkind = 'S'))"},

	/* a large object is data, and so is what is said of it */
	{"pg_description", "t.classoid <> 'pg_largeobject'::regclass"},
	{"pg_seclabel", "t.classoid <> 'pg_largeobject'::regclass"},

	/* one that another names only has nothing of its own */
	{"pg_operator", "t.oprcode <> 0"},

	/* of internal ones, those without a constraint are an extension's */
	{"pg_trigger", "NOT t.tgisinternal OR t.tgconstraint <> 0"},
};

#define RELKIND "(SELECT k.relkind FROM pg_class k WHERE k.oid = t.attrelid)"
#define SORTED(list, relation) \
	"(SELECT string_agg(quote_ident(x.attname), ', ' " \
	"ORDER BY x.attname COLLATE \"C\") FROM pg_attribute x " \
	"WHERE x.attrelid = " relation " AND x.attnum = ANY (" list "::int2[]))"
#define OBJECT(class, object, sub) \
	"(SELECT concat(i.type, ' ', i.identity) " \
	"FROM pg_identify_object(" class ", " object ", " sub ") AS i)"

/* What a trigger of the server's belongs to. */
#define OF_CONSTRAINT OBJECT("'pg_constraint'::regclass", "t.tgconstraint", "0")

/* A multirange and its array have an owner of their own before 17. */
#define NO_MULTIRANGE "t.typtype <> 'm' AND NOT EXISTS (SELECT " \
	"FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'm')"
/* of an array its element, and of a multirange its range */
#define ELEMENT "coalesce((SELECT e.oid FROM pg_type e " \
	"WHERE e.oid = t.typelem AND e.typarray = t.oid), t.oid)"
#define OF_TYPE "coalesce((SELECT r.rngtypid FROM pg_range r " \
	"WHERE r.rngmultitypid = " ELEMENT "), " ELEMENT ")"

/*
 * Columns that are read in another way, or, where there is no SQL, not at all;
 * none for no catalog is for all that have such a column.
 */
static const struct
{
	const char *catalog;
	const char *column;
	const char *sql;
}			columns[] = {
	{NULL, "oid", NULL},		/* its name is the identity */

	/* the server writes expressions so that they read back */
	{"pg_attrdef", "adbin", "pg_get_expr(t.adbin, t.adrelid)"},
	{"pg_class", "relpartbound", "pg_get_expr(t.relpartbound, t.oid)"},
	{"pg_constraint", "conbin", "pg_get_expr(t.conbin, t.conrelid)"},
	{"pg_index", "indexprs", "pg_get_expr(t.indexprs, t.indrelid)"},
	{"pg_index", "indpred", "pg_get_expr(t.indpred, t.indrelid)"},
	{"pg_partitioned_table", "partexprs",
	"pg_get_expr(t.partexprs, t.partrelid)"},
	{"pg_policy", "polqual", "pg_get_expr(t.polqual, t.polrelid)"},
	{"pg_policy", "polwithcheck", "pg_get_expr(t.polwithcheck, t.polrelid)"},
	{"pg_proc", "proargdefaults", "pg_get_expr(t.proargdefaults, 0)"},
	{"pg_proc", "prosqlbody", "pg_get_function_sqlbody(t.oid)"},
	{"pg_publication_rel", "prqual", "pg_get_expr(t.prqual, t.prrelid)"},
	{"pg_rewrite", "ev_action", "pg_get_ruledef(t.oid)"},
	{"pg_rewrite", "ev_qual", NULL},	/* is in that, too */
	{"pg_statistic_ext", "stxexprs", "pg_get_expr(t.stxexprs, t.stxrelid)"},
	{"pg_trigger", "tgqual", "CASE WHEN t.tgqual IS NOT NULL "
	"THEN pg_get_triggerdef(t.oid) END"},
	{"pg_type", "typdefaultbin", "pg_get_expr(t.typdefaultbin, 0)"},
	/* as it was written once, with the names of then */
	{"pg_type", "typdefault",
	"CASE WHEN t.typdefaultbin IS NULL THEN t.typdefault END"},

	/*
	 * New columns come last, so the order is none of a table.  Columns of an
	 * index keep the names that those of its table had.
	 */
	{"pg_attribute", "attname", "CASE WHEN " RELKIND " IN ('i', 'I') "
	"THEN t.attnum::text ELSE quote_ident(t.attname) END"},
	{"pg_attribute", "attnum", "CASE WHEN " RELKIND " IN ('c', 'm', 'v') "
		"THEN row_number() OVER (PARTITION BY t.attrelid "
	"ORDER BY t.attnum)::text END"},
	{"pg_publication_rel", "prattrs", SORTED("t.prattrs", "t.prrelid")},
	{"pg_statistic_ext", "stxkeys", SORTED("t.stxkeys", "t.stxrelid")},
	{"pg_class", "relnatts", NULL}, /* counts those that are dropped, too */
	/* the bound of that partition says it */
	{"pg_partitioned_table", "partdefid", NULL},
	{"pg_inherits", "inhseqno", NULL},	/* has gaps; the model has the order */

	/* in an index, as of the table's column when it was made */
	{"pg_attribute", "attcompression", "CASE WHEN " RELKIND " NOT IN "
	"('i', 'I') THEN nullif(t.attcompression::text, '') END"},
	{"pg_attribute", "attstorage", "CASE WHEN " RELKIND " NOT IN "
	"('i', 'I') THEN t.attstorage::text END"},

	/* values of rows that have none of their own yet, and caches */
	{"pg_attribute", "atthasmissing", NULL},
	{"pg_attribute", "attmissingval", NULL},
	{"pg_attribute", "attcacheoff", NULL},
	/* says nothing, and a dump does not have it */
	{"pg_attribute", "attndims", NULL},
	{"pg_type", "typndims", NULL},
	/* what would be without the parents has no SQL */
	{"pg_attribute", "attislocal", NULL},
	{"pg_attribute", "attinhcount", PGM_YES("t.attinhcount > 0")},
	{"pg_constraint", "conislocal", NULL},
	{"pg_constraint", "coninhcount", PGM_YES("t.coninhcount > 0")},

	/* files, and what VACUUM and ANALYZE keep there */
	{"pg_class", "relfilenode", NULL},
	{"pg_class", "relpages", NULL},
	{"pg_class", "reltuples", NULL},
	{"pg_class", "relallvisible", NULL},
	{"pg_class", "relallfrozen", NULL},
	{"pg_class", "relfrozenxid", NULL},
	{"pg_class", "relminmxid", NULL},
	{"pg_class", "relrewrite", NULL},
	/* of data */
	{"pg_class", "relispopulated", NULL},
	/* hints and counts of what other catalogs have, taken back late */
	{"pg_class", "relhasindex", NULL},
	{"pg_class", "relhasrules", NULL},
	{"pg_class", "relhassubclass", NULL},
	{"pg_class", "relhastriggers", NULL},
	{"pg_class", "relchecks", NULL},
	/* that of an index which was dropped acts as none */
	{"pg_class", "relreplident", "CASE WHEN t.relreplident = 'i' "
		"AND NOT EXISTS (SELECT FROM pg_index r WHERE r.indrelid = t.oid "
	"AND r.indisreplident) THEN 'n' ELSE t.relreplident::text END"},
	/* is there if a column ever needed it; its options can be given */
	{"pg_class", "reltoastrelid", "(SELECT array_agg(o ORDER BY o "
		"COLLATE \"C\")::text FROM pg_class k, unnest(k.reloptions) AS u (o) "
	"WHERE k.oid = t.reltoastrelid)"},

	/* of how it was built; the model has what SQL can say of it */
	{"pg_index", "indcheckxmin", NULL},
	{"pg_index", "indislive", NULL},
	{"pg_index", "indisready", NULL},
	{"pg_index", "indisvalid", NULL},

	/* may be any numbers in the same order */
	{"pg_enum", "enumsortorder", "rank() OVER (PARTITION BY t.enumtypid "
	"ORDER BY t.enumsortorder)::text"},
	/* that of an internal trigger has a number in it */
	{"pg_trigger", "tgname", "CASE WHEN t.tgisinternal "
		"THEN concat(" OF_CONSTRAINT ", ' ', t.tgfoid::regproc) "
	"ELSE quote_ident(t.tgname) END"},
	{"pg_trigger", "tgconstraint", "CASE WHEN t.tgisinternal "
		"THEN " OF_CONSTRAINT " ELSE "
	PGM_YES("t.tgconstraint <> 0") " END"},
	{"pg_type", "typowner",
	"CASE WHEN " NO_MULTIRANGE " THEN t.typowner::regrole::text END"},

	/* of a key it follows from how it was made */
	{"pg_constraint", "connoinherit",
	PGM_YES("t.connoinherit AND t.contype = 'c'")},
	/* one of several that are equal */
	{"pg_constraint", "conindid",
		"CASE WHEN t.contype <> 'f' THEN nullif(t.conindid::regclass::text, '-') "
	"END"},
	{"pg_trigger", "tgconstrindid", NULL},

	/* a way back may not lead to the same; the model has it */
	{"pg_extension", "extversion", NULL},
	/* as the extension itself has it, and of who restores a dump */
	{"pg_extension", "extconfig", NULL},
	{"pg_extension", "extcondition", NULL},
	{"pg_extension", "extowner", NULL},
	/* that of a library of the host, and of the database */
	{"pg_collation", "collversion", NULL},
	{"pg_collation", "collencoding", NULL},

	/* what is named by its class and its OID */
	{"pg_depend", "classid", NULL},
	{"pg_depend", "objid", OBJECT("t.classid", "t.objid", "t.objsubid")},
	{"pg_depend", "objsubid", NULL},
	{"pg_depend", "refclassid", NULL},
	{"pg_depend", "refobjid",
	OBJECT("t.refclassid", "t.refobjid", "t.refobjsubid")},
	{"pg_depend", "refobjsubid", NULL},
	{"pg_description", "classoid", NULL},
	{"pg_description", "objoid",
	OBJECT("t.classoid", "t.objoid", "t.objsubid")},
	{"pg_description", "objsubid", NULL},
	{"pg_seclabel", "classoid", NULL},
	{"pg_seclabel", "objoid", OBJECT("t.classoid", "t.objoid", "t.objsubid")},
	{"pg_seclabel", "objsubid", NULL},
};

/*
 * Of what has privileges by default: from whom, and as what it has them, and
 * which rows can be given others.
 */
static const struct
{
	const char *catalog;
	const char *owner;
	const char *type;
	const char *rows;			/* NULL: all */
}			acls[] = {

	{"pg_attribute", "(SELECT k.relowner FROM pg_class k "
	"WHERE k.oid = t.attrelid)", "'c'"},
	{"pg_class", "t.relowner",
	"(CASE t.relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\""},
	{"pg_foreign_data_wrapper", "t.fdwowner", "'F'"},
	{"pg_foreign_server", "t.srvowner", "'S'"},
	{"pg_language", "t.lanowner", "'l'"},
	{"pg_namespace", "t.nspowner", "'n'"},
	{"pg_proc", "t.proowner", "'f'"},
	{"pg_type", "t.typowner", "'T'", NO_MULTIRANGE},
};

/* Types of the server that put out the name of an OID, faster than others. */
static const struct
{
	const char *catalog;
	const char *type;
}			names[] = {
	{"pg_authid", "regrole"},
	{"pg_class", "regclass"},
	{"pg_collation", "regcollation"},
	{"pg_namespace", "regnamespace"},
	{"pg_operator", "regoperator"},
	{"pg_proc", "regprocedure"},
	{"pg_ts_config", "regconfig"},
	{"pg_ts_dict", "regdictionary"},
	{"pg_type", "regtype"},
};

static const PgmCatalogWhole wholes[] = {
	{"pg_attribute", "'pg_class'::regclass::oid", "t.attrelid",
	"t.attnum::int4"},
	{"pg_depend", "t.classid", "t.objid", "t.objsubid"},
	{"pg_description", "t.classoid", "t.objoid", "t.objsubid"},
	{"pg_enum", "'pg_type'::regclass::oid", "t.enumtypid", "0"},
	{"pg_publication_namespace", "'pg_publication'::regclass::oid",
	"t.pnpubid", "0"},
	{"pg_publication_rel", "'pg_publication'::regclass::oid", "t.prpubid",
	"0"},
	{"pg_range", "'pg_type'::regclass::oid", "t.rngtypid", "0",
	"t.rngtypid::regtype::text"},
	{"pg_seclabel", "t.classoid", "t.objoid", "t.objsubid"},
	/* on the table that a foreign key refers to, too */
	{"pg_trigger", "CASE WHEN t.tgisinternal "
		"THEN 'pg_constraint'::regclass::oid ELSE t.tableoid END",
		"CASE WHEN t.tgisinternal THEN t.tgconstraint ELSE t.oid END", "0",
		"CASE WHEN t.tgisinternal THEN (SELECT k.conrelid::regclass::text "
		"FROM pg_constraint k WHERE k.oid = t.tgconstraint) "
	"ELSE t.tgrelid::regclass::text END"},
	{"pg_type", "t.tableoid", OF_TYPE, "0", OF_TYPE "::regtype::text"},
};

bool
pgm_catalog_is_left_out(const char *catalog)
{
	for (int i = 0; i < lengthof(left_out); i++)
		if (strcmp(left_out[i], catalog) == 0)
			return true;
	return false;
}

const char *
pgm_catalog_rows(const char *catalog)
{
	for (int i = 0; i < lengthof(rows); i++)
		if (strcmp(rows[i].catalog, catalog) == 0)
			return rows[i].condition;
	return "true";
}

const PgmCatalogWhole *
pgm_catalog_whole(const char *catalog)
{
	for (int i = 0; i < lengthof(wholes); i++)
		if (strcmp(wholes[i].catalog, catalog) == 0)
			return &wholes[i];
	return NULL;
}

bool
pgm_catalog_has_names(const char *catalog)
{
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i].catalog, catalog) == 0)
			return true;
	return false;
}

char *
pgm_catalog_name(const char *catalog, const char *oid)
{
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i].catalog, catalog) == 0)
			return psprintf("nullif(nullif((%s)::oid::%s::text, '-'), '0')",
							oid, names[i].type);
	return psprintf("CASE WHEN (%s)::oid <> 0 THEN (SELECT i.identity "
					"FROM pg_identify_object(%s::regclass, %s, 0) AS i) END",
					oid, quote_literal_cstr(catalog), oid);
}

/* Not by whom, nor in which order; whoever owns it is only called so. */
static char *
items_of(const char *acl, const char *owner)
{
	return psprintf("coalesce((SELECT string_agg(DISTINCT i.t, ', ' "
					"ORDER BY i.t) FROM (SELECT concat(CASE e.grantee "
					"WHEN 0 THEN 'PUBLIC' WHEN %s THEN 'OWNER' "
					"ELSE e.grantee::regrole::text END, ' ', "
					"e.privilege_type, CASE WHEN e.is_grantable "
					"THEN ' WITH GRANT OPTION' END) COLLATE \"C\" "
					"FROM aclexplode(%s) AS e) AS i (t)), '')", owner, acl);
}

/* What is there by default may be written down or not. */
static char *
value_of_acl(const PgmCatalogColumn *column, const char *value)
{
	for (int i = 0; i < lengthof(acls); i++)
		if (strcmp(acls[i].catalog, column->catalog) == 0)
			return psprintf("CASE WHEN %s IS NOT NULL AND %s "
							"THEN nullif(%s, %s) END", value,
							acls[i].rows == NULL ? "true" : acls[i].rows,
							items_of(value, acls[i].owner),
							items_of(psprintf("acldefault(%s, %s)",
											  acls[i].type, acls[i].owner),
									 acls[i].owner));
	return items_of(value, "NULL");
}

static char *
value_of_column_number(const PgmCatalogColumn *column, const char *value)
{
	if (!column->is_array)
		return psprintf("(SELECT quote_ident(x.attname) FROM pg_attribute x "
						"WHERE x.attrelid = t.%s AND x.attnum = %s)",
						quote_identifier(column->of), value);
	return psprintf("(SELECT string_agg(coalesce(quote_ident(x.attname), "
					"u.n::text), ', ' ORDER BY u.o) "
					"FROM unnest(%s::int2[]) WITH ORDINALITY AS u (n, o) "
					"LEFT JOIN pg_attribute x ON x.attrelid = t.%s "
					"AND x.attnum = u.n)", value,
					quote_identifier(column->of));
}

/* Roles of a policy have no order. */
static char *
value_of_references(const PgmCatalogColumn *column, const char *value)
{
	bool		roles = strcmp(column->names, "pg_authid") == 0;

	return psprintf("(SELECT string_agg(coalesce(%s, '-'), ', ' ORDER BY %s) "
					"FROM unnest(%s::oid[]) WITH ORDINALITY AS u (r, o))",
					pgm_catalog_name(column->names, "u.r"),
					roles ? "u.r" : "u.o", value);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t		length = strlen(text);

	return length >= strlen(end) &&
		strcmp(text + length - strlen(end), end) == 0;
}

/* PGM_OPTIONS with the version of a column, which is of no schema. */
static char *
value_of_options(const char *value)
{
	return psprintf("CASE WHEN %s IS NOT NULL THEN (SELECT string_agg(o, ', ' "
					"ORDER BY o COLLATE \"C\") FROM unnest(%s) AS u (o) "
					"WHERE o NOT LIKE 'pg\\_attver=%%') END", value, value);
}

char *
pgm_catalog_value(const PgmCatalogColumn *column)
{
	char	   *value = psprintf("t.%s", quote_identifier(column->name));

	for (int i = 0; i < lengthof(columns); i++)
		if ((columns[i].catalog == NULL ||
			 strcmp(columns[i].catalog, column->catalog) == 0) &&
			strcmp(columns[i].column, column->name) == 0)
			return columns[i].sql == NULL ? NULL : pstrdup(columns[i].sql);
	if (strcmp(column->type, "aclitem[]") == 0)
		return value_of_acl(column, value);
	if (strcmp(column->type, "text[]") == 0 &&
		ends_with(column->name, "options"))
		return value_of_options(value);
	if (column->names != NULL && strcmp(column->names, "pg_attribute") == 0)
		return value_of_column_number(column, value);
	if (column->names != NULL && column->is_array)
		return value_of_references(column, value);
	if (column->names != NULL)
		return pgm_catalog_name(column->names, value);
	if (strcmp(column->type, "boolean") == 0)
		return psprintf("CASE WHEN %s THEN 'yes' END", value);
	if (strcmp(column->type, "name") == 0)
		return psprintf("quote_ident(%s)", value);
	return psprintf(strcmp(column->type, "\"char\"") == 0 ?
					"nullif(%s::text, '')" : "%s::text", value);
}
