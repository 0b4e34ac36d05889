/*-------------------------------------------------------------------------
 *
 * import.c
 *	  Make revisions of the rows of another tool's ledger.
 *
 * Some ledgers hold the SQL that ran: it comes over.  Of the others no more is
 * known than that it was applied, and the revision says so.
 *
 * Most ledgers are a line, so a revision is stored on top of the one of the
 * row before; those that know parents keep their graph.  Where a loaded
 * revision follows there is no room, as that one has its parents already: the
 * row is passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/cancel.h"
#include "base/printable.h"
#include "format/format.h"
#include "interop/imported.h"
#include "interop/internal.h"
#include "sql/statements.h"
#include "store/authoring.h"

/* Rows by their version. */
typedef struct RowKey
{
	const char *version;
	int			row;
} RowKey;

typedef struct Importer
{
	const PgmForeignLedger *ledger;
	int			nrows;
	PgmAdoptRow *rows;
	RowKey	   *keys;
	int			last_known;		/* row, or -1 */
	bool	   *below_known;	/* by row: a known one has it as ancestor */
} Importer;

static int
key_cmp(const void *a, const void *b)
{
	return strcmp(((const RowKey *) a)->version,
				  ((const RowKey *) b)->version);
}

static void
index_rows(Importer *importer)
{
	importer->keys = palloc(sizeof(RowKey) * Max(importer->nrows, 1));
	importer->last_known = -1;
	for (int i = 0; i < importer->nrows; i++)
	{
		importer->keys[i].version = importer->rows[i].version;
		importer->keys[i].row = i;
		if (importer->rows[i].revision != NULL)
			importer->last_known = i;
	}
	qsort(importer->keys, importer->nrows, sizeof(RowKey), key_cmp);
}

/* The row of a version, or -1: what other ledgers have is not ours. */
static int
find_row(const Importer *importer, const char *version)
{
	RowKey		wanted = {version};
	RowKey	   *found = bsearch(&wanted, importer->keys, importer->nrows,
								sizeof(RowKey), key_cmp);

	return found != NULL ? found->row : -1;
}

/* Rows come after their parents, so one pass from the last one is enough. */
static void
mark_below_known(Importer *importer)
{
	importer->below_known = palloc0(sizeof(bool) * Max(importer->nrows, 1));
	for (int i = importer->nrows - 1; i >= 0; i--)
	{
		const PgmAdoptRow *row = &importer->rows[i];

		if (row->nparents < 0)
			importer->below_known[i] = i < importer->last_known;
		else if (row->revision != NULL || importer->below_known[i])
			for (int j = 0; j < row->nparents; j++)
			{
				int			parent = find_row(importer, row->parents[j]);

				if (parent >= 0)
					importer->below_known[parent] = true;
			}
	}
}

/*
 * Can the SQL be stored?  What the old tool could run, as a client, need not
 * be what a server can.  Only the parser has run, so nothing is left behind.
 */
static bool
is_storable(const char *sql, const char *id)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool storable = false;

	PG_TRY();
	{
		PgmSource  *source = pgm_source_parse(sql, PGM_SOURCE_UPGRADE, id);

		pgm_source_check(source, PGM_SOURCE_UPGRADE, false);
		storable = source->nstatements > 0;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (pgm_caught_cancel() ||
			geterrcode() == ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return storable;
}

/* The revisions of some versions of the ledger, as far as there are any. */
static char **
revisions_of(const Importer *importer, int n, char **versions, int *nrevisions)
{
	char	  **revisions = palloc(sizeof(char *) * Max(n, 1));

	*nrevisions = 0;
	for (int i = 0; i < n; i++)
	{
		int			row = find_row(importer, versions[i]);

		if (row >= 0 && importer->rows[row].revision != NULL)
			revisions[(*nrevisions)++] = importer->rows[row].revision;
	}
	return revisions;
}

static void
import(Importer *importer, int i)
{
	const PgmForeignTool *tool = importer->ledger->tool;
	PgmAdoptRow *row = &importer->rows[i];
	PgmRevision revision = {0};

	revision.id = pgm_format_id(row->version, strlen(row->version));
	revision.message = pgm_text_cut(row->message && *row->message ?
									row->message : row->version,
									PGM_MESSAGE_MAX / 4);
	if (row->upgrade != NULL && is_storable(row->upgrade, revision.id))
	{
		/* who could write the ledger wrote the SQL, not who adopts it */
		revision.upgrade = row->upgrade;
		revision.author_role = importer->ledger->owner;
	}
	else
		revision.upgrade = pgm_imported_text(tool->name);
	revision.transactional = PGM_UNSET;
	if (row->nparents >= 0)
		revision.parents = revisions_of(importer, row->nparents, row->parents,
										&revision.nparents);
	else if (!tool->heads && i > 0 && importer->rows[i - 1].revision != NULL)
	{
		revision.parents = &importer->rows[i - 1].revision;
		revision.nparents = 1;
	}
	revision.depends = revisions_of(importer, row->ndepends, row->depends,
									&revision.ndepends);
	pgm_author_store(&revision, true, true);
	row->revision = revision.id;
	row->action = "imported";
}

void
pgm_adopt_import(const PgmForeignLedger *ledger, int n, PgmAdoptRow *rows)
{
	Importer	importer = {ledger, n, rows};

	index_rows(&importer);
	mark_below_known(&importer);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (rows[i].revision != NULL)
			continue;
		if (importer.below_known[i] && !ledger->tool->heads)
			rows[i].action = "skipped";
		else
			import(&importer, i);
	}
}
