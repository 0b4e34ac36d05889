/*-------------------------------------------------------------------------
 *
 * line_diff.c
 *	  What differs between two texts, line by line.
 *
 * The shortest script by Myers, "An O(ND) Difference Algorithm and Its
 * Variations" (1986), between what the texts have in common at their begin and
 * end.  It keeps one row for each difference to find its way back, so where
 * there are too many all that is between is told as replaced.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "base/printable.h"
#include "monitor/line_diff.h"

#define PGM_DIFF_CONTEXT 3

/* Lines that differ, at most; rows of the way back take its square in ints. */
#define PGM_DIFF_MOST 1000

/* Texts that are longer together are not split. */
#define PGM_DIFF_MOST_BYTES (8 * 1024 * 1024)

typedef struct Line
{
	const char *text;
	int			length;
	uint32		hash;
} Line;

typedef struct Lines
{
	Line	   *lines;
	int			n;
} Lines;

/* Which lines of either text are not in the other one. */
typedef struct Marks
{
	bool	   *removed;
	bool	   *added;
} Marks;

static Lines
split(const char *text)
{
	Lines		result = {NULL, 0};
	int			size = 64;

	result.lines = palloc(sizeof(Line) * size);
	while (*text != '\0')
	{
		const char *end = text + strcspn(text, "\n");
		Line	   *line;

		if (result.n == size)
		{
			size *= 2;
			result.lines = repalloc_huge(result.lines, sizeof(Line) * size);
		}
		line = &result.lines[result.n++];
		line->text = text;
		line->length = end - text;
		line->hash = hash_bytes((const unsigned char *) text, line->length);
		text = *end != '\0' ? end + 1 : end;
	}
	return result;
}

static bool
same(const Line *a, const Line *b)
{
	return a->hash == b->hash && a->length == b->length &&
		memcmp(a->text, b->text, a->length) == 0;
}

/* From the end of both, one difference after the other. */
static void
walk_back(int **rows, int d, int x, int y, int first, Marks *marks)
{
	for (; d > 0; d--)
	{
		const int  *row = rows[d - 1] + (d - 1);
		int			k = x - y;
		bool		down = k == -d ||
			(k != d && row[k - 1] < row[k + 1]);
		int			from = down ? k + 1 : k - 1;
		int			from_x = row[from];
		int			from_y = from_x - from;

		if (down)
			marks->added[first + from_y] = true;
		else
			marks->removed[first + from_x] = true;
		x = from_x;
		y = from_y;
	}
}

/* rows[d] has how far d differences lead on diagonal k, at place k + d. */
static bool
find_script(const Line *a, int n, const Line *b, int m, int first,
			Marks *marks)
{
	int			most = Min(PGM_DIFF_MOST, n + m);
	int		  **rows = palloc(sizeof(int *) * (most + 1));

	for (int d = 0; d <= most; d++)
	{
		const int  *last = d > 0 ? rows[d - 1] + (d - 1) : NULL;
		int		   *row = palloc(sizeof(int) * (2 * d + 1));

		CHECK_FOR_INTERRUPTS();
		rows[d] = row;
		row += d;
		for (int k = -d; k <= d; k += 2)
		{
			int			x = 0;

			if (d > 0)
				x = k == -d || (k != d && last[k - 1] < last[k + 1]) ?
					last[k + 1] : last[k - 1] + 1;
			while (x < n && x - k < m && same(&a[x], &b[x - k]))
				x++;
			row[k] = x;
			if (x >= n && x - k >= m)
			{
				walk_back(rows, d, x, x - k, first, marks);
				return true;
			}
		}
	}
	return false;
}

static void
mark(const Lines *a, const Lines *b, Marks *marks)
{
	int			first = 0;
	int			n = a->n;
	int			m = b->n;

	while (first < n && first < m && same(&a->lines[first], &b->lines[first]))
		first++;
	while (n > first && m > first &&
		   same(&a->lines[n - 1], &b->lines[m - 1]))
	{
		n--;
		m--;
	}
	if (find_script(a->lines + first, n - first, b->lines + first, m - first,
					first, marks))
		return;
	memset(marks->removed + first, true, n - first);
	memset(marks->added + first, true, m - first);
}

static void
put(StringInfo out, char sign, const Line *line)
{
	appendStringInfo(out, "%c%s\n", sign,
					 pgm_printable(pnstrdup(line->text, line->length)));
}

/* As diff -u has it: an empty range begins at the line before. */
static void
put_range(StringInfo out, char sign, int first, int n)
{
	appendStringInfo(out, "%c%d", sign, n > 0 ? first + 1 : first);
	if (n != 1)
		appendStringInfo(out, ",%d", n);
}

/* Lines in common from here on, as many as part two hunks. */
static int
common(const Lines *a, const Lines *b, const Marks *marks, int i, int j)
{
	int			n = 0;

	while (n <= 2 * PGM_DIFF_CONTEXT && i + n < a->n && j + n < b->n &&
		   !marks->removed[i + n] && !marks->added[j + n])
		n++;
	return n;
}

/* From the difference at lines i and j, as far as others are near. */
static void
put_hunk(StringInfo out, const Lines *a, const Lines *b, const Marks *marks,
		 int *i, int *j)
{
	int			before = Min(PGM_DIFF_CONTEXT, Min(*i, *j));
	int			first_i = *i - before;
	int			first_j = *j - before;
	StringInfoData lines;
	bool		over = false;

	initStringInfo(&lines);
	for (int c = first_i; c < *i; c++)
		put(&lines, ' ', &a->lines[c]);
	while (!over)
	{
		int			n = common(a, b, marks, *i, *j);

		over = n > 2 * PGM_DIFF_CONTEXT || (*i + n >= a->n && *j + n >= b->n);
		if (over)
			n = Min(n, PGM_DIFF_CONTEXT);
		for (int c = 0; c < n; c++)
			put(&lines, ' ', &a->lines[(*i)++]);
		*j += n;
		while (!over && marks->removed[*i])
			put(&lines, '-', &a->lines[(*i)++]);
		while (!over && marks->added[*j])
			put(&lines, '+', &b->lines[(*j)++]);
	}
	appendStringInfoString(out, "@@ ");
	put_range(out, '-', first_i, *i - first_i);
	appendStringInfoChar(out, ' ');
	put_range(out, '+', first_j, *j - first_j);
	appendStringInfo(out, " @@\n%s", lines.data);
}

void
pgm_line_diff(StringInfo out, const char *before, const char *after)
{
	Lines		a;
	Lines		b;
	Marks		marks;
	int			length = out->len;
	int			i = 0;
	int			j = 0;

	if (strcmp(before, after) == 0)
		return;
	if (strlen(before) + strlen(after) > PGM_DIFF_MOST_BYTES)
	{
		appendStringInfoString(out, "They differ, and are too long to be compared by lines.\n");
		return;
	}
	a = split(before);
	b = split(after);
	marks.removed = palloc0(a.n + 1);
	marks.added = palloc0(b.n + 1);
	mark(&a, &b, &marks);
	while (i < a.n || j < b.n)
	{
		if (marks.removed[i] || marks.added[j])
			put_hunk(out, &a, &b, &marks, &i, &j);
		else
		{
			i++;
			j++;
		}
	}
	if (out->len == length)
		appendStringInfoString(out, "They differ in the end of the last line.\n");
}
