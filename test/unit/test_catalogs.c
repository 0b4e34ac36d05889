/*-------------------------------------------------------------------------
 *
 * test_catalogs.c
 *	  Rows of catalogs compared, and what of them counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "diff/catalogs.h"
#include "unit.h"

#define COLUMNS 4
#define ROW(catalog, key, ...) \
	{.kind = catalog, .identity = key, .nproperties = COLUMNS, \
	.properties = (char *const *) columns, \
	.values = (char **) (const char *[]) {__VA_ARGS__}}

static const char *const columns[COLUMNS] = {
	".table", "relkind", "relowner", "relacl"
};

static PgmSchemaObject base[] = {
	ROW("pg_class", "app.t", "app.t", "r", "me", NULL),
	ROW("pg_class", "app.v", "app.v", "v", "me", "OWNER SELECT"),
	ROW("pg_default_acl", "me.app.r", NULL, NULL, NULL, "PUBLIC SELECT"),
};

/* What differs, as "catalog key column found/expected". */
static char *
difference(PgmSchemaObject *found, int nfound, PgmSchemaObject *expected,
		   int nexpected, PgmCatalogComparison how)
{
	PgmSchema	sides[2] = {
		{.nobjects = nfound,.objects = found},
		{.nobjects = nexpected,.objects = expected}
	};
	PgmCatalogDifference result;

	how.found = &sides[0];
	how.expected = &sides[1];
	if (!pgm_catalogs_differ(&how, &result))
		return pstrdup("");
	if (result.column == NULL)
		return psprintf("%s %s %s", result.row->kind, result.row->identity,
						result.is_there ? "more" : "less");
	return psprintf("%s %s %s %s/%s", result.row->kind, result.row->identity,
					result.column, result.found ? result.found : "null",
					result.expected ? result.expected : "null");
}

static const PgmCatalogComparison everything = {
	.owners = true,.privileges = true
};
static const PgmCatalogComparison no_owners = {.owners = false};

static void
test_rows(void)
{
	unit_is(difference(base, 3, base, 3, everything), "", "nothing differs");
	unit_is(difference(base, 2, base, 3, everything),
			"pg_default_acl me.app.r less", "a row is missing at the end");
	unit_is(difference(base + 1, 2, base, 3, everything),
			"pg_class app.t less", "a row is missing at the beginning");
	unit_is(difference(base, 3, base + 1, 2, everything),
			"pg_class app.t more", "a row is there that should not be");
	unit_is(difference(NULL, 0, base, 1, everything), "pg_class app.t less",
			"there is nothing");
	unit_is(difference(base, 3, base, 2, no_owners), "",
			"default privileges do not count where privileges do not");
}

static void
test_columns(void)
{
	PgmSchemaObject kind[] = {
		ROW("pg_class", "app.t", "app.t", "p", "me", NULL),
	};
	PgmSchemaObject owner[] = {
		ROW("pg_class", "app.t", "app.t", "r", "you", "PUBLIC SELECT"),
	};
	PgmSchemaObject hidden[] = {
		ROW("pg_class", "app.t", "app.u", "r", "me", NULL),
	};
	PgmSchemaObject shorter[] = {
		{.kind = "pg_class",.identity = "app.t",.nproperties = 1,
			.properties = (char *const *) columns,
		.values = (char **) (const char *[]) {"app.t"}},
	};

	unit_is(difference(kind, 1, base, 1, everything),
			"pg_class app.t relkind p/r", "a column differs");
	unit_is(difference(owner, 1, base, 1, everything),
			"pg_class app.t relowner you/me", "an owner does");
	unit_is(difference(owner, 1, base, 1, no_owners), "",
			"owners and privileges do not count");
	unit_is(difference(hidden, 1, base, 1, everything), "",
			"nor does what is no column");
	unit_is(difference(shorter, 1, base, 1, everything),
			"pg_class app.t relkind null/r", "a column that is not there");
	unit_is(difference(base, 1, shorter, 1, everything),
			"pg_class app.t relkind r/null", "on either side");
}

static bool
is_found(const PgmSchemaObject *row, bool found, void *arg)
{
	return found && strcmp(row->identity, arg) == 0;
}

static void
test_left_alone(void)
{
	PgmCatalogComparison how = everything;
	char		name[] = "app.v";

	how.counts = is_found;
	how.arg = name;
	unit_is(difference(base, 1, NULL, 0, how), "", "a row does not count");
	unit_is(difference(base, 2, NULL, 0, how), "pg_class app.v more",
			"the next one does");
	unit_is(difference(NULL, 0, base, 2, how), "", "on one side only");
}

void
test_catalogs(void)
{
	test_rows();
	test_columns();
	test_left_alone();
}
