/*-------------------------------------------------------------------------
 *
 * fuzz_target.c
 *	  Arbitrary bytes as graphs, rows and targets, for libFuzzer.
 *
 * The input is lines.  The first byte of a line says what it is: a revision
 * ("id parents|depends|labels"), rows, or a command with its target.  Whatever
 * comes, nothing may crash, every error must have a message, and plans that
 * are made must keep the rows maximal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "graph/graph.h"

#define MAX_WORDS 32

typedef struct Chunk
{
	struct Chunk *prev;
	struct Chunk *next;
} Chunk;

static Chunk chunks = {&chunks, &chunks};

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern void *__wrap_palloc(Size size);
extern void *__wrap_palloc0(Size size);
extern void *__wrap_repalloc(void *pointer, Size size);
extern void __wrap_pfree(void *pointer);
extern char *__wrap_pstrdup(const char *input);
extern char *__wrap_pnstrdup(const char *input, Size len);

void *
__wrap_palloc(Size size)
{
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		abort();
	chunk->prev = &chunks;
	chunk->next = chunks.next;
	chunks.next->prev = chunk;
	chunks.next = chunk;
	return chunk + 1;
}

void *
__wrap_palloc0(Size size)
{
	return memset(__wrap_palloc(size), 0, size);
}

void
__wrap_pfree(void *pointer)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	chunk->prev->next = chunk->next;
	chunk->next->prev = chunk->prev;
	free(chunk);
}

/* Only the text buffers of error messages grow; they are never large. */
void *
__wrap_repalloc(void *pointer, Size size)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;
	Chunk	   *grown = realloc(chunk, sizeof(Chunk) + size);

	if (grown == NULL)
		abort();
	grown->prev->next = grown;
	grown->next->prev = grown;
	return grown + 1;
}

char *
__wrap_pnstrdup(const char *input, Size len)
{
	Size		n = strnlen(input, len);
	char	   *copy = __wrap_palloc(n + 1);

	memcpy(copy, input, n);
	copy[n] = '\0';
	return copy;
}

char *
__wrap_pstrdup(const char *input)
{
	return __wrap_pnstrdup(input, strlen(input));
}

static void
check_that(bool holds, const char *what)
{
	if (!holds)
	{
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static void
check_error(const PgmGraphError *error)
{
	check_that(error->code != PGM_GRAPH_OK, "error without code");
	check_that(error->message && error->message[0], "error without message");
}

static int
split(char *input, const char *separators, char **words)
{
	int			n = 0;
	char	   *save;

	for (char *p = strtok_r(input, separators, &save);
		 p != NULL && n < MAX_WORDS; p = strtok_r(NULL, separators, &save))
		words[n++] = p;
	return n;
}

static void
add_revision(PgmGraph *graph, char *line)
{
	char	   *part[4] = {line, NULL, NULL, NULL};
	char	   *words[3][MAX_WORDS];
	int			n[3] = {0, 0, 0};

	for (int i = 1; i < 4 && part[i - 1] != NULL; i++)
	{
		part[i] = strchr(part[i - 1], i == 1 ? ' ' : '|');
		if (part[i] != NULL)
			*part[i]++ = '\0';
	}
	for (int i = 0; i < 3; i++)
	{
		if (part[i + 1] != NULL)
			n[i] = split(part[i + 1], " ", words[i]);
	}
	pgm_graph_add(graph, part[0], n[0], words[0], n[1], words[1], n[2],
				  words[2]);
}

/* Follow a plan; the rows must be there or new. */
static void
check_plan(const PgmGraph *graph, PgmRevSet rows, const PgmGraphPlan *plan)
{
	int			n = pgm_graph_size(graph);
	int		   *is_row = calloc(n + 1, sizeof(int));

	for (int i = 0; i < rows.n; i++)
		is_row[rows.rev[i]] = 1;
	for (int i = 0; i < plan->nsteps; i++)
	{
		const PgmGraphStep *step = &plan->steps[i];

		for (int k = 0; k < step->rows_removed.n; k++)
			check_that(is_row[step->rows_removed.rev[k]]-- == 1,
					   "removed a row that is not there");
		for (int k = 0; k < step->rows_added.n; k++)
			check_that(is_row[step->rows_added.rev[k]]++ == 0,
					   "added a row that is there");
	}
	free(is_row);
}

static void
run_command(const PgmGraph *graph, PgmRevSet rows, char command,
			const char *target)
{
	PgmGraphError error;
	PgmGraphPlan plan;
	PgmRevSet	set;
	bool		ok;

	if (command == 'G' || command == 'H')
	{
		ok = command == 'G' ?
			pgm_graph_resolve(graph, rows, target, &set, &error) :
			pgm_graph_range(graph, rows, target, &set, &error);
		for (int i = 0; ok && i < set.n; i++)
			check_that(set.rev[i] >= 0 && set.rev[i] < pgm_graph_size(graph),
					   "no such revision");
	}
	else
	{
		ok = command == 'U' ?
			pgm_graph_plan_upgrade(graph, rows, target, &plan, &error) :
			command == 'D' ?
			pgm_graph_plan_downgrade(graph, rows, target, &plan, &error) :
			pgm_graph_plan_stamp(graph, rows, target, &plan, &error);
		if (ok)
			check_plan(graph, rows, &plan);
	}
	if (!ok)
		check_error(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *input = malloc(size + 1);
	PgmGraph   *graph = pgm_graph_create(1);
	PgmRevSet	rows = {0, NULL};
	PgmGraphError error;
	bool		sealed = false;
	char	   *save;

	memcpy(input, data, size);
	input[size] = '\0';

	for (char *line = strtok_r(input, "\n", &save); line != NULL;
		 line = strtok_r(NULL, "\n", &save))
	{
		char	   *words[MAX_WORDS];

		if (line[0] == 'A' && !sealed)
		{
			add_revision(graph, line + 1);
			continue;
		}
		if (!sealed && !pgm_graph_seal(graph, &error))
		{
			check_error(&error);
			break;
		}
		if (!sealed)
		{
			sealed = true;
			check_that(pgm_graph_topological(graph).n == pgm_graph_size(graph),
					   "a revision is missing");
		}
		if (line[0] == 'R')
		{
			PgmRevSet	read;
			int			n = split(line + 1, " ", words);

			if (pgm_graph_rows(graph, n, words, &read, &error))
				rows = read;
			else
				check_error(&error);
		}
		else
			run_command(graph, rows, line[0], line + 1);
	}
	free(input);
	while (chunks.next != &chunks)
		__wrap_pfree(chunks.next + 1);
	return 0;
}
