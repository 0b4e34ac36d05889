/*-------------------------------------------------------------------------
 *
 * join.c
 *	  Several changes of one table in one ALTER TABLE.
 *
 * Each may be a copy of the table when it is carried out online, so they are
 * brought together as far as the dependencies of both schemas let them.  What
 * these do not tell keeps its place: what calls functions, whose bodies may
 * read anything, what is named as something that goes, and all kinds but those
 * that are known to be told of.
 *
 * What loses data stands alone, under its comment, but for a change of type,
 * which is another copy otherwise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/printable.h"
#include "diff/statement.h"

typedef struct Joining
{
	const PgmDiff *diff;
	PgmDdl	  **ddls;
	int			n;
	int		   *table;			/* of each pair: that of its table, or -1 */
	int		   *family;			/* of each pair, by inheritance; a pair */
	int		   *own;			/* of each pair: the item that it is part of */
	int		   *near;			/* … and the one that it is near */
	bool	   *calls;			/* does the pair use code? */
	int			marked;			/* an item, or -1 */
	List	   *names;			/* of that one, among relations */
} Joining;

/* Kinds whose dependencies tell all that an ALTER TABLE has to do with. */
static const char *const told[] = {
	"column", "constraint", "domain", "enum", "function", "index",
	"materialized view", "policy", "procedure", "rule", "sequence",
	"statistics", "table", "trigger", "view",
};

/* Kinds that have code. */
static const char *const code[] = {
	"aggregate", "cast", "function", "operator", "operator class",
	"procedure",
};

/* Kinds whose statements run the code that they use. */
static const char *const runs[] = {
	"column", "constraint", "domain", "index", "materialized view", "table",
};

/* Kinds that have a name among those of tables, or an index that has. */
static const char *const relations[] = {
	"composite type", "constraint", "foreign table", "index",
	"materialized view", "sequence", "table", "view",
};

static bool
is_one_of(const PgmSchemaObject *object, const char *const *kinds, int n)
{
	for (int i = 0; i < n; i++)
		if (pgm_ddl_is(object, kinds[i]))
			return true;
	return false;
}

/* Of a part of a table, which stays. */
static const PgmPair *
table_of(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *object = pgm_ddl_object(pair);

	return pgm_ddl_is_table(object) ? pair : pgm_ddl_table_pair(diff, object);
}

/* ---- families of tables */

static int
head_of(const int *family, int n)
{
	while (family[n] != n)
		n = family[n];
	return n;
}

static void
find_families(Joining *joining)
{
	const PgmDiff *diff = joining->diff;
	const PgmEdges *sides[] = {&diff->users, &diff->needs};

	for (int i = 0; i < diff->npairs; i++)
	{
		const PgmPair *table = table_of(diff, &diff->pairs[i]);

		joining->table[i] = table == NULL ? -1 : table - diff->pairs;
		joining->family[i] = i;
	}
	for (int side = 0; side < lengthof(sides); side++)
		for (int i = 0; i < diff->npairs; i++)
		{
			if (!pgm_ddl_is_table(pgm_ddl_object(&diff->pairs[i])))
				continue;
			for (int j = sides[side]->start[i];
				 j < sides[side]->start[i + 1]; j++)
			{
				int			other = sides[side]->other[j];

				if (pgm_ddl_is_table(pgm_ddl_object(&diff->pairs[other])))
					joining->family[head_of(joining->family, i)] =
						head_of(joining->family, other);
			}
		}
	for (int i = 0; i < diff->npairs; i++)
		joining->family[i] = head_of(joining->family, i);
}

/* ---- what uses code */

static void
find_calls(Joining *joining, const PgmSchema *schema)
{
	const PgmDiff *diff = joining->diff;

	for (int i = 0; i < schema->ndependencies; i++)
	{
		const PgmSchemaObject *user =
			&schema->objects[schema->dependencies[i].object];

		if (is_one_of(&schema->objects[schema->dependencies[i].needs], code,
					  lengthof(code)))
			joining->calls[pgm_ddl_find_pair(diff, user->kind,
											 user->identity) -
						   diff->pairs] = true;
	}
}

/* ---- what is near what */

/* Calls this for a pair and what comes and goes with it; until it is true. */
typedef bool (*Visit) (Joining *joining, int n, void *arg);

static bool
visit_parts(Joining *joining, int n, Visit visit, void *arg)
{
	const PgmPair *pairs = joining->diff->pairs;

	if (visit(joining, n, arg))
		return true;
	for (int part = pairs[n].first_part_from; part >= 0;
		 part = pairs[part].next_part_from)
		if (visit_parts(joining, part, visit, arg))
			return true;
	for (int part = pairs[n].first_part_to; part >= 0;
		 part = pairs[part].next_part_to)
		if (visit_parts(joining, part, visit, arg))
			return true;
	return false;
}

/* With the constraint of an index, and the column of a sequence. */
static bool
visit_related(Joining *joining, int n, Visit visit, void *arg)
{
	const PgmPair *pairs = joining->diff->pairs;
	int			wholes[2] = {pairs[n].whole_from, pairs[n].whole_to};

	for (int i = 0; i < lengthof(wholes); i++)
		if (wholes[i] >= 0 &&
			(pgm_ddl_is(pgm_ddl_object(&pairs[n]), "index") ||
			 pgm_ddl_is(pgm_ddl_object(&pairs[n]), "sequence")) &&
			visit(joining, wholes[i], arg))
			return true;
	return visit_parts(joining, n, visit, arg);
}

static bool
mark(Joining *joining, int n, void *arg)
{
	const PgmDiff *diff = joining->diff;
	const PgmEdges *sides[] = {&diff->users, &diff->needs};

	(void) arg;
	joining->own[n] = joining->near[n] = joining->marked;
	for (int side = 0; side < lengthof(sides); side++)
		for (int i = sides[side]->start[n]; i < sides[side]->start[n + 1]; i++)
			joining->near[sides[side]->other[i]] = joining->marked;
	return false;
}

/* The edges of either side lead one way only. */
static bool
is_marked(Joining *joining, int n, void *arg)
{
	const PgmDiff *diff = joining->diff;
	const PgmEdges *sides[] = {&diff->users, &diff->needs};

	(void) arg;
	if (joining->near[n] == joining->marked)
		return true;
	for (int side = 0; side < lengthof(sides); side++)
		for (int i = sides[side]->start[n]; i < sides[side]->start[n + 1]; i++)
			if (joining->own[sides[side]->other[i]] == joining->marked)
				return true;
	return false;
}

static char *
relation_name(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "constraint") ? pgm_ddl_part_name(object) :
		pstrdup(pgm_ddl_bare_name(object->identity));
}

static bool
add_name(Joining *joining, int n, void *arg)
{
	const PgmSchemaObject *object = pgm_ddl_object(&joining->diff->pairs[n]);
	List	  **names = arg;

	if (is_one_of(object, relations, lengthof(relations)))
		*names = lappend(*names, relation_name(object));
	return false;
}

static bool
has_one_of_names(Joining *joining, int n, void *arg)
{
	const PgmSchemaObject *object = pgm_ddl_object(&joining->diff->pairs[n]);
	ListCell   *cell;
	char	   *name;

	(void) arg;
	if (!is_one_of(object, relations, lengthof(relations)))
		return false;
	name = relation_name(object);
	foreach(cell, joining->names)
		if (strcmp(lfirst(cell), name) == 0)
		return true;
	return false;
}

static bool
runs_code(Joining *joining, int n, void *arg)
{
	(void) arg;
	return joining->calls[n] &&
		is_one_of(pgm_ddl_object(&joining->diff->pairs[n]), runs,
				  lengthof(runs));
}

static int
family_of(const Joining *joining, int n)
{
	return joining->table[n] < 0 ? -1 : joining->family[joining->table[n]];
}

static bool
is_bound(int item, int other, void *arg)
{
	Joining    *joining = arg;
	const PgmDiff *diff = joining->diff;
	const PgmPair *pair = joining->ddls[item]->pair;
	const PgmPair *passed = joining->ddls[other]->pair;
	int			own = pair - diff->pairs;
	int			n = passed == NULL ? -1 : passed - diff->pairs;

	CHECK_FOR_INTERRUPTS();
	if (passed == NULL)
		return true;
	if (joining->ddls[other]->tells)
		return pair == passed;
	if (!is_one_of(pgm_ddl_object(passed), told, lengthof(told)) ||
		visit_related(joining, n, runs_code, NULL) ||
		(family_of(joining, own) == family_of(joining, n) &&
		 joining->table[own] != joining->table[n]))
		return true;
	if (joining->marked != item)
	{
		joining->marked = item;
		joining->names = NIL;
		(void) visit_related(joining, own, mark, NULL);
		(void) visit_related(joining, own, add_name, &joining->names);
	}
	return visit_related(joining, n, is_marked, NULL) ||
		visit_related(joining, n, has_one_of_names, NULL);
}

/* ---- the statements */

/* Of a table that was there before, and is told of. */
static bool
moves(Joining *joining, const PgmDdl *ddl)
{
	const PgmPair *table;

	if (ddl->pair == NULL || ddl->tells ||
		!is_one_of(pgm_ddl_object(ddl->pair), told, lengthof(told)) ||
		visit_related(joining, ddl->pair - joining->diff->pairs, runs_code,
					  NULL))
		return false;
	table = table_of(joining->diff, ddl->pair);
	return table != NULL && pgm_ddl_is(table->from, "table") &&
		(table->change == PGM_KEEP || table->change == PGM_ALTER);
}

/* Stands it alone, for what it loses? */
static bool
stands_alone(const PgmDdl *ddl)
{
	return ddl->table == NULL ||
		(ddl->loss != NULL && ddl->role == PGM_DDL_APART);
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The names of tables as they are written, each once; how many. */
static int
list_tables(const Joining *joining, char **names)
{
	int			n = 0;
	int			different = 0;

	for (int i = 0; i < joining->n; i++)
		if (!stands_alone(joining->ddls[i]))
			names[n++] = joining->ddls[i]->table;
	qsort(names, n, sizeof(char *), name_cmp);
	for (int i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i], names[different - 1]) != 0)
			names[different++] = names[i];
	return different;
}

static void
find_order(Joining *joining, int *order, bool *begins)
{
	PgmGroupItem *items = palloc0(sizeof(PgmGroupItem) * (joining->n + 1));
	char	  **tables = palloc(sizeof(char *) * (joining->n + 1));
	PgmGrouping grouping = {joining->n, items, 0, is_bound, joining};

	grouping.ntables = list_tables(joining, tables);
	for (int i = 0; i < joining->n; i++)
	{
		const PgmDdl *ddl = joining->ddls[i];

		items[i].table = -1;
		if (stands_alone(ddl))
			continue;
		items[i].table = (char **) bsearch(&ddl->table, tables,
										   grouping.ntables, sizeof(char *),
										   name_cmp) - tables;
		items[i].role = ddl->role;
		items[i].moves = moves(joining, ddl);
	}
	pgm_group(&grouping, order, begins);
}

/* A name with a new line must not end the comment. */
static char *
write_statement(Joining *joining, const int *order, int n)
{
	const PgmDdl *first = joining->ddls[order[0]];
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < n; i++)
		if (joining->ddls[order[i]]->loss != NULL)
			appendStringInfo(&sql, PGM_DDL_LOSS "%s\n",
							 pgm_printable_line(joining->ddls[order[i]]->loss));
	if (first->table != NULL)
		appendStringInfo(&sql, "ALTER TABLE %s\n\t", first->table);
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? "" : ",\n\t",
						 joining->ddls[order[i]]->sql);
	return sql.data;
}

List *
pgm_diff_join(const PgmDiff *diff)
{
	Joining		joining = {.diff = diff,.marked = -1};
	int			npairs = diff->npairs + 1;
	int		   *order;
	bool	   *begins;
	List	   *result = NIL;

	joining.n = list_length(diff->statements);
	joining.ddls = palloc(sizeof(PgmDdl *) * (joining.n + 1));
	for (int i = 0; i < joining.n; i++)
		joining.ddls[i] = list_nth(diff->statements, i);
	joining.table = palloc(sizeof(int) * npairs);
	joining.family = palloc(sizeof(int) * npairs);
	joining.own = palloc(sizeof(int) * npairs);
	joining.near = palloc(sizeof(int) * npairs);
	joining.calls = palloc0(sizeof(bool) * npairs);
	for (int i = 0; i < npairs; i++)
		joining.own[i] = joining.near[i] = -1;
	find_families(&joining);
	find_calls(&joining, diff->from);
	find_calls(&joining, diff->to);
	order = palloc(sizeof(int) * (joining.n + 1));
	begins = palloc(sizeof(bool) * (joining.n + 1));
	find_order(&joining, order, begins);
	for (int i = 0, n; i < joining.n; i += n)
	{
		for (n = 1; i + n < joining.n && !begins[i + n]; n++)
			;
		result = lappend(result, write_statement(&joining, order + i, n));
	}
	return result;
}
