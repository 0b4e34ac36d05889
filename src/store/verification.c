/*-------------------------------------------------------------------------
 *
 * verification.c
 *	  What the server itself says a revision made: pgmigrate.verification.
 *
 * A row counts for the text that was run: with an amended one it is not asked
 * any more, and the next run writes it anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "store/verification.h"

static PgmQuery keep_query = {
	PGM_VERIFICATION_INSERT "VALUES ($1, $2, $3, $4, $5, $6) "
	PGM_VERIFICATION_REPLACE,
	6, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery get_query = {
	"SELECT u.n, v.digest, v.upgrade, v.downgrade, v.objects, v.made "
	"FROM unnest($1) WITH ORDINALITY AS u (revision, n) "
	"JOIN pgmigrate.verification v ON v.revision = u.revision",
	1, {TEXTARRAYOID}
};

/* x is what a later one did something to, $2 an object. */
#define IS_ABOUT \
	"x = $2 OR (starts_with(x, '* ') AND (right($2, length(x) - 1) = " \
	"substr(x, 2) OR position(substr(x, 2) || '.' IN $2) > 0))"

/*
 * Of a later one that left no record, the text is looked at: $3 finds the bare
 * name of the relation in it.  What a table has taken along that is kept until
 * finalize() is not in the text.
 */
static PgmQuery superseded_query = {
	"SELECT FROM pgmigrate.applied a "
	"JOIN pgmigrate.revision r ON r.id = a.revision "
	"LEFT JOIN pgmigrate.verification v ON v.revision = a.revision "
	"AND v.digest = a.digest "
	"WHERE a.revision <> $1 AND coalesce((SELECT row(a.run, a.step) > "
	"row(o.run, o.step) FROM pgmigrate.applied o WHERE o.revision = $1), true) "
	"AND CASE WHEN v.revision IS NULL "
	"THEN r.upgrade ~* $3 OR EXISTS (SELECT FROM pgmigrate.operation o "
	"CROSS JOIN jsonb_array_elements_text("
	"nullif(o.details -> 'gone', 'null')) AS u (x) "
	"WHERE o.revision = a.revision AND o.direction = 'up' "
	"AND o.state IN ('switched', 'finalized') "
	"AND (" IS_ABOUT ")) "
	"ELSE EXISTS (SELECT FROM unnest(v.objects) AS u (x) WHERE " IS_ABOUT
	") END LIMIT 1",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

static char **
copy_texts(int n, char **texts)
{
	char	  **copies = palloc(sizeof(char *) * Max(n, 1));

	for (int i = 0; i < n; i++)
		copies[i] = pstrdup(texts[i]);
	return copies;
}

void
pgm_verification_copy(PgmVerificationRow *row, const char *revision,
					  const char *digest, bool written,
					  const PgmGenerated *generated)
{
	PgmGenerated *copy = palloc0(sizeof(PgmGenerated));

	row->revision = revision;
	row->digest = digest;
	row->written = written;
	row->generated = copy;
	copy->nobjects = generated->nobjects;
	copy->objects = copy_texts(copy->nobjects, generated->objects);
	copy->nmade = generated->nmade;
	copy->made = copy_texts(copy->nmade, generated->made);
	if (generated->upgrade != NULL && !written)
		copy->upgrade = pstrdup(generated->upgrade);
	if (generated->downgrade != NULL && !written)
		copy->downgrade = pstrdup(generated->downgrade);
}

void
pgm_verification_values(const PgmVerificationRow *row, Datum *values,
						bool *nulls)
{
	const PgmGenerated *generated;

	if (row == NULL)
	{
		memset(values, 0, 4 * sizeof(Datum));
		memset(nulls, true, 4 * sizeof(bool));
		return;
	}
	generated = row->generated;
	pgm_set_text(values, nulls, 0, row->written ? NULL : generated->upgrade);
	pgm_set_text(values, nulls, 1, row->written ? NULL : generated->downgrade);
	values[2] = pgm_text_array_datum(generated->nobjects, generated->objects);
	values[3] = pgm_text_array_datum(generated->nmade, generated->made);
	nulls[2] = nulls[3] = false;
}

void
pgm_verification_keep(int n, const PgmVerificationRow *rows)
{
	PgmSpiScope scope;

	if (n == 0)
		return;
	pgm_spi_begin_ledger(&scope);
	for (int i = 0; i < n; i++)
	{
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = pgm_text_datum(rows[i].revision);
		values[1] = pgm_text_datum(rows[i].digest);
		pgm_verification_values(&rows[i], &values[2], &nulls[2]);
		pgm_spi_execute(&keep_query, values, nulls);
	}
	pgm_spi_end(&scope);
}

PgmGenerated **
pgm_verification_get(int n, char **revisions)
{
	PgmGenerated **result = palloc0(sizeof(PgmGenerated *) * Max(n, 1));
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	values[0] = pgm_text_array_datum(n, revisions);
	pgm_spi_begin_ledger(&scope);
	pgm_spi_prefer_index();
	rows = pgm_spi_execute(&get_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		PgmGenerated *generated = MemoryContextAllocZero(scope.outer,
														 sizeof(PgmGenerated));

		result[pgm_spi_int64(i, 1) - 1] = generated;
		generated->digest = pgm_spi_text(i, 2);
		generated->upgrade = pgm_spi_text(i, 3);
		generated->downgrade = pgm_spi_text(i, 4);
		generated->objects = pgm_spi_text_array(i, 5, &generated->nobjects);
		generated->made = pgm_spi_text_array(i, 6, &generated->nmade);
	}
	pgm_spi_end(&scope);
	return result;
}

/* Of what is said about an object, the object. */
static const char *
skip_aspect(const char *title)
{
	static const char *const aspects[] = {"comment of ", "privileges of "};

	for (int i = 0; i < lengthof(aspects); i++)
		if (strncmp(title, aspects[i], strlen(aspects[i])) == 0)
			return title + strlen(aspects[i]);
	return title;
}

/*
 * The name after the schema's, without quotes: of "column a.b.c" b,
 * of "event trigger e" e.
 */
static char *
bare_name(const char *title)
{
	const char *object = skip_aspect(title);
	const char *on = strstr(object, " on ");
	const char *p = on != NULL ? on + 4 : strchr(object, ' ');
	char	   *result = palloc0(strlen(object) + 1);
	bool		quoted = false;
	int			part = 0;
	int			length = 0;

	for (; p != NULL && *p; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == '.' || *p == '('))
		{
			if (part++ > 0)
				break;
			length = 0;
		}
		else if (quoted || *p != ' ')
			result[length++] = *p;
		else if (part == 0)
			length = 0;			/* that was a word of the kind */
	}
	result[length] = '\0';
	return result;
}

/* A regular expression for the name, not for a part of another one. */
static char *
pattern_of(const char *name)
{
	StringInfoData pattern;

	initStringInfo(&pattern);
	appendStringInfoString(&pattern, "(^|[^[:alnum:]_$])");
	for (const char *p = name; *p; p++)
	{
		if (!IS_HIGHBIT_SET(*p) && !isalnum((unsigned char) *p) && *p != '_')
			appendStringInfoChar(&pattern, '\\');
		appendStringInfoChar(&pattern, *p);
	}
	appendStringInfoString(&pattern, "($|[^[:alnum:]_$])");
	return pattern.data;
}

bool
pgm_verification_superseded(const char *revision, const char *object)
{
	PgmSpiScope scope;
	Datum		values[3];
	bool		result;

	values[0] = pgm_text_datum(revision);
	values[1] = pgm_text_datum(object);
	values[2] = pgm_text_datum(pattern_of(bare_name(object)));
	pgm_spi_begin(&scope);
	result = pgm_spi_execute(&superseded_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return result;
}
