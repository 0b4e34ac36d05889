/*-------------------------------------------------------------------------
 *
 * imported.c
 *	  Revisions that stand for rows of a ledger, without their SQL.
 *
 * They are made when a ledger is adopted and no file of that version is there.
 * A file of it that comes later would be a second revision of the same, and
 * what is below it would count as not applied; so the load is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/spi.h"
#include "interop/imported.h"
#include "store/content.h"

/* Revisions that the error names. */
#define MAX_NAMED 5

static PgmQuery imported_query = {
	"SELECT id, upgrade, EXISTS (SELECT FROM pgmigrate.mirror m "
	"WHERE upgrade = '-- applied by ' || m.tool || E', not held here\\n') "
	"FROM pgmigrate.revision WHERE downgrade IS NULL "
	"AND upgrade ~ '^-- applied by [a-z_-]+, not held here\\n$' ORDER BY seq"
};

char *
pgm_imported_text(const char *tool)
{
	return psprintf("-- applied by %s, not held here\n", tool);
}

/* Do they begin with the same number, whatever zeros it is written with? */
static bool
same_number(const char *a, const char *b)
{
	size_t		na;
	size_t		nb;

	a += strspn(a, "0");
	b += strspn(b, "0");
	na = strspn(a, "0123456789");
	nb = strspn(b, "0123456789");
	return na > 0 && na == nb && strncmp(a, b, na) == 0 &&
		(a[na] == '\0' || a[na] == '_') && (b[nb] == '\0' || b[nb] == '_');
}

/* Is a file of this revision here that holds something else? */
static bool
has_file(const PgmFormatResult *result, const char *id, const char *upgrade)
{
	for (int i = 0; i < result->nrevisions; i++)
	{
		const PgmFormatRevision *file = &result->revisions[i];

		if (file->id == NULL ||
			pgm_content_same(file->upgrade.text, upgrade))
			continue;
		if (strcmp(file->id, id) == 0 || same_number(file->id, id))
			return true;
	}
	return false;
}

void
pgm_imported_refuse(const PgmFormatResult *result)
{
	PgmSpiScope scope;
	StringInfoData names;
	bool		mirrored = false;
	int			n = 0;
	uint64		rows;

	initStringInfo(&names);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&imported_query, NULL, NULL);
	for (uint64 row = 1; row <= rows; row++)
	{
		const char *id = pgm_spi_text(row, 1);

		if (!has_file(result, id, pgm_spi_text(row, 2)))
			continue;
		mirrored |= pgm_spi_bool(row, 3);
		if (++n <= MAX_NAMED)
			appendStringInfo(&names, "%s\"%s\"", n > 1 ? ", " : "", id);
	}
	if (n > MAX_NAMED)
		appendStringInfoString(&names, " and others");
	if (n > 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("files are of revisions that were imported from a ledger"),
				errdetail("Adopting it made %s, without SQL.", names.data),
				mirrored ?
				errhint("Adopt the ledger again without \"mirror\", forget them with pgmigrate.stamp('base') and pgmigrate.remove(), load the files, and adopt the ledger again.") :
				errhint("Forget them with pgmigrate.stamp('base') and pgmigrate.remove(), load the files, and adopt the ledger again."));
	pgm_spi_end(&scope);
}
