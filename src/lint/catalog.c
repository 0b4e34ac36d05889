/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  What the rules ask the catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "compat/server.h"
#include "lint/internal.h"

static PgmQuery constraint_query = {
	"SELECT contype::text, confrelid::int8 FROM pg_constraint "
	"WHERE conrelid = $1 AND conname = $2",
	2, {OIDOID, TEXTOID}
};

static PgmQuery index_on_query = {
	"SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = $1 "
	"AND i.indisvalid AND i.indpred IS NULL AND $2 <@ ARRAY(SELECT "
	"a.attname::text FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum "
	"= ANY (i.indkey[0:cardinality($2) - 1])))",
	2, {OIDOID, TEXTARRAYOID}
};

static PgmQuery invalid_query = {
	"SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = $1 "
	"AND NOT indisvalid)",
	1, {OIDOID}
};

static PgmQuery in_use_query = {
	"SELECT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c "
	"ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm') "
	"WHERE a.atttypid = $1 AND NOT a.attisdropped)",
	1, {OIDOID}
};

static PgmQuery domain_query = {
	"SELECT EXISTS (SELECT FROM pg_type t WHERE t.oid = $1 "
	"AND t.typtype = 'd' AND (t.typnotnull OR EXISTS (SELECT "
	"FROM pg_constraint k WHERE k.contypid = t.oid)))",
	1, {OIDOID}
};

static PgmQuery nullable_query = {
	"SELECT n.name FROM unnest($2) WITH ORDINALITY AS n (name, i) "
	"WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.attname = n.name AND a.attnotnull AND NOT a.attisdropped) "
	"ORDER BY n.i",
	2, {OIDOID, TEXTARRAYOID}
};

static PgmQuery column_type_query = {
	"SELECT format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation "
	"IN (0, t.typcollation) THEN '' ELSE ' COLLATE ' || "
	"a.attcollation::regcollation END FROM pg_attribute a "
	"JOIN pg_type t ON t.oid = a.atttypid "
	"WHERE a.attrelid = $1 AND a.attnum = $2",
	2, {OIDOID, INT2OID}
};

static PgmQuery filled_query = {
	"SELECT attnotnull AND NOT atthasdef AND attidentity = '' "
	"FROM pg_attribute WHERE attrelid = $1 AND attnum = $2",
	2, {OIDOID, INT2OID}
};

bool
pgm_lint_constraint(Oid relid, const char *name, char *kind, Oid *other)
{
	PgmSpiScope scope;
	Datum		values[2] = {ObjectIdGetDatum(relid), pgm_text_datum(name)};
	bool		found;

	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&constraint_query, values, NULL) > 0;
	if (found)
	{
		*kind = pgm_spi_text(1, 1)[0];
		*other = (Oid) pgm_spi_int64(1, 2);
	}
	pgm_spi_end(&scope);
	return found;
}

bool
pgm_lint_index_is_invalid(Oid relid)
{
	Datum		value = ObjectIdGetDatum(relid);

	return pgm_spi_one_bool(&invalid_query, &value);
}

Oid
pgm_lint_type(const TypeName *name)
{
	Type		type = name == NULL ? NULL :
		LookupTypeName(NULL, name, NULL, true);
	Oid			oid;

	if (type == NULL)
		return InvalidOid;
	oid = typeTypeId(type);
	ReleaseSysCache(type);
	return oid;
}

bool
pgm_lint_type_in_use(Oid type)
{
	Datum		value = ObjectIdGetDatum(type);

	return OidIsValid(type) && pgm_spi_one_bool(&in_use_query, &value);
}

bool
pgm_lint_domain_has_constraints(Oid type)
{
	Datum		value = ObjectIdGetDatum(type);

	return OidIsValid(type) && get_typtype(type) == TYPTYPE_DOMAIN &&
		pgm_spi_one_bool(&domain_query, &value);
}

static List *
as_strings(List *texts)
{
	List	   *strings = NIL;
	ListCell   *lc;

	foreach(lc, texts)
		strings = lappend(strings, makeString(lfirst(lc)));
	return strings;
}

List *
pgm_lint_nullable(Oid relid, List *columns)
{
	Datum		values[2] = {ObjectIdGetDatum(relid),
	pgm_names_datum(columns)};

	return as_strings(pgm_spi_texts(&nullable_query, values));
}

bool
pgm_lint_must_be_filled(Oid relid, AttrNumber attnum)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int16GetDatum(attnum)};

	return pgm_spi_one_bool(&filled_query, values);
}

bool
pgm_lint_has_index_on(Oid relid, List *columns)
{
	Datum		values[2] = {ObjectIdGetDatum(relid),
	pgm_names_datum(columns)};

	return pgm_spi_one_bool(&index_on_query, values);
}

char *
pgm_lint_column_type(Oid relid, AttrNumber attnum)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int16GetDatum(attnum)};

	return pgm_spi_one_text(&column_type_query, values);
}
