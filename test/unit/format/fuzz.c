/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *	  Fuzz targets of the lexer and of each reader.
 *
 * The input is one file or, behind lines "=name", several.  Besides finding
 * crashes this checks what must hold of any result: that texts hold no
 * transaction control, and that what our own format writes reads back equal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "format/format.h"
#include "sql/lexer.h"

#define MAX_FILES 8

/*
 * Outside of the server nothing frees what palloc gave; over many runs that
 * would be all memory.  So here is a palloc that can forget everything.
 */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
} Chunk;

static Chunk chunks = {&chunks, &chunks};

static void
link_chunk(Chunk *chunk)
{
	chunk->next = chunks.next;
	chunk->previous = &chunks;
	chunks.next->previous = chunk;
	chunks.next = chunk;
}

static void
unlink_chunk(Chunk *chunk)
{
	chunk->next->previous = chunk->previous;
	chunk->previous->next = chunk->next;
}

void *
palloc(Size size)
{
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	link_chunk(chunk);
	return chunk + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	chunk = realloc(chunk, sizeof(Chunk) + size);
	link_chunk(chunk);
	return chunk + 1;
}

void
pfree(void *pointer)
{
	unlink_chunk((Chunk *) pointer - 1);
	free((Chunk *) pointer - 1);
}

char *
pnstrdup(const char *in, Size size)
{
	size_t		len = strnlen(in, size);
	char	   *out = palloc(len + 1);

	memcpy(out, in, len);
	out[len] = '\0';
	return out;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

static void
free_all(void)
{
	while (chunks.next != &chunks)
		pfree(chunks.next + 1);
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition, const char *what)
{
	if (!condition)
	{
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

/*
 * The pieces of a script cover it without gap.
 */
static void
fuzz_sqlscan(const char *data, size_t size)
{
	PgmSqlSplitter splitter;
	PgmSqlItem	item;
	size_t		end = 0;
	int			newlines = 1;

	pgm_sqlscan_splitter(&splitter, data, size, 1);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		require(item.start == end, "gap");
		require(item.end > item.start || item.end == size, "no progress");
		require(item.body >= item.start && item.body_end >= item.body &&
				item.end >= item.body_end && item.end <= size, "order");
		for (size_t i = item.start; i < item.body; i++)
			newlines += data[i] == '\n';
		require(newlines == item.line, "line");
		for (size_t i = item.body; i < item.end; i++)
			newlines += data[i] == '\n';
		end = item.end;
	}
	if (splitter.error == NULL)
		require(end == size, "not all");
}

/*
 * A text that came out must go through once more unchanged.
 */
static void
check_clean(const PgmFormatText *text)
{
	PgmFormatOptions options = {.format = PGM_FORMAT_GOLANG};
	PgmFormatFile file = {.name = "1_a.up.sql"};
	PgmFormatResult result;

	if (text->text == NULL)
		return;
	file.data = text->text;

	file.len = strlen(text->text);
	/* a byte order mark in the text would be taken for the file's */
	if (strncmp(text->text, "\xEF\xBB\xBF", 3) == 0)
		return;
	require(pgm_format_parse(&options, 1, &file, &result), "not clean");
	require(strcmp(result.revisions[0].upgrade.text, text->text) == 0,
			"not clean");
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_round_trip(PgmFormatResult *result)
{
	for (int i = 0; i < result->nrevisions; i++)
	{
		PgmFormatOptions options = {.format = PGM_FORMAT_AUTO};
		PgmFormatRevision *rev = &result->revisions[i];
		PgmFormatRevision *back;
		PgmFormatFile *files;
		PgmFormatError error;
		PgmFormatResult again;
		int			n;

		if (rev->id == NULL)
			rev->id = pstrdup("x");
		require(pgm_format_write(PGM_FORMAT_PGMIGRATE, 1, rev, &n, &files,
								 &error), "not written");
		if (!pgm_format_parse(&options, n, files, &again))
			require(false, again.error.message);
		back = &again.revisions[0];
		require(same_text(rev->message, back->message) &&
				same_text(rev->upgrade.text, back->upgrade.text) &&
				same_text(rev->downgrade.text, back->downgrade.text) &&
				same_text(rev->verify.text, back->verify.text) &&
				rev->nparents == back->nparents &&
				rev->ndepends == back->ndepends &&
				rev->nlabels == back->nlabels &&
				rev->transactional == back->transactional, "not equal");
		require(pgm_format_write(PGM_FORMAT_PLAIN, 1, rev, &n, &files,
								 &error), "not written");
	}
}

static void
fuzz_format(PgmFormat format, const char *data, size_t size)
{
	static const char *const names[] = {
		"auto.sql", "r.sql", "1_a.up.sql", "1_a.sql", "1_a/up.sql", "1_a.sql",
		"1_a.sql", "V1__a.sql", "sqitch.plan", "a.sql", "1_a.sql",
		"1_a/migration.sql", "V1__a.sql", "1_a.sql", "1_a.sql", "1_a.sql",
		"1_a.sql", "1_a.sql", "structure.sql"
	};
	PgmFormatOptions options = {.format = format,.utf8 = size % 2 == 0};
	PgmFormatFile files[MAX_FILES];
	PgmFormatResult result;
	int			n = 1;
	const char *end = data + size;
	const char *p = data;

	files[0].name = names[format];
	files[0].data = data;
	files[0].len = size;
	while (n < MAX_FILES && (p = memchr(p, '\n', end - p)) != NULL)
	{
		const char *eol;

		p++;
		if (p >= end || *p != '=' ||
			(eol = memchr(p, '\n', end - p)) == NULL)
			continue;
		files[n - 1].len = p - files[n - 1].data;
		files[n].name = pnstrdup(p + 1, eol - p - 1);
		files[n].data = eol + 1;
		files[n++].len = end - eol - 1;
		p = eol;
	}
	if (!pgm_format_parse(&options, n, files, &result))
	{
		require(result.error.message != NULL, "no message");
		require(result.error.line >= 0, "line");
		return;
	}
	for (int i = 0; i < result.nrevisions; i++)
	{
		PgmFormatRevision *rev = &result.revisions[i];

		require(rev->upgrade.text != NULL, "no text");
		if (result.format != PGM_FORMAT_PGMIGRATE)
		{
			check_clean(&rev->upgrade);
			check_clean(&rev->downgrade);
			check_clean(&rev->verify);
		}
	}
	check_round_trip(&result);
}

/*
 * The input is the texts of a revision, between zero bytes.
 */
static void
fuzz_roundtrip(const char *data, size_t size)
{
	PgmFormatResult result;
	PgmFormatRevision rev;
	char	   *copy = palloc0(size + 1);
	size_t		pos = 0;
	char	  **texts[4] = {
		&rev.message, &rev.upgrade.text, &rev.downgrade.text, &rev.verify.text
	};

	memset(&rev, 0, sizeof(rev));
	memset(&result, 0, sizeof(result));
	memcpy(copy, data, size);
	rev.id = pstrdup("r");
	rev.message = rev.upgrade.text = pstrdup("");
	for (int i = 0; i < 4 && pos < size; i++)
	{
		*texts[i] = copy + pos;
		pos += strlen(copy + pos) + 1;
	}
	result.revisions = &rev;
	result.nrevisions = 1;
	check_round_trip(&result);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy ends where the input does, so that reading on is found */
	char	   *copy = malloc(size ? size : 1);
	PgmFormat	format;

	memcpy(copy, data, size);
	if (strcmp(TARGET, "sqlscan") == 0)
		fuzz_sqlscan(copy, size);
	else if (strcmp(TARGET, "roundtrip") == 0)
		fuzz_roundtrip(copy, size);
	else if (strcmp(TARGET, "script") == 0)
		fuzz_format(PGM_FORMAT_GOLANG, copy, size);
	else if (pgm_format_by_name(TARGET, &format))
		fuzz_format(format, copy, size);
	else
		abort();
	free(copy);
	free_all();
	return 0;
}
