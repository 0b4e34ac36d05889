/*-------------------------------------------------------------------------
 *
 * inherit.c
 *	  Tables that leave their parents, or join others.
 *
 * A table leaves before anything else is done, lest it lose what its parents
 * lose, and joins at the end, when it has what they have.  Meanwhile it stands
 * alone, so that each of its columns and constraints has statements of its
 * own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

static bool
differs(const PgmPair *pair, const char *property)
{
	return !pgm_ddl_equal(OF(pair->from, property), OF(pair->to, property));
}

static bool
changes_parents(const PgmPair *table)
{
	return table != NULL && table->change == PGM_ALTER &&
		pgm_ddl_is_table(table->from) &&
		(table->apart || differs(table, "inherits") ||
		 differs(table, "partition bound"));
}

bool
pgm_diff_leaves(const PgmPair *table)
{
	return changes_parents(table) &&
		OF(table->from, "partition bound") != NULL;
}

bool
pgm_diff_leaves_and_joins(const PgmPair *table)
{
	return pgm_diff_leaves(table) && OF(table->to, "partition bound") != NULL &&
		!differs(table, "inherits");
}

/* Foreign keys to a table, by what they need of it: pairs, as integers. */
static List *
keys_to(const PgmDiff *diff, int n, const char *table, List *found)
{
	char	   *words = psprintf(" REFERENCES %s(", table);

	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		int			user = diff->users.other[i];
		const PgmSchemaObject *key = diff->pairs[user].from;

		if (pgm_diff_is_foreign_key(key) &&
			strstr(OF(key, "definition"), words) != NULL)
			found = list_append_unique_int(found, user);
	}
	for (int part = diff->pairs[n].first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
		found = keys_to(diff, part, table, found);
	return found;
}

List *
pgm_diff_keys_to(const PgmDiff *diff, const PgmPair *partition)
{
	const PgmPair *table = partition;
	List	   *found = NIL;

	while (pgm_ddl_is_table(table->from) &&
		   OF(table->from, "partition bound") != NULL)
	{
		table = pgm_ddl_find_pair(diff, "table", OF(table->from, "inherits"));
		if (table == NULL)
			break;
		found = keys_to(diff, table - diff->pairs, table->from->identity,
						found);
	}
	return found;
}

bool
pgm_ddl_changes_parents(const PgmDiff *diff, const PgmSchemaObject *part)
{
	return changes_parents(pgm_ddl_table_pair(diff, part));
}

/* Does the constraint stand on something that is made again, or changes? */
static bool
stands_on_change(const PgmDiff *diff, const PgmPair *constraint)
{
	int			n = constraint - diff->pairs;

	for (int i = diff->needs.start[n]; i < diff->needs.start[n + 1]; i++)
	{
		const PgmPair *need = &diff->pairs[diff->needs.other[i]];

		if (need->change == PGM_CREATE || need->change == PGM_RECREATE ||
			(need->from != NULL && pgm_diff_type_changes(need)) ||
			(need->whole_to >= 0 &&
			 diff->pairs[need->whole_to].change != PGM_KEEP &&
			 diff->pairs[need->whole_to].change != PGM_ALTER))
			return true;
	}
	return false;
}

/*
 * Has the key of a parent that the partition has it from been dropped before,
 * as where two partitioned tables reference each other?
 */
static bool
is_gone_above(const PgmDiff *diff, const PgmSchemaObject *table,
			  const char *definition)
{
	while (OF(table, "partition bound") != NULL)
	{
		const PgmPair *parent = pgm_ddl_find_pair(diff, "table",
												  OF(table, "inherits"));

		if (parent == NULL || parent->from == NULL)
			break;
		for (int part = parent->first_part_from; part >= 0;
			 part = diff->pairs[part].next_part_from)
			if (diff->pairs[part].gone &&
				pgm_diff_is_foreign_key(diff->pairs[part].from) &&
				pgm_ddl_equal(OF(diff->pairs[part].from, "definition"),
							  definition))
				return true;
		table = parent->from;
	}
	return false;
}

/*
 * The foreign keys of its parent are those of the partition itself then: what
 * is wanted there is there already, and the others go.
 */
static void
settle_foreign_keys(PgmDiff *diff, const PgmSchemaObject *table)
{
	const char *keys = OF(table, ".keys from above");
	char	   *name;

	while ((name = pgm_ddl_next(&keys)) != NULL)
	{
		char	   *definition = pgm_ddl_next(&keys);
		PgmPair    *own;

		if (is_gone_above(diff, table, definition))
			continue;
		own = pgm_ddl_find_pair(diff, "constraint",
								psprintf("%s on %s", name, table->identity));
		if (own != NULL && own->change == PGM_CREATE &&
			pgm_ddl_equal(OF(own->to, "definition"), definition) &&
			!stands_on_change(diff, own))
			own->is_there = true;
		else
			pgm_ddl_add_to_table(diff, table->identity, "DROP CONSTRAINT %s",
								 name);
	}
}

static bool
is_partitioned(const PgmSchemaObject *table)
{
	return table != NULL && OF(table, "partition key") != NULL;
}

bool
pgm_ddl_is_late_key(const PgmDiff *diff, const PgmPair *pair)
{
	int			n = pair - diff->pairs;
	const PgmSchemaObject *own;

	if (!pgm_diff_is_foreign_key(pair->to))
		return false;
	own = pgm_ddl_find_table(diff->to, pgm_ddl_table(pair->to));
	if (own == NULL)
		return false;
	for (int i = diff->needs.start[n]; i < diff->needs.start[n + 1]; i++)
	{
		const PgmSchemaObject *need = diff->pairs[diff->needs.other[i]].to;
		const char *table = need == NULL ? NULL : pgm_ddl_table(need);

		if (table != NULL && strcmp(table, own->identity) != 0 &&
			is_partitioned(pgm_schema_find(diff->to, "table", table)))
			return true;
	}
	return false;
}

void
pgm_ddl_leave_parents(PgmDiff *diff, PgmPair *pair)
{
	const char *from;
	const char *to;
	char	   *parent;

	if (!changes_parents(pair))
		return;
	from = OF(pair->from, "inherits");
	to = OF(pair->to, "inherits");
	if (OF(pair->from, "partition bound") != NULL)
	{
		pgm_ddl_add(diff, "ALTER TABLE %s DETACH PARTITION %s", from,
					pair->from->identity);
		settle_foreign_keys(diff, pair->from);
		return;
	}
	/* a partition has no parent that is none of its own kind */
	if (OF(pair->to, "partition bound") != NULL)
		to = NULL;
	while ((parent = pgm_ddl_next(&from)) != NULL)
		if (!pgm_ddl_in_list(to, parent))
			pgm_ddl_add_to_table(diff, pair->from->identity, "NO INHERIT %s",
								 parent);
}

void
pgm_ddl_join_parents(PgmDiff *diff, PgmPair *pair)
{
	bool		created = pair->change != PGM_ALTER;
	const char *to = OF(pair->to, "inherits");
	const char *bound = OF(pair->to, "partition bound");
	const char *from;
	char	   *parent;

	if (!created && !changes_parents(pair))
		return;
	if (bound != NULL)
		pgm_ddl_add(diff, "ALTER TABLE %s ATTACH PARTITION %s %s", to,
					pair->to->identity, bound);
	if (bound != NULL || created)
		return;
	from = OF(pair->from, "partition bound") != NULL ? NULL :
		OF(pair->from, "inherits");
	while ((parent = pgm_ddl_next(&to)) != NULL)
		if (!pgm_ddl_in_list(from, parent))
			pgm_ddl_add_to_table(diff, pair->to->identity, "INHERIT %s",
								 parent);
}

/* The part of this name, a column or a constraint, on another table. */
static PgmPair *
same_on(const PgmDiff *diff, const PgmSchemaObject *part, const char *table)
{
	char	   *name = pgm_ddl_part_name(part);

	return pgm_ddl_find_pair(diff, part->kind, pgm_ddl_is(part, "column") ?
							 psprintf("%s.%s", table, name) :
							 psprintf("%s on %s", name, table));
}

/*
 * Is there a child that keeps what it has from the parent, as its own, or that
 * gets it?
 */
static bool
is_kept_below(const PgmDiff *diff, const PgmSchemaObject *part, bool or_comes)
{
	const PgmPair *table = pgm_ddl_table_pair(diff, part);
	int			n = table == NULL ? -1 : table - diff->pairs;

	for (int i = n < 0 ? 0 : diff->users.start[n];
		 n >= 0 && i < diff->users.start[n + 1]; i++)
	{
		const PgmPair *child = &diff->pairs[diff->users.other[i]];
		const PgmPair *own;

		if (!pgm_ddl_is_table(child->from) || child->change == PGM_DROP ||
			child->change == PGM_RECREATE || changes_parents(child) ||
			!pgm_ddl_in_list(OF(child->from, "inherits"),
							 table->from->identity))
			continue;
		own = same_on(diff, part, child->from->identity);
		if (own != NULL && own->to != NULL &&
			(or_comes ||
			 (own->from != NULL && own->change != PGM_RECREATE)))
			return true;
	}
	return false;
}

const char *
pgm_ddl_above(const PgmDiff *diff, const PgmSchemaObject *part)
{
	const char *table = pgm_ddl_table(part);

	return is_kept_below(diff, part, false) ? psprintf("ONLY %s", table) :
		table;
}

const char *
pgm_ddl_alone(const PgmDiff *diff, const PgmSchemaObject *part)
{
	const char *table = pgm_ddl_table(part);

	return is_kept_below(diff, part, true) ? psprintf("ONLY %s", table) :
		table;
}

List *
pgm_ddl_same_above(const PgmDiff *diff, const PgmSchemaObject *part)
{
	List	   *found = NIL;
	const char *parents;
	char	   *parent;
	const PgmPair *table;

	table = pgm_ddl_table_pair(diff, part);
	parents = table == NULL || table->from == NULL ? NULL :
		OF(table->from, "inherits");
	while ((parent = pgm_ddl_next(&parents)) != NULL)
	{
		PgmPair    *pair = same_on(diff, part, parent);

		if (pair != NULL)
			found = lappend_int(found, pair - diff->pairs);
	}
	return found;
}

void
pgm_ddl_validate_below(PgmDiff *diff, const PgmPair *pair)
{
	const PgmPair *table = pgm_ddl_table_pair(diff, pair->to);
	const char *definition = OF(pair->to, "definition");
	const char *parents;
	char	   *parent;

	if (!pgm_ddl_is_handed_down(diff, pair) || table == NULL)
		return;
	parents = OF(table->to, "inherits");
	while ((parent = pgm_ddl_next(&parents)) != NULL)
	{
		const PgmPair *above = same_on(diff, pair->to, parent);

		if (above != NULL && above->to != NULL &&
			strcmp(OF(above->to, "definition"),
				   psprintf("%s NOT VALID", definition)) == 0)
		{
			pgm_ddl_add_to_table(diff, table->to->identity,
								 "VALIDATE CONSTRAINT %s",
								 pgm_ddl_part_name(pair->to));
			return;
		}
	}
}
