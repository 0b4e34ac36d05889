/*-------------------------------------------------------------------------
 *
 * picture.c
 *	  The revision graph as a picture.
 *
 * The text form reads as "git log --graph": newest first, a lane for each line
 * of descent that is still open.  A lane holds the revision it leads down to;
 * lanes that lead to the same one run together above it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "graph/picture.h"

typedef struct Lanes
{
	int			n;
	int			capacity;
	int		   *rev;
} Lanes;

typedef struct Drawing
{
	const PgmGraph *graph;
	const PgmDrawNode *nodes;
	Lanes		lanes;
	StringInfoData line;
	PgmDrawLine emit;
	void	   *arg;
} Drawing;

static const char *const state_names[] = {
	[PGM_NODE_PENDING] = "pending",
	[PGM_NODE_APPLIED] = "applied",
	[PGM_NODE_FAILED] = "failed",
	[PGM_NODE_CANCELLED] = "cancelled",
	[PGM_NODE_INTERRUPTED] = "interrupted",
	[PGM_NODE_PARTLY] = "partly applied",
	[PGM_NODE_LOST] = "lost"
};

const char *
pgm_node_state_name(PgmNodeState state)
{
	return state_names[state];
}

PgmNodeState
pgm_node_state(const char *name)
{
	for (int i = 0; i < lengthof(state_names); i++)
		if (strcmp(state_names[i], name) == 0)
			return i;
	elog(ERROR, "unrecognized state of a revision: %s", name);
}

/* Not everybody knows the sign or the colour of what is rare. */
static bool
is_named_state(PgmNodeState state)
{
	return state == PGM_NODE_CANCELLED || state == PGM_NODE_INTERRUPTED ||
		state == PGM_NODE_PARTLY || state == PGM_NODE_LOST;
}

static void
insert_lane(Lanes *lanes, int at, int rev)
{
	if (lanes->n == lanes->capacity)
	{
		lanes->capacity = Max(8, lanes->capacity * 2);
		lanes->rev = lanes->rev == NULL ?
			palloc(sizeof(int) * lanes->capacity) :
			repalloc(lanes->rev, sizeof(int) * lanes->capacity);
	}
	memmove(&lanes->rev[at + 1], &lanes->rev[at],
			sizeof(int) * (lanes->n - at));
	lanes->rev[at] = rev;
	lanes->n++;
}

static void
remove_lane(Lanes *lanes, int at)
{
	memmove(&lanes->rev[at], &lanes->rev[at + 1],
			sizeof(int) * (lanes->n - at - 1));
	lanes->n--;
}

static int
find_lane(const Lanes *lanes, int from, int rev)
{
	for (int i = from; i < lanes->n; i++)
		if (lanes->rev[i] == rev)
			return i;
	return -1;
}

static void
end_line(Drawing *drawing)
{
	StringInfo	line = &drawing->line;

	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
	drawing->emit(line->data, drawing->arg);
	resetStringInfo(line);
}

/* Lanes 'from' on lead to the same revision as lane 'to': "| | |" to "|_|/". */
static void
draw_join(Drawing *drawing, int to, int from)
{
	for (int i = 0; i < drawing->lanes.n; i++)
	{
		if (i == from)
			appendStringInfoChar(&drawing->line, ' ');
		else
			appendStringInfoChar(&drawing->line, '|');
		if (i == from - 1)
			appendStringInfoChar(&drawing->line, '/');
		else if (i > to && i < from - 1)
			appendStringInfoChar(&drawing->line, '_');
		else if (i == to && i < from - 1)
			appendStringInfoChar(&drawing->line, '_');
		else
			appendStringInfoChar(&drawing->line, ' ');
	}
	end_line(drawing);
}

/* One lane more right of lane 'at': "|\ \". */
static void
draw_fork(Drawing *drawing, int at)
{
	for (int i = 0; i < drawing->lanes.n; i++)
	{
		if (i <= at)
			appendStringInfoChar(&drawing->line, '|');
		else
			appendStringInfoChar(&drawing->line, ' ');
		appendStringInfoChar(&drawing->line, i < at ? ' ' : '\\');
	}
	end_line(drawing);
}

/* Lane 'at' has ended, those right of it close up: "| /". */
static void
draw_close(Drawing *drawing, int at)
{
	if (at == drawing->lanes.n - 1)
		return;
	for (int i = 0; i < drawing->lanes.n - 1; i++)
	{
		appendStringInfoChar(&drawing->line, i < at ? '|' : ' ');
		appendStringInfoChar(&drawing->line, i < at ? ' ' : '/');
	}
	end_line(drawing);
}

static void
append_one_line(StringInfo buf, const char *text)
{
	for (; *text != '\0' && *text != '\n' && *text != '\r'; text++)
		appendStringInfoChar(buf, *text);
}

static void
append_labels(Drawing *drawing, int rev)
{
	const char *separator = " (";
	PgmRevSet	depends = pgm_graph_depends(drawing->graph, rev);
	const PgmDrawNode *node = &drawing->nodes[rev];

	if (is_named_state(node->state))
	{
		appendStringInfo(&drawing->line, "%s%s", separator,
						 pgm_node_state_name(node->state));
		separator = ", ";
	}
	if (node->is_current)
	{
		appendStringInfo(&drawing->line, "%scurrent", separator);
		separator = ", ";
	}
	if (pgm_graph_children(drawing->graph, rev).n == 0)
	{
		appendStringInfo(&drawing->line, "%shead", separator);
		separator = ", ";
	}
	for (int i = 0; i < node->nlabels; i++)
	{
		appendStringInfo(&drawing->line, "%s@%s", separator, node->labels[i]);
		separator = ", ";
	}
	for (int i = 0; i < depends.n; i++)
	{
		appendStringInfo(&drawing->line, "%s%s%s",
						 i == 0 ? separator : " and ",
						 i == 0 ? "needs " : "",
						 pgm_graph_id(drawing->graph, depends.rev[i]));
		separator = ", ";
	}
	if (separator[0] == ',')
		appendStringInfoChar(&drawing->line, ')');
}

static void
draw_node(Drawing *drawing, int rev, int lane, bool utf8)
{
	/* circles, crosses, half a circle, question mark */
	static const char *const marks[][2] = {
		[PGM_NODE_PENDING] = {"o", "\xe2\x97\x8b"},
		[PGM_NODE_APPLIED] = {"*", "\xe2\x97\x8f"},
		[PGM_NODE_FAILED] = {"x", "\xe2\x9c\x97"},
		[PGM_NODE_CANCELLED] = {"x", "\xe2\x9c\x97"},
		[PGM_NODE_INTERRUPTED] = {"x", "\xe2\x9c\x97"},
		[PGM_NODE_PARTLY] = {"%", "\xe2\x97\x90"},
		[PGM_NODE_LOST] = {"?", "?"}
	};
	const PgmDrawNode *node = &drawing->nodes[rev];

	for (int i = 0; i < drawing->lanes.n; i++)
		appendStringInfo(&drawing->line, "%s ", i == lane ?
						 marks[node->state][utf8] : "|");
	appendStringInfo(&drawing->line, " %s", pgm_graph_id(drawing->graph, rev));
	append_labels(drawing, rev);
	if (node->message != NULL)
	{
		appendStringInfoString(&drawing->line, "  ");
		append_one_line(&drawing->line, node->message);
	}
	end_line(drawing);
}

static void
draw_revision(Drawing *drawing, int rev, bool utf8)
{
	Lanes	   *lanes = &drawing->lanes;
	PgmRevSet	parents = pgm_graph_parents(drawing->graph, rev);
	int			lane = find_lane(lanes, 0, rev);
	int			other;

	if (lane < 0)
	{
		lane = lanes->n;
		insert_lane(lanes, lane, rev);
	}
	while ((other = find_lane(lanes, lane + 1, rev)) >= 0)
	{
		draw_join(drawing, lane, other);
		remove_lane(lanes, other);
	}
	draw_node(drawing, rev, lane, utf8);

	if (parents.n == 0)
	{
		draw_close(drawing, lane);
		remove_lane(lanes, lane);
		return;
	}
	lanes->rev[lane] = parents.rev[0];
	for (int i = 1; i < parents.n; i++)
	{
		draw_fork(drawing, lane + i - 1);
		insert_lane(lanes, lane + i, parents.rev[i]);
	}
}

void
pgm_draw_text(const PgmGraph *graph, const PgmDrawNode *nodes, bool utf8,
			  PgmDrawLine emit, void *arg)
{
	Drawing		drawing = {0};
	PgmRevSet	order = pgm_graph_topological(graph);

	drawing.graph = graph;
	drawing.nodes = nodes;
	drawing.emit = emit;
	drawing.arg = arg;
	initStringInfo(&drawing.line);
	for (int i = order.n - 1; i >= 0; i--)
	{
		CHECK_FOR_INTERRUPTS();
		draw_revision(&drawing, order.rev[i], utf8);
	}
}

static const char *
state_colour(PgmNodeState state)
{
	switch (state)
	{
		case PGM_NODE_PENDING:
			return "white";
		case PGM_NODE_APPLIED:
			return "palegreen";
		case PGM_NODE_FAILED:
			return "lightcoral";
		case PGM_NODE_CANCELLED:
			return "lightyellow";
		case PGM_NODE_INTERRUPTED:
			return "lightpink";
		case PGM_NODE_PARTLY:
			return "orange";
		case PGM_NODE_LOST:
			return "lightgray";
	}
	return NULL;				/* keep compiler quiet */
}

/* Text inside of double quotes of dot. */
static void
append_dot(StringInfo buf, const char *text)
{
	for (; *text != '\0' && *text != '\n' && *text != '\r'; text++)
	{
		if (*text == '"' || *text == '\\')
			appendStringInfoChar(buf, '\\');
		appendStringInfoChar(buf, *text);
	}
}

static void
dot_edge(Drawing *drawing, int from, int to, const char *style)
{
	appendStringInfoString(&drawing->line, "    \"");
	append_dot(&drawing->line, pgm_graph_id(drawing->graph, from));
	appendStringInfoString(&drawing->line, "\" -> \"");
	append_dot(&drawing->line, pgm_graph_id(drawing->graph, to));
	appendStringInfo(&drawing->line, "\"%s;", style);
	end_line(drawing);
}

void
pgm_draw_dot(const PgmGraph *graph, const PgmDrawNode *nodes,
			 PgmDrawLine emit, void *arg)
{
	Drawing		drawing = {0};

	drawing.graph = graph;
	drawing.emit = emit;
	drawing.arg = arg;
	initStringInfo(&drawing.line);
	emit("digraph pgmigrate {", arg);
	emit("    rankdir = BT;", arg);
	emit("    node [shape = box, style = filled];", arg);
	for (int i = 0; i < pgm_graph_size(graph); i++)
	{
		appendStringInfoString(&drawing.line, "    \"");
		append_dot(&drawing.line, pgm_graph_id(graph, i));
		appendStringInfoString(&drawing.line, "\" [label = \"");
		append_dot(&drawing.line, pgm_graph_id(graph, i));
		if (nodes[i].message != NULL)
		{
			appendStringInfoString(&drawing.line, "\\n");
			append_dot(&drawing.line, nodes[i].message);
		}
		if (is_named_state(nodes[i].state))
			appendStringInfo(&drawing.line, "\\n%s",
							 pgm_node_state_name(nodes[i].state));
		appendStringInfo(&drawing.line, "\", fillcolor = %s%s];",
						 state_colour(nodes[i].state),
						 nodes[i].is_current ? ", penwidth = 3" : "");
		end_line(&drawing);
	}
	for (int i = 0; i < pgm_graph_size(graph); i++)
	{
		PgmRevSet	parents = pgm_graph_parents(graph, i);
		PgmRevSet	depends = pgm_graph_depends(graph, i);

		for (int j = 0; j < parents.n; j++)
			dot_edge(&drawing, i, parents.rev[j], "");
		for (int j = 0; j < depends.n; j++)
			dot_edge(&drawing, i, depends.rev[j], " [style = dashed]");
	}
	emit("}", arg);
}

/* Text inside of double quotes of mermaid, which knows HTML entities only. */
static void
append_mermaid(StringInfo buf, const char *text)
{
	for (; *text != '\0' && *text != '\n' && *text != '\r'; text++)
	{
		switch (*text)
		{
			case '"':
				appendStringInfoString(buf, "#quot;");
				break;
			case '#':
				appendStringInfoString(buf, "#35;");
				break;
			case '<':
				appendStringInfoString(buf, "#lt;");
				break;
			case '>':
				appendStringInfoString(buf, "#gt;");
				break;
			default:
				appendStringInfoChar(buf, *text);
		}
	}
}

void
pgm_draw_mermaid(const PgmGraph *graph, const PgmDrawNode *nodes,
				 PgmDrawLine emit, void *arg)
{
	static const char *const classes[] = {
		[PGM_NODE_PENDING] = "pending",
		[PGM_NODE_APPLIED] = "applied",
		[PGM_NODE_FAILED] = "failed",
		[PGM_NODE_CANCELLED] = "cancelled",
		[PGM_NODE_INTERRUPTED] = "interrupted",
		[PGM_NODE_PARTLY] = "partly",
		[PGM_NODE_LOST] = "lost"
	};
	StringInfoData line;

	initStringInfo(&line);
	emit("flowchart BT", arg);
	emit("    classDef pending fill:#fff,stroke:#888", arg);
	emit("    classDef applied fill:#cfc,stroke:#484", arg);
	emit("    classDef failed fill:#fcc,stroke:#844", arg);
	emit("    classDef cancelled fill:#ffd,stroke:#884", arg);
	emit("    classDef interrupted fill:#fcd,stroke:#848", arg);
	emit("    classDef partly fill:#fd9,stroke:#a62", arg);
	emit("    classDef lost fill:#ddd,stroke:#844,stroke-dasharray:4", arg);
	for (int i = 0; i < pgm_graph_size(graph); i++)
	{
		resetStringInfo(&line);
		appendStringInfo(&line, "    r%d[\"", i);
		append_mermaid(&line, pgm_graph_id(graph, i));
		if (nodes[i].message != NULL)
		{
			appendStringInfoString(&line, "<br/>");
			append_mermaid(&line, nodes[i].message);
		}
		if (is_named_state(nodes[i].state))
			appendStringInfo(&line, "<br/>%s",
							 pgm_node_state_name(nodes[i].state));
		if (nodes[i].is_current)
			appendStringInfoString(&line, "<br/>current");
		appendStringInfo(&line, "\"]:::%s", classes[nodes[i].state]);
		emit(line.data, arg);
	}
	for (int i = 0; i < pgm_graph_size(graph); i++)
	{
		PgmRevSet	parents = pgm_graph_parents(graph, i);
		PgmRevSet	depends = pgm_graph_depends(graph, i);

		for (int j = 0; j < parents.n; j++)
		{
			resetStringInfo(&line);
			appendStringInfo(&line, "    r%d --> r%d", i, parents.rev[j]);
			emit(line.data, arg);
		}
		for (int j = 0; j < depends.n; j++)
		{
			resetStringInfo(&line);
			appendStringInfo(&line, "    r%d -.-> r%d", i, depends.rev[j]);
			emit(line.data, arg);
		}
	}
}
