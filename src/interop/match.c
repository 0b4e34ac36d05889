/*-------------------------------------------------------------------------
 *
 * match.c
 *	  Find the revisions that the rows of another tool's ledger are.
 *
 * By version first: the tools write 7 where a file has 0007.  Where the tool
 * keeps checksums of its files, and the revision was loaded from one, they are
 * compared: a file that was changed after it was applied is not what is in
 * effect.  A row that no revision has the version of may be the one whose file
 * has its checksum: files get renumbered, and some tools have nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "format/format.h"
#include "interop/internal.h"

/* Differing files that are told one by one. */
#define MAX_REPORTED 5

static PgmQuery checksums_query = {
	"SELECT id, source ->> $1, source ->> 'file' FROM pgmigrate.revision "
	"WHERE source ->> $1 IS NOT NULL ORDER BY seq",
	1, {TEXTOID}
};

/* A revision by the key that rows are looked up by. */
typedef struct RevisionKey
{
	const char *key;
	int			revision;
	bool		ambiguous;		/* another one has the same */
} RevisionKey;

/* What is known of the files of revisions, by their numbers in the graph. */
typedef struct Checksums
{
	char	  **checksum;		/* or NULL */
	char	  **file;
	int			nkeys;
	RevisionKey *keys;			/* by checksum */
} Checksums;

/* The digits that a text begins with, without leading zeros; NULL: none. */
static char *
leading_number(const char *text)
{
	size_t		digits = strspn(text, "0123456789");

	if (digits == 0 || (text[digits] != '\0' && text[digits] != '_'))
		return NULL;
	while (digits > 1 && *text == '0')
	{
		text++;

		digits--;
	}
	return pnstrdup(text, digits);
}

static int
key_cmp(const void *a, const void *b)
{
	return strcmp(((const RevisionKey *) a)->key,
				  ((const RevisionKey *) b)->key);
}

static void
sort_keys(RevisionKey *keys, int n)
{
	qsort(keys, n, sizeof(RevisionKey), key_cmp);
	for (int i = 1; i < n; i++)
		if (strcmp(keys[i - 1].key, keys[i].key) == 0)
			keys[i - 1].ambiguous = keys[i].ambiguous = true;
}

static const RevisionKey *
find_key(const char *key, const RevisionKey *keys, int n)
{
	RevisionKey wanted = {key};

	return key == NULL ? NULL :
		bsearch(&wanted, keys, n, sizeof(RevisionKey), key_cmp);
}

/* Revisions whose id is a number, by that number. */
static RevisionKey *
number_keys(const PgmGraph *graph, int *n)
{
	int			size = pgm_graph_size(graph);
	RevisionKey *keys = palloc0(sizeof(RevisionKey) * Max(size, 1));

	*n = 0;
	for (int i = 0; i < size; i++)
	{
		const char *id = pgm_graph_id(graph, i);

		if (id[strspn(id, "0123456789")] != '\0')
			continue;
		keys[*n].key = leading_number(id);
		keys[(*n)++].revision = i;
	}
	sort_keys(keys, *n);
	return keys;
}

static void
read_checksums(const PgmForeignTool *tool, const PgmGraph *graph,
			   Checksums *checksums)
{
	int			size = Max(pgm_graph_size(graph), 1);
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	checksums->checksum = palloc0(sizeof(char *) * size);
	checksums->file = palloc0(sizeof(char *) * size);
	checksums->keys = palloc0(sizeof(RevisionKey) * size);
	checksums->nkeys = 0;
	if (tool->checksum == NULL)
		return;
	values[0] = pgm_text_datum(tool->checksum);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&checksums_query, values, NULL);
	for (uint64 row = 1; row <= rows; row++)
	{
		int			revision = pgm_graph_find(graph, pgm_spi_text(row, 1));

		if (revision < 0)
			continue;
		checksums->checksum[revision] = pgm_spi_text(row, 2);
		checksums->file[revision] = pgm_spi_text(row, 3);
		checksums->keys[checksums->nkeys].key = checksums->checksum[revision];
		checksums->keys[checksums->nkeys++].revision = revision;
	}
	pgm_spi_end(&scope);
	sort_keys(checksums->keys, checksums->nkeys);
}

static void
tell_difference(const PgmForeignTool *tool, const PgmAdoptRow *row,
				const char *checksum, const char *file)
{
	ereport(NOTICE,
			errmsg("revision \"%s\" is not what %s has applied",
				   row->revision, tool->name),
			errdetail("The %s of file \"%s\" was %s, that of the file loaded is %s.",
					  tool->checksum, file, row->checksum, checksum),
			errhint("Load the file as it was when it was applied, or see to it that the difference does not matter."));
}

static void
match_row(const PgmForeignTool *tool, const PgmGraph *graph,
		  const Checksums *checksums, int nnumbers,
		  const RevisionKey *numbers, PgmAdoptRow *row, int *ndiffering)
{
	char	   *id = pgm_format_id(row->version, strlen(row->version));
	int			revision = pgm_graph_find(graph, id);
	const RevisionKey *found;

	if (revision < 0)
	{
		found = find_key(leading_number(row->version), numbers, nnumbers);
		if (found != NULL)
			revision = found->revision;
	}
	if (revision < 0)
	{
		found = find_key(row->checksum, checksums->keys, checksums->nkeys);
		if (found != NULL && !found->ambiguous)
			revision = found->revision;
	}
	if (revision < 0)
		return;
	row->revision = pstrdup(pgm_graph_id(graph, revision));
	row->action = "known";
	if (row->checksum == NULL || checksums->checksum[revision] == NULL ||
		pg_strcasecmp(row->checksum, checksums->checksum[revision]) == 0)
		return;
	row->action = "differs";
	if (++(*ndiffering) <= MAX_REPORTED)
		tell_difference(tool, row, checksums->checksum[revision],
						checksums->file[revision]);
}

void
pgm_adopt_match(const PgmForeignLedger *ledger, const PgmGraph *graph, int n,
				PgmAdoptRow *rows)
{
	Checksums	checksums;
	int			nnumbers;
	RevisionKey *numbers = number_keys(graph, &nnumbers);
	int			ndiffering = 0;

	read_checksums(ledger->tool, graph, &checksums);
	for (int i = 0; i < n; i++)
		match_row(ledger->tool, graph, &checksums, nnumbers, numbers,
				  &rows[i], &ndiffering);
	if (ndiffering > MAX_REPORTED)
		ereport(NOTICE,
				errmsg_plural("%d more revision differs",
							  "%d more revisions differ",
							  ndiffering - MAX_REPORTED, ndiffering - MAX_REPORTED));
}
