/*-------------------------------------------------------------------------
 *
 * order.c
 *	  The order of the statements between two schemas.
 *
 *	leave			tables their parents, sequences their columns
 *	drops			users before what they use, by the dependencies of from
 *	creates, alters	what is needed before who needs it, by those of to
 *	late drops		of what only an altered object let go; the names of its
 *					indexes are free before, where they are wanted
 *	finish			partitions attached, sequences given to their columns
 *	late keys		to what is attached
 *
 * Where nothing depends on anything, kinds come in the order of their ranks.
 * A cycle is cut where it is met again, by a statement of its own.
 *
 * graph/depth_first.c could not give this order.  What is reached, and whether
 * it is a node at all, depends on what has gone or come before; objects stand
 * for their parts; and a cycle is no error here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "diff/not_null.h"
#include "diff/parts.h"

static bool
goes(const PgmPair *pair)
{
	return pair->change == PGM_DROP || pair->change == PGM_RECREATE;
}

static bool
comes(const PgmPair *pair)
{
	return pair->change == PGM_CREATE || pair->change == PGM_RECREATE;
}

/*
 * What the object is attached to: of a constraint that has no parent, what its
 * index is attached to.
 */
static int
parent_of(const PgmDiff *diff, int n)
{
	const PgmPair *pair = &diff->pairs[n];
	int			parent = pair->parent_from;

	if (!pgm_ddl_is(pair->from, "constraint"))
		return parent;
	for (int part = pair->first_part_from; part >= 0 && parent < 0;
		 part = diff->pairs[part].next_part_from)
		parent = diff->pairs[part].parent_from;
	return parent;
}

/* What goes, and takes this along; -1 if nothing does. */
static int
goes_with(const PgmDiff *diff, int n)
{
	int			whole = diff->pairs[n].whole_from;
	int			parent = parent_of(diff, n);
	int			with = -1;

	if (parent >= 0 && pgm_ddl_changes_parents(diff, diff->pairs[n].from))
		parent = -1;

	if (whole >= 0)
		with = goes(&diff->pairs[whole]) ? whole : goes_with(diff, whole);
	if (with < 0 && parent >= 0)
		with = goes(&diff->pairs[parent]) ? parent : goes_with(diff, parent);
	return with;
}

static bool
comes_with_whole(const PgmDiff *diff, const PgmPair *pair)
{
	for (int whole = pair->whole_to; whole >= 0;
		 whole = diff->pairs[whole].whole_to)
		if (comes(&diff->pairs[whole]))
			return true;
	return false;
}

/* The outermost that it goes with, or itself. */
static int
whole_of(const PgmDiff *diff, int n)
{
	int			with;

	while ((with = goes_with(diff, n)) >= 0)
		n = with;
	return n;
}

/* Of the parts that go with a table. */
static bool
may_go_alone(const PgmSchemaObject *part)
{
	return pgm_ddl_is(part, "constraint") || pgm_ddl_is(part, "policy") ||
		pgm_ddl_is(part, "rule") || pgm_ddl_is(part, "trigger");
}

static void drop(PgmDiff *diff, int n, bool late);

/* Of a table that has it from its parents and by itself. */
static bool
is_twice(const PgmSchemaObject *object)
{
	return (pgm_ddl_is(object, "column") ||
			pgm_ddl_is(object, "constraint")) &&
		pgm_ddl_equal(pgm_schema_value(object, "inherited"), "and local");
}

/* What it has from its parents too goes there first. */
static void
drop_above(PgmDiff *diff, int n, bool late)
{
	ListCell   *cell;

	if (is_twice(diff->pairs[n].from))
		foreach(cell, pgm_ddl_same_above(diff, diff->pairs[n].from))
			drop(diff, lfirst_int(cell), late);
}

/* Those who use it or one of its parts go first. */
static void
drop_users(PgmDiff *diff, int n, int top, bool late)
{
	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		int			user = diff->users.other[i];

		if (whole_of(diff, user) != top)
			drop(diff, user, late);
		else if (diff->pairs[user].parent_from == n &&
				 diff->pairs[user].whole_from >= 0)
			drop_users(diff, diff->pairs[user].whole_from, top, late);
	}
	for (int part = diff->pairs[n].first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
		drop_users(diff, part, top, late);
}

static void
drop(PgmDiff *diff, int n, bool late)
{
	PgmPair    *pair = &diff->pairs[n];
	int			top = whole_of(diff, n);

	check_stack_depth();
	if (!goes(pair) || pair->gone || diff->pairs[top].late != late ||
		(top == n && pair->visited))
		return;
	pair->visited = true;
	if (top == n)
	{
		drop_users(diff, n, n, late);
		drop_above(diff, n, late);
		pgm_ddl_drop(diff, pair);
		pair->gone = true;
	}
	else if (!diff->pairs[top].visited)
		drop(diff, top, late);
	else if (!diff->pairs[top].gone && may_go_alone(pair->from))
	{
		/* cuts a cycle, of foreign keys as a rule */
		pgm_ddl_drop(diff, pair);
		pair->gone = true;
	}
}

/*
 * Foreign keys of partitions and their parents that go: a partition goes with
 * its parent, so that a circle cannot be cut between the two.
 */
static void
drop_keys_of_partitions(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];
		const PgmPair *table = pair->whole_from < 0 ? NULL :
			&diff->pairs[pair->whole_from];

		if (table == NULL || !goes(pair) || pair->gone || !goes(table) ||
			!pgm_diff_is_foreign_key(pair->from) ||
			(pgm_schema_value(table->from, "partition key") == NULL &&
			 pgm_schema_value(table->from, "partition bound") == NULL))
			continue;
		pgm_ddl_drop(diff, pair);
		pair->gone = true;
	}
}

/* A partition does not leave while rows of it are referenced. */
static void
drop_keys_to_partitions(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		ListCell   *cell;

		if (!pgm_diff_leaves(&diff->pairs[i]))
			continue;
		foreach(cell, pgm_diff_keys_to(diff, &diff->pairs[i]))
		{
			PgmPair    *key = &diff->pairs[lfirst_int(cell)];

			if (!goes(key) || key->gone)
				continue;
			pgm_ddl_drop(diff, key);
			key->gone = true;
		}
	}
}

/* The default of a column that goes late may use what is made again before. */
static void
drop_late_defaults(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
		for (int j = diff->users.start[i];
			 diff->pairs[i].change == PGM_RECREATE &&
			 j < diff->users.start[i + 1]; j++)
		{
			PgmPair    *user = &diff->pairs[diff->users.other[j]];

			user->drop_default |= user->late &&
				pgm_ddl_is(user->from, "column") &&
				pgm_schema_value(user->from, "default") != NULL;
		}
}

static void
drop_defaults(PgmDiff *diff)
{
	drop_late_defaults(diff);
	for (int i = 0; i < diff->npairs; i++)
	{
		const PgmSchemaObject *column = diff->pairs[i].from;

		if (!diff->pairs[i].drop_default ||
			pgm_schema_value(column, "default") == NULL)
			continue;
		diff->writing = &diff->pairs[i];
		pgm_ddl_add_along(diff, pgm_ddl_table(column),
						  "ALTER COLUMN %s DROP DEFAULT",
						  pgm_ddl_part_name(column));
	}
	diff->writing = NULL;
}

static bool
goes_late(const PgmDiff *diff, int n)
{
	return diff->pairs[whole_of(diff, n)].late;
}

/* What something needs that goes late goes late too. */
static void
find_late(PgmDiff *diff)
{
	bool		again = true;

	while (again)
	{
		again = false;
		for (int i = 0; i < diff->npairs; i++)
		{
			PgmPair    *pair = &diff->pairs[i];

			if (pair->change != PGM_DROP || pair->late)
				continue;
			for (int j = diff->users.start[i];
				 j < diff->users.start[i + 1] && !pair->late; j++)
				pair->late = goes_late(diff, diff->users.other[j]);
			for (int part = pair->first_part_from; part >= 0 && !pair->late;
				 part = diff->pairs[part].next_part_from)
				pair->late = diff->pairs[part].late;
			again |= pair->late;
		}
	}
	/* a part that goes with its whole has no time of its own */
	for (int i = 0; i < diff->npairs; i++)
		if (goes_with(diff, i) >= 0)
			diff->pairs[i].late = false;
}

/* What is dropped for an index to go before its table, or -1. */
static int
index_top(const PgmDiff *diff, int n)
{
	for (;;)
	{
		const PgmPair *pair = &diff->pairs[n];
		int			up = pair->whole_from;

		if (!goes(pair))
			return -1;
		if (up < 0 || !pgm_ddl_is(diff->pairs[up].from, "constraint"))
			up = parent_of(diff, n);
		if (up < 0 || (up != pair->whole_from &&
					   pgm_ddl_changes_parents(diff, pair->from)))
			return n;
		n = up;
	}
}

/* They would go late as well. */
static void
drop_keys_to_index(PgmDiff *diff, int n)
{
	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		PgmPair    *key = &diff->pairs[diff->users.other[i]];

		if (!pgm_diff_is_foreign_key(key->from) || !goes(key) || key->gone)
			continue;
		pgm_ddl_drop(diff, key);
		key->gone = true;
	}
}

static void
drop_index_early(PgmDiff *diff, int n)
{
	if (diff->pairs[n].gone)
		return;
	drop_keys_to_index(diff, n);
	for (int part = diff->pairs[n].first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
	{
		drop_keys_to_index(diff, part);
		diff->pairs[part].gone = true;
	}
	pgm_ddl_drop(diff, &diff->pairs[n]);
	diff->pairs[n].gone = true;
}

/*
 * The name of an index that something else is to have is free before that, be
 * it that the table of the index goes late.
 */
static void
free_names(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];
		int			top;

		if (!pgm_ddl_is(pair->from, "index") || !goes(pair) || !comes(pair) ||
			pair->gone || !diff->pairs[whole_of(diff, i)].late)
			continue;
		top = index_top(diff, i);
		if (top < 0)
			continue;
		drop_index_early(diff, top);
		pair->gone = true;
	}
}

static void come(PgmDiff *diff, int n);

/*
 * A column of a view that is replaced is there when its statement is; and what
 * a REVOKE on the view takes from it is granted after that.
 */
static void
come_replaced(PgmDiff *diff, const PgmPair *pair)
{
	int			whole = pair->whole_to;

	if (whole >= 0 && pgm_ddl_is(diff->pairs[whole].to, "view"))
		come(diff, whole);
}

static void
come_needs(PgmDiff *diff, int n)
{
	PgmPair    *pair = &diff->pairs[n];

	for (int i = diff->needs.start[n]; i < diff->needs.start[n + 1]; i++)
		come(diff, diff->needs.other[i]);
	for (int part = pair->first_part_to; part >= 0;
		 part = diff->pairs[part].next_part_to)
		come_needs(diff, part);
}

/* A table inherits the columns that its parents have then. */
static void
come_parents(PgmDiff *diff, int n)
{
	for (int i = diff->needs.start[n]; i < diff->needs.start[n + 1]; i++)
	{
		PgmPair    *parent = &diff->pairs[diff->needs.other[i]];

		if (!pgm_ddl_is(parent->to, "table"))
			continue;
		for (int part = parent->first_part_to; part >= 0;
			 part = diff->pairs[part].next_part_to)
			come(diff, part);
	}
}

/* The table of a part, or -1. */
static int
table_of(const PgmDiff *diff, int part)
{
	const PgmPair *pair = &diff->pairs[part];
	const char *name = pair->to == NULL ? NULL : pgm_ddl_table(pair->to);
	const PgmPair *table = name == NULL ? NULL :
		pgm_ddl_find_pair(diff, "table", name);

	return table == NULL ? -1 : table - diff->pairs;
}

/*
 * A table that is logged references none that is not: what it references is
 * logged before it, and what references it is unlogged before it.
 */
static void
come_persistent(PgmDiff *diff, int n)
{
	const PgmPair *pair = &diff->pairs[n];
	bool		logged = pgm_schema_value(pair->to, "persistence") == NULL;
	const PgmEdges *edges = logged ? &diff->needs : &diff->users;

	for (int part = pair->first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
		for (int i = edges->start[part]; i < edges->start[part + 1]; i++)
		{
			int			constraint = logged ? part : edges->other[i];
			int			other = table_of(diff, edges->other[i]);

			if (other >= 0 && other != n &&
				pgm_ddl_is(diff->pairs[constraint].to, "constraint"))
				come(diff, other);
		}
}

/* The sequence of an identity column has the values of its new type before. */
static void
come_sequence(PgmDiff *diff, const PgmPair *column)
{
	const PgmSchemaObject *sequence = !pgm_ddl_is(column->to, "column") ?
		NULL : pgm_lookup_find(&diff->sequences, column->to);
	PgmPair    *pair = sequence == NULL ? NULL :
		pgm_ddl_find_pair(diff, "sequence", sequence->identity);

	if (pair != NULL && pair->change == PGM_ALTER)
		come(diff, pair - diff->pairs);
}

/* What it needs, but for the column of the sequence of an identity. */
static void
come_altered(PgmDiff *diff, int n)
{
	const PgmSchemaObject *to = diff->pairs[n].to;

	for (int i = diff->needs.start[n]; i < diff->needs.start[n + 1]; i++)
		if (!pgm_ddl_is_of_identity(to) ||
			!pgm_ddl_is(diff->pairs[diff->needs.other[i]].to, "column"))
			come(diff, diff->needs.other[i]);
}

/* What a column has of its parents cannot be dropped before they have. */
static void
come_above(PgmDiff *diff, const PgmPair *pair)
{
	ListCell   *cell;

	if (pgm_ddl_loses_not_null(pair))
		foreach(cell, pgm_ddl_same_above(diff, pair->from))
	{
		if (pgm_ddl_loses_not_null(&diff->pairs[lfirst_int(cell)]))
			come(diff, lfirst_int(cell));
	}
}

static void
come(PgmDiff *diff, int n)
{
	PgmPair    *pair = &diff->pairs[n];

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (comes_with_whole(diff, pair))
	{
		come(diff, pair->whole_to);
		return;
	}
	if (pair->visited || pair->to == NULL)
		return;
	pair->visited = true;
	if (pair->change == PGM_KEEP)
		return;
	come_replaced(diff, pair);
	if (comes(pair))
	{
		if (pgm_ddl_is_table(pair->to))
			come_parents(diff, n);
		come_needs(diff, n);
	}
	else if (pgm_ddl_is(pair->to, "table") &&
			 !pgm_ddl_equal(pgm_schema_value(pair->from, "persistence"),
							pgm_schema_value(pair->to, "persistence")))
		come_persistent(diff, n);
	if (comes(pair))
		pgm_ddl_create(diff, pair, false);
	else
	{
		come_sequence(diff, pair);
		come_altered(diff, n);
		come_above(diff, pair);
		pgm_ddl_alter(diff, pair);
	}
	pair->made = true;
}

/* That of a partitioned table, which has an index. */
static bool
is_key_of_partitioned(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *table = !pgm_ddl_is(pair->to, "constraint") ||
		pair->first_part_to < 0 ? NULL :
		pgm_ddl_find_table(diff->to, pgm_ddl_table(pair->to));

	return table != NULL && pgm_schema_value(table, "partition key") != NULL;
}

/*
 * When it comes: what it has by itself too before its parent makes it.  ATTACH
 * takes, for each index of the parent in the order in which they were made,
 * the first of the partition that will do: indexes of partitions that have a
 * parent come first, and constraints of the parent before them, as that of a
 * constraint would do for an index that has none.
 */
static int
turn_of(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *object = pair->to;
	bool		key = is_key_of_partitioned(diff, pair);
	int			rank = key ? pgm_ddl_rank("index") : pair->rank;
	bool		first = key || is_twice(object) ||
		(pgm_ddl_is(object, "index") &&
		 pgm_schema_value(object, "parent") != NULL);

	return rank * 2 + !first;
}

void
pgm_diff_order(PgmDiff *diff)
{
	int			last = pgm_ddl_rank("");
	int		   *turns = palloc(sizeof(int) * (diff->npairs + 1));

	find_late(diff);
	drop_defaults(diff);
	for (int i = 0; i < diff->npairs; i++)
		pgm_ddl_tie_to_type(diff, &diff->pairs[i], true);
	drop_keys_to_partitions(diff);
	for (int i = 0; i < diff->npairs; i++)
	{
		diff->writing = NULL;
		pgm_ddl_leave_parents(diff, &diff->pairs[i]);
		pgm_ddl_let_go(diff, &diff->pairs[i]);
	}
	drop_keys_of_partitions(diff);
	for (int rank = last; rank >= 0; rank--)
		for (int i = 0; i < diff->npairs; i++)
			if (diff->pairs[i].rank == rank)
				drop(diff, i, false);
	free_names(diff);
	for (int i = 0; i < diff->npairs; i++)
		diff->pairs[i].visited = false;
	for (int i = 0; i < diff->npairs; i++)
		turns[i] = turn_of(diff, &diff->pairs[i]);
	for (int turn = 0; turn <= last * 2 + 1; turn++)
		for (int i = 0; i < diff->npairs; i++)
			if (turns[i] == turn)
				come(diff, i);
	for (int rank = last; rank >= 0; rank--)
		for (int i = 0; i < diff->npairs; i++)
			if (diff->pairs[i].rank == rank)
				drop(diff, i, true);
	diff->writing = NULL;
	for (int i = 0; i < diff->npairs; i++)
		pgm_ddl_tie_to_type(diff, &diff->pairs[i], false);
	/* positions of sequences are told by the rows, so these must be there */
	for (int sequences = 0; sequences <= 1; sequences++)
		for (int i = 0; i < diff->npairs; i++)
			if (diff->pairs[i].change != PGM_KEEP &&
				pgm_ddl_is(pgm_ddl_object(&diff->pairs[i]), "sequence") ==
				(sequences == 1))
				pgm_ddl_finish(diff, &diff->pairs[i]);
	for (int i = 0; i < diff->npairs; i++)
		if (comes(&diff->pairs[i]) &&
			!comes_with_whole(diff, &diff->pairs[i]) &&
			pgm_ddl_is_late_index(diff, &diff->pairs[i]))
			pgm_ddl_create(diff, &diff->pairs[i], true);
	diff->writing = NULL;
	for (int i = 0; i < diff->npairs; i++)
		pgm_ddl_attach_to_late(diff, &diff->pairs[i]);
	for (int i = 0; i < diff->npairs; i++)
		if (comes(&diff->pairs[i]) &&
			pgm_ddl_is_late_key(diff, &diff->pairs[i]))
			pgm_ddl_create(diff, &diff->pairs[i], true);
}
