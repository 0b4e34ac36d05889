/*-------------------------------------------------------------------------
 *
 * svg.c
 *	  The revision graph as a picture for browsers.
 *
 * Newest first, a row for each revision.  A line of descent keeps the column
 * it began in; a revision stands in the leftmost of the columns that lead to
 * it.  Lines that are depended on are dashed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "base/printable.h"
#include "monitor/internal.h"
#include "monitor/svg.h"

#define ROW 30					/* pixels between rows … */
#define COLUMN 22				/* … and columns */
#define RADIUS 7
#define LABEL_MAX 90			/* characters */
#define CHARACTER 8.6			/* width of one in bold, about */

/* A line from a revision down to a parent, in its column. */
typedef struct Lane
{
	int			parent;			/* -1: free */
	int			child;
} Lane;

typedef struct Layout
{
	const PgmGraph *graph;
	const PgmDrawNode *nodes;
	PgmDrawLine emit;
	void	   *arg;
	int			nlanes;
	int			capacity;
	Lane	   *lanes;
	int		   *row;			/* of each revision … */
	int		   *column;
	StringInfoData buf;
} Layout;

static int
x_of(int column)
{
	return COLUMN / 2 + column * COLUMN;
}

static int
y_of(int row)
{
	return ROW / 2 + row * ROW;
}

/* The first free column, a new one if there is none. */
static int
free_lane(Layout *layout)
{
	for (int i = 0; i < layout->nlanes; i++)
		if (layout->lanes[i].parent < 0)
			return i;
	if (layout->nlanes == layout->capacity)
	{
		layout->capacity *= 2;
		layout->lanes = repalloc(layout->lanes,
								 sizeof(Lane) * layout->capacity);
	}
	layout->lanes[layout->nlanes].parent = -1;
	return layout->nlanes++;
}

static void
flush(Layout *layout)
{
	layout->emit(layout->buf.data, layout->arg);
	resetStringInfo(&layout->buf);
}

/* From the child into the column of the lane, down, and to the parent. */
static void
draw_edge(Layout *layout, int lane)
{
	int			child = layout->lanes[lane].child;
	int			parent = layout->lanes[lane].parent;
	int			x1 = x_of(layout->column[child]);
	int			y1 = y_of(layout->row[child]) + RADIUS;
	int			x = x_of(lane);
	int			x2 = x_of(layout->column[parent]);
	int			y2 = y_of(layout->row[parent]) - RADIUS;
	int			bend = ROW - 2 * RADIUS;

	appendStringInfo(&layout->buf, "<path d=\"M%d %d", x1, y1);
	if (x != x1 && layout->row[parent] > layout->row[child] + 1)
		appendStringInfo(&layout->buf, " C%d %d %d %d %d %d", x1,
						 y1 + bend / 2, x, y1 + bend / 2, x, y1 + bend);
	if (layout->row[parent] > layout->row[child] + 1)
		appendStringInfo(&layout->buf, " L%d %d", x, y2 - bend);
	else
	{
		x = x1;
		bend = y2 - y1;
	}
	appendStringInfo(&layout->buf, " C%d %d %d %d %d %d\"/>", x, y2 - bend / 2,
					 x2, y2 - bend / 2, x2, y2);
	flush(layout);
}

static void
place(Layout *layout, int rev, int row)
{
	PgmRevSet	parents = pgm_graph_parents(layout->graph, rev);
	int			own = -1;

	layout->row[rev] = row;
	for (int i = 0; i < layout->nlanes && own < 0; i++)
		if (layout->lanes[i].parent == rev)
			own = i;
	if (own < 0)
		own = free_lane(layout);
	layout->column[rev] = own;
	for (int i = own; i < layout->nlanes; i++)
	{
		if (layout->lanes[i].parent != rev)
			continue;
		draw_edge(layout, i);
		layout->lanes[i].parent = -1;
	}
	for (int i = 0; i < parents.n; i++)
	{
		int			lane = i == 0 ? own : free_lane(layout);

		layout->lanes[lane].parent = parents.rev[i];
		layout->lanes[lane].child = rev;
	}
}

static void
draw_dependencies(Layout *layout, int rev)
{
	PgmRevSet	depends = pgm_graph_depends(layout->graph, rev);

	for (int i = 0; i < depends.n; i++)
	{
		int			other = depends.rev[i];
		int			x1 = x_of(layout->column[rev]);
		int			y1 = y_of(layout->row[rev]);
		int			x2 = x_of(layout->column[other]);
		int			y2 = y_of(layout->row[other]);

		appendStringInfo(&layout->buf,
						 "<path stroke-dasharray=\"3 3\" d=\"M%d %d C%d %d %d %d %d %d\"/>",
						 x1, y1, x1 + COLUMN, (y1 + y2) / 2, x2 + COLUMN,
						 (y1 + y2) / 2, x2, y2);
		flush(layout);
	}
}

/* What stands right of it, and about how wide that is. */
static char *
label_of(Layout *layout, int rev)
{
	const PgmDrawNode *node = &layout->nodes[rev];
	const char *separator = " (";
	StringInfoData label;

	initStringInfo(&label);
	appendStringInfoString(&label, pgm_graph_id(layout->graph, rev));
	if (node->is_current)
	{
		appendStringInfo(&label, "%scurrent", separator);
		separator = ", ";
	}
	if (pgm_graph_children(layout->graph, rev).n == 0)
	{
		appendStringInfo(&label, "%shead", separator);
		separator = ", ";
	}
	for (int i = 0; i < node->nlabels; i++)
	{
		appendStringInfo(&label, "%s@%s", separator, node->labels[i]);
		separator = ", ";
	}
	if (separator[0] == ',')
		appendStringInfoChar(&label, ')');
	if (node->message != NULL)
		appendStringInfo(&label, "  %s", node->message);
	return pgm_text_cut(pgm_printable_line(label.data), LABEL_MAX);
}

static void
draw_node(Layout *layout, int rev, int x_label, const char *label)
{
	static const char *const fills[] = {
		[PGM_NODE_PENDING] = "#ffffff",
		[PGM_NODE_APPLIED] = "#5fae5f",
		[PGM_NODE_FAILED] = "#d04848",
		[PGM_NODE_CANCELLED] = "#e8e070",
		[PGM_NODE_INTERRUPTED] = "#e08090",
		[PGM_NODE_PARTLY] = "#e8a33d",
		[PGM_NODE_LOST] = "#c8c8c8"
	};
	const PgmDrawNode *node = &layout->nodes[rev];
	int			x = x_of(layout->column[rev]);
	int			y = y_of(layout->row[rev]);

	appendStringInfo(&layout->buf,
					 "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\" stroke=\"#345\" stroke-width=\"%d\"><title>%s</title></circle>",
					 x, y, RADIUS, fills[node->state],
					 node->is_current ? 4 : 2,
					 pgm_node_state_name(node->state));
	appendStringInfo(&layout->buf, "<text x=\"%d\" y=\"%d\"%s>", x_label,
					 y + 5, node->is_current ? " font-weight=\"bold\"" : "");
	pgm_append_html(&layout->buf, label);
	appendStringInfoString(&layout->buf, "</text>");
	flush(layout);
}

/* Edges are drawn before their size is known: lines are kept until then. */
static void
keep_line(const char *line, void *arg)
{
	List	  **lines = arg;

	*lines = lappend(*lines, pstrdup(line));
}

void
pgm_draw_svg(const PgmGraph *graph, const PgmDrawNode *nodes,
			 PgmDrawLine emit, void *arg)
{
	PgmRevSet	order = pgm_graph_topological(graph);
	char	  **labels = palloc(sizeof(char *) * Max(order.n, 1));
	Layout		layout = {graph, nodes};
	List	   *lines = NIL;
	ListCell   *lc;
	int			longest = 0;
	int			width;

	layout.emit = keep_line;
	layout.arg = &lines;
	layout.capacity = 8;
	layout.lanes = palloc(sizeof(Lane) * layout.capacity);
	layout.row = palloc(sizeof(int) * Max(order.n, 1));
	layout.column = palloc(sizeof(int) * Max(order.n, 1));
	initStringInfo(&layout.buf);
	for (int i = 0; i < order.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		place(&layout, order.rev[order.n - 1 - i], i);
	}
	for (int i = 0; i < order.n; i++)
	{
		draw_dependencies(&layout, i);
		labels[i] = label_of(&layout, i);
		longest = Max(longest, pgm_text_columns(labels[i]));
	}

	layout.emit = emit;
	layout.arg = arg;
	width = layout.nlanes * COLUMN + 12 + (int) (longest * CHARACTER);
	appendStringInfo(&layout.buf,
					 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"14\" fill=\"#1d2129\">",
					 width, Max(order.n, 1) * ROW, width,
					 Max(order.n, 1) * ROW);
	flush(&layout);
	emit("<g fill=\"none\" stroke=\"#789\" stroke-width=\"2\">", arg);
	foreach(lc, lines)
		emit(lfirst(lc), arg);
	emit("</g>", arg);
	for (int i = 0; i < order.n; i++)
		draw_node(&layout, i, layout.nlanes * COLUMN + 6, labels[i]);
	emit("</svg>", arg);
}
