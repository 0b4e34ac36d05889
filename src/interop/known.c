/*-------------------------------------------------------------------------
 *
 * known.c
 *	  Stored revisions by their content, for files without an id.
 *
 * The content is the message and the texts, but for how a file is saved.  A
 * stored revision stands for one file of a call: two files of the same content
 * are two revisions, then and when they are loaded again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/spi.h"
#include "interop/known.h"
#include "store/content.h"

typedef struct KnownContent
{
	char	   *id;
	char	   *message;
	char	   *digest;			/* pgm_content_digest() of the texts */
	bool		taken;
} KnownContent;

struct PgmKnown
{
	int			n;
	KnownContent *contents;
};

static PgmQuery contents_query = {
	"SELECT id, message, upgrade, downgrade, verify, transactional "
	"FROM pgmigrate.revision ORDER BY seq"
};

static int
content_cmp(const KnownContent *a, const char *digest, const char *message)
{
	int			cmp = strcmp(a->digest, digest);

	return cmp ? cmp : strcmp(a->message, message);
}

static int
known_cmp(const void *a, const void *b)
{
	const KnownContent *other = b;

	return content_cmp(a, other->digest, other->message);
}

/* The digest of the texts in a row of contents_query. */
static char *
row_digest(uint64 row)
{
	char	   *texts[3];
	char	   *digest;

	for (int i = 0; i < lengthof(texts); i++)
		texts[i] = pgm_spi_text(row, 3 + i);
	digest = pgm_content_digest(texts[0], texts[1], texts[2],
								pgm_spi_isnull(row, 6) ? PGM_UNSET :
								pgm_spi_bool(row, 6) ? PGM_TRUE : PGM_FALSE);
	for (int i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL)
			pfree(texts[i]);
	}
	return digest;
}

static PgmKnown *
load(void)
{
	PgmKnown   *known = palloc(sizeof(PgmKnown));
	PgmSpiScope scope;
	MemoryContext old;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&contents_query, NULL, NULL);
	known->contents = MemoryContextAllocHuge(scope.outer,
											 sizeof(KnownContent) *
											 Max(rows, 1));
	old = MemoryContextSwitchTo(scope.outer);
	for (uint64 i = 0; i < rows; i++)
	{
		KnownContent *content = &known->contents[i];

		CHECK_FOR_INTERRUPTS();
		content->id = pgm_spi_text(i + 1, 1);
		content->message = pgm_spi_text(i + 1, 2);
		content->digest = row_digest(i + 1);
		content->taken = false;
	}
	MemoryContextSwitchTo(old);
	pgm_spi_end(&scope);
	known->n = (int) rows;
	qsort(known->contents, rows, sizeof(KnownContent), known_cmp);
	return known;
}

PgmRevision *
pgm_known_take(PgmKnown **known, const PgmRevision *revision)
{
	KnownContent *contents;
	int			low = 0;
	int			high;

	if (*known == NULL)
		*known = load();
	contents = (*known)->contents;
	high = (*known)->n;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (content_cmp(&contents[middle], revision->digest,
						revision->message) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < (*known)->n &&
		 content_cmp(&contents[low], revision->digest,
					 revision->message) == 0; low++)
	{
		if (contents[low].taken)
			continue;
		contents[low].taken = true;
		return pgm_revision_get(contents[low].id);
	}
	return NULL;
}
