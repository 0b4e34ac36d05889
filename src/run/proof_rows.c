/*-------------------------------------------------------------------------
 *
 * proof_rows.c
 *	  The lists of a generated verification, and their queries.
 *
 * One query for each class of objects, over a list of what they are to be; the
 * first column names the object, the second says whether it is so.  They read
 * nothing but the catalogs that everybody may read, by the names of things, so
 * that whoever asks needs no right to what he asks about.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "run/proof_rows.h"

/* No text is longer than this by more than an object. */
#define PGM_GENERATED_MAX (1024 * 1024)

#define JOIN_SCHEMA \
	"LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = e.schema\n"
#define JOIN_RELATION(name) JOIN_SCHEMA \
	"LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid " \
	"AND c.relname = e." name "\n"
#define JOIN_FUNCTION JOIN_SCHEMA \
	"LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid " \
	"AND p.proname = e.name\n" \
	"AND pg_catalog.pg_get_function_identity_arguments(p.oid) = e.arguments\n"
#define JOIN_TYPE JOIN_SCHEMA \
	"LEFT JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid " \
	"AND t.typname = e.name\n"
#define JOIN_PUBLICATION(name) \
	"LEFT JOIN pg_catalog.pg_publication p ON p.pubname = e." name "\n"
#define JOIN_COLUMN JOIN_RELATION("relation") \
	"LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid\n" \
	"AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped\n"

/* How a class is asked for. */
static const struct
{
	const char *columns;		/* of the list, after the object */
	const char *keys;			/* those of them that name it */
	const char *joins;
	const char *holds;
	const char *absent;
}			classes[PGM_PROOF_CLASSES] = {

	[PGM_PROOF_SCHEMA] = {"name", "name",
		"LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = e.name\n",
	"n.oid IS NOT NULL", "n.oid IS NULL"},
	[PGM_PROOF_TYPE] = {"schema, name, kind", "schema, name",
	JOIN_TYPE, "t.typtype::text = e.kind", "t.oid IS NULL"},
	[PGM_PROOF_ENUM] = {"schema, name, labels", "schema, name", JOIN_TYPE,
		"e.labels::text[] <@ ARRAY(SELECT b.enumlabel::text\n"
	"FROM pg_catalog.pg_enum b WHERE b.enumtypid = t.oid)", NULL},
	[PGM_PROOF_DOMAIN] = {"schema, name, type, not_null, \"default\"",
		"schema, name", JOIN_TYPE,
		"pg_catalog.format_type(t.typbasetype, t.typtypmod) = e.type\n"
		"AND t.typnotnull = e.not_null\n"
	"AND t.typdefault IS NOT DISTINCT FROM e.\"default\"", NULL},
	[PGM_PROOF_FUNCTION] = {"schema, name, arguments, kind",
		"schema, name, arguments",
	JOIN_FUNCTION, "p.prokind::text = e.kind", "p.oid IS NULL"},
	[PGM_PROOF_RELATION] = {"schema, name, kind, persistence, row_security, "
		"forced",
		"schema, name, kind", JOIN_RELATION("name"),
		"c.relkind::text = e.kind AND c.relpersistence::text = e.persistence\n"
		"AND c.relrowsecurity = e.row_security "
		"AND c.relforcerowsecurity = e.forced",
	"coalesce(c.relkind::text <> e.kind, true)"},
	[PGM_PROOF_SEQUENCE] = {"schema, name, type, increment, minimum, maximum, "
		"\"start\", cache, cycles", "schema, name", JOIN_RELATION("name")
		"LEFT JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid\n",
		"pg_catalog.format_type(q.seqtypid, NULL) = e.type\n"
		"AND q.seqincrement = e.increment AND q.seqmin = e.minimum\n"
		"AND q.seqmax = e.maximum AND q.seqstart = e.\"start\"\n"
	"AND q.seqcache = e.cache AND q.seqcycle = e.cycles", NULL},
	[PGM_PROOF_COLUMN] = {"schema, relation, name, type, not_null, \"default\", "
		"identity, generated",
		"schema, relation, name", JOIN_COLUMN
		"LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid "
		"AND d.adnum = a.attnum\n",
		"pg_catalog.format_type(a.atttypid, a.atttypmod) = e.type\n"
		"AND a.attnotnull = e.not_null AND a.attidentity::text = e.identity\n"
		"AND a.attgenerated::text = e.generated\n"
		"AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) IS NOT DISTINCT FROM e.\"default\"",
	"a.attnum IS NULL"},
	[PGM_PROOF_INDEX] = {"schema, name, is_unique, valid", "schema, name",
		JOIN_RELATION("name")
		"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid\n",
		"i.indisunique = e.is_unique AND i.indisvalid = e.valid",
	"c.oid IS NULL"},
	[PGM_PROOF_OPTIONS] = {"schema, name, options", "schema, name",
	JOIN_RELATION("name"), "e.options::text[] <@ c.reloptions", NULL},
	[PGM_PROOF_CONSTRAINT] = {"schema, relation, name, type, validated",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid "
		"AND k.conname = e.name\n",
	"k.contype::text = e.type AND k.convalidated = e.validated", "k.oid IS NULL"},
	[PGM_PROOF_TRIGGER] = {"schema, relation, name, enabled",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid "
		"AND t.tgname = e.name AND NOT t.tgisinternal\n",
	"t.tgenabled::text = e.enabled", "t.oid IS NULL"},
	[PGM_PROOF_POLICY] = {"schema, relation, name, command, permissive, roles",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid "
		"AND p.polname = e.name\n",
		"p.polcmd::text = e.command AND p.polpermissive = e.permissive\n"
		"AND ARRAY(SELECT CASE r.id WHEN 0 THEN 'public' "
		"ELSE pg_catalog.pg_get_userbyid(r.id)::text END\n"
		"FROM pg_catalog.unnest(p.polroles) AS r (id)) = e.roles",
	"p.oid IS NULL"},
	[PGM_PROOF_RULE] = {"schema, relation, name, event, instead, enabled",
		"schema, relation, name", JOIN_RELATION("relation")
		"LEFT JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid "
		"AND r.rulename = e.name\n",
		"r.ev_type::text = e.event AND r.is_instead = e.instead\n"
	"AND r.ev_enabled::text = e.enabled", "r.oid IS NULL"},
	[PGM_PROOF_STATISTICS] = {"schema, name, kinds", "schema, name",
		JOIN_SCHEMA "LEFT JOIN pg_catalog.pg_statistic_ext s "
		"ON s.stxnamespace = n.oid AND s.stxname = e.name\n",
		"pg_catalog.array_to_string(s.stxkind, '') = e.kinds",
	"s.oid IS NULL"},
	[PGM_PROOF_EVENT_TRIGGER] = {"name, event, enabled", "name",
		"LEFT JOIN pg_catalog.pg_event_trigger t ON t.evtname = e.name\n",
		"t.evtevent = e.event AND t.evtenabled::text = e.enabled",
	"t.oid IS NULL"},
	[PGM_PROOF_PUBLICATION] = {"name, all_tables, inserts, updates, deletes, "
		"truncates, by_root", "name", JOIN_PUBLICATION("name"),
		"p.puballtables = e.all_tables AND p.pubinsert = e.inserts "
		"AND p.pubupdate = e.updates\nAND p.pubdelete = e.deletes "
	"AND p.pubtruncate = e.truncates AND p.pubviaroot = e.by_root", "p.oid IS NULL"},
	[PGM_PROOF_PUBLISHED] = {"schema, relation, publication",
		"schema, relation, publication",
		JOIN_RELATION("relation") JOIN_PUBLICATION("publication")
		"LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid "
		"AND r.prrelid = c.oid\n",
	"r.oid IS NOT NULL", "r.oid IS NULL"},
	[PGM_PROOF_PUBLISHED_SCHEMA] = {"schema, publication",
		"schema, publication",
		JOIN_SCHEMA JOIN_PUBLICATION("publication")
		"LEFT JOIN pg_catalog.pg_publication_namespace r "
		"ON r.pnpubid = p.oid AND r.pnnspid = n.oid\n",
	"r.oid IS NOT NULL", "r.oid IS NULL"},

	/* objects of users have OIDs from here on */
	[PGM_PROOF_PLAIN] = {"kind, identity", "kind, identity",
		"LEFT JOIN (SELECT i.type, i.identity FROM (\n"
		"  SELECT tableoid AS class, oid FROM pg_catalog.pg_am\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_cast\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_collation\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_conversion\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_extension\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_foreign_data_wrapper\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_foreign_server\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_language\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_opclass\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_operator\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_opfamily\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_transform\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_ts_config\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_ts_dict\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_ts_parser\n"
		"  UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_ts_template) o,\n"
		"pg_catalog.pg_identify_object(o.class, o.oid, 0) i\n"
		"WHERE o.oid >= 16384) o ON o.type = e.kind AND o.identity = e.identity\n",
	"o.identity IS NOT NULL", "o.identity IS NULL"},
	[PGM_PROOF_PRIVILEGES] = {"schema, name, privileges", "schema, name",
		JOIN_RELATION("name"),
	"e.privileges::text[] <@ c.relacl::text[]", NULL},
	[PGM_PROOF_COLUMN_PRIVILEGES] = {"schema, relation, name, privileges",
		"schema, relation, name", JOIN_COLUMN,
	"e.privileges::text[] <@ a.attacl::text[]", NULL},
	[PGM_PROOF_FUNCTION_PRIVILEGES] = {"schema, name, arguments, privileges",
		"schema, name, arguments", JOIN_FUNCTION,
	"e.privileges::text[] <@ p.proacl::text[]", NULL},
	[PGM_PROOF_SCHEMA_PRIVILEGES] = {"name, privileges", "name",
		"LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = e.name\n",
	"e.privileges::text[] <@ n.nspacl::text[]", NULL},

	[PGM_PROOF_COMMENT] = {"kind, identity, comment", "kind, identity",
		"LEFT JOIN (SELECT i.type, i.identity, d.description\n"
		"FROM pg_catalog.pg_description d, "
		"pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i\n"
		"WHERE d.objoid >= 16384) d ON d.type = e.kind AND d.identity = e.identity\n",
	"d.description IS NOT DISTINCT FROM e.comment", NULL},
};

StringInfo
pgm_proof_begin_row(PgmProofLists *lists, PgmProofClass class,
					const char *title)
{
	StringInfo	rows = &lists->rows[class];

	if (lists->total > PGM_GENERATED_MAX)
		return NULL;
	if (rows->data == NULL)
		initStringInfo(rows);
	else
		appendStringInfoString(rows, ",\n  ");
	appendStringInfo(rows, "(%s", quote_literal_cstr(title));
	lists->total += 64;
	return rows;
}

void
pgm_proof_text(StringInfo rows, const char *text)
{
	appendStringInfo(rows, ", %s", text == NULL ? "NULL" :
					 quote_literal_cstr(text));
}

void
pgm_proof_bool(StringInfo rows, bool value)
{
	appendStringInfoString(rows, value ? ", true" : ", false");
}

void
pgm_proof_char(StringInfo rows, char c)
{
	char		text[2] = {c, '\0'};

	pgm_proof_text(rows, text);
}

void
pgm_proof_end_row(PgmProofLists *lists, StringInfo rows)
{
	appendStringInfoChar(rows, ')');
	lists->total += 64;
}

bool
pgm_proof_is_among(const List *titles, const char *title)
{
	ListCell   *lc;

	foreach(lc, titles)
		if (strcmp(lfirst(lc), title) == 0)
		return true;
	return false;
}

void
pgm_proof_absent(PgmProofLists *lists, PgmProofClass class, const char *title,
				 const char *a, const char *b, const char *c)
{
	StringInfo	rows = pgm_proof_begin_row(lists, class, title);

	if (rows == NULL)
		return;
	if (a != NULL)
		pgm_proof_text(rows, a);
	if (b != NULL)
		pgm_proof_text(rows, b);
	if (c != NULL)
		pgm_proof_text(rows, c);
	pgm_proof_end_row(lists, rows);
}

void
pgm_proof_made(PgmProofWriter *writer, const PgmChangedObject *object,
			   PgmProofClass class, char *title, const char *a, const char *b,
			   const char *c)
{
	if (!object->created || pgm_proof_is_among(writer->before, title))
		return;
	writer->made = lappend(writer->made, title);
	pgm_proof_absent(&writer->undone, class, title, a, b, c);
}

StringInfo
pgm_proof_on_relation(PgmProofWriter *writer, const PgmChangedObject *object,
					  PgmProofClass class, char *title, Oid relid,
					  const char *name)
{
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	const char *relation = get_rel_name(relid);
	StringInfo	rows = pgm_proof_begin_row(&writer->there, class, title);

	if (rows != NULL)
	{
		pgm_proof_text(rows, schema);
		pgm_proof_text(rows, relation);
		pgm_proof_text(rows, name);
	}
	pgm_proof_made(writer, object, class, title, schema, relation, name);
	return rows;
}

static void
append_class(StringInfo text, const PgmProofLists *lists, PgmProofClass class,
			 bool absent)
{
	const StringInfoData *rows = &lists->rows[class];

	if (rows->data == NULL)
		return;
	appendStringInfo(text, "%sSELECT e.object,\n%s AS ok\nFROM (VALUES\n  %s\n)",
					 text->len > 0 ? ";\n" : "",
					 absent ? classes[class].absent :
					 psprintf("coalesce(%s, false)", classes[class].holds),
					 rows->data);
	appendStringInfo(text, " AS e (object, %s)\n%s",
					 absent ? classes[class].keys : classes[class].columns,
					 classes[class].joins);
	appendStringInfoString(text, "ORDER BY e.object");
}

char *
pgm_proof_compose(const PgmProofLists *there, const PgmProofLists *gone)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < PGM_PROOF_CLASSES; i++)
	{
		if (there != NULL)
			append_class(&text, there, i, false);
		append_class(&text, gone, i, true);
	}
	return text.len > 0 ? text.data : NULL;
}
