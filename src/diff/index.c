/*-------------------------------------------------------------------------
 *
 * index.c
 *	  Indexes, and the constraints that have one.
 *
 * The index of a partition belongs to that of its parent, and goes with it.
 * Where the server would give it the name that is desired it is left to the
 * server: CREATE INDEX on the parent makes it, or takes one that is there.
 * Otherwise the parent's is made ON ONLY the parent, and its partitions' are
 * attached.
 *
 * A unique index that is there becomes that of a new constraint of its name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

static bool
differs(const PgmPair *pair, const char *property)
{
	return !pgm_ddl_equal(OF(pair->from, property), OF(pair->to, property));
}

static bool
has_index(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "index") || pgm_ddl_is(object, "constraint");
}

static bool
comes(const PgmPair *pair)
{
	return pair->change == PGM_CREATE || pair->change == PGM_RECREATE;
}

static bool
goes(const PgmPair *pair)
{
	return pair->change == PGM_DROP || pair->change == PGM_RECREATE;
}

/* That of a constraint on one of the sides. */
static bool
is_of_constraint(const PgmDiff *diff, const PgmPair *pair, bool to)
{
	int			whole = to ? pair->whole_to : pair->whole_from;

	return whole >= 0 &&
		pgm_ddl_is(to ? diff->pairs[whole].to : diff->pairs[whole].from,
				   "constraint");
}

/* What ADD CONSTRAINT ... USING INDEX takes; the definitions are the same. */
static bool
can_become_constraint(const PgmPair *index)
{
	const char *definition = OF(index->to, "definition");

	return (index->change == PGM_KEEP || index->change == PGM_ALTER) &&
		OF(index->from, "valid") == NULL &&
		OF(index->from, "parent") == NULL &&
		OF(index->to, "parent") == NULL &&
		strncmp(definition, "CREATE UNIQUE INDEX ",
				strlen("CREATE UNIQUE INDEX ")) == 0 &&
		strstr(definition, " ON ONLY ") == NULL;
}

/*
 * Does it leave the index of its parent, or go without it, which no statement
 * does?  It leaves when its table is detached.
 */
static bool
is_torn_off(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmPair *table = pgm_ddl_find_pair(diff, "table",
											 pgm_ddl_table(pair->from));

	return (pair->to == NULL || pair->parent_to != pair->parent_from) &&
		table != NULL && table->from != NULL && table->to != NULL &&
		OF(table->to, "partition bound") != NULL &&
		pgm_ddl_equal(OF(table->from, "inherits"), OF(table->to, "inherits"));
}

/* Is the index of a constraint of its own attached to it? */
static bool
has_constraint_below(const PgmDiff *diff, const PgmPair *pair)
{
	int			n = pair - diff->pairs;

	check_stack_depth();
	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		const PgmPair *user = &diff->pairs[diff->users.other[i]];

		if (user->parent_from == n &&
			(is_of_constraint(diff, user, false) ||
			 has_constraint_below(diff, user)))
			return true;
	}
	return false;
}

/* Such a constraint goes with it only. */
void
pgm_ddl_drop_index(PgmDiff *diff, const PgmPair *pair)
{
	pgm_ddl_add(diff, "DROP INDEX %s%s", pair->from->identity,
				has_constraint_below(diff, pair) ? " CASCADE" : "");
}

/* True if something has changed. */
static bool
settle(PgmDiff *diff, PgmPair *pair)
{
	PgmPair    *parent = pair->parent_from < 0 ? NULL :
		&diff->pairs[pair->parent_from];
	bool		again = false;

	if (parent != NULL && parent->to != NULL && !goes(parent) &&
		pair->change != PGM_RECREATE && is_torn_off(diff, pair))
	{
		parent->change = PGM_RECREATE;
		again = true;
	}
	if (goes(pair) || pair->to == NULL)
		return again;
	if (parent != NULL && goes(parent))
		again = !pgm_ddl_changes_parents(diff, pair->from);
	else if (pgm_ddl_is(pair->to, "index"))
	{
		bool		was = is_of_constraint(diff, pair, false);
		bool		is = is_of_constraint(diff, pair, true);

		again = (was && !is) ||
			(is && !was && !can_become_constraint(pair)) ||
			(OF(pair->from, "valid") != NULL && OF(pair->to, "valid") == NULL &&
			 strstr(OF(pair->to, "definition"), " ON ONLY ") == NULL);
	}
	if (again)
		pair->change = PGM_RECREATE;
	return again;
}

/* The first word of a key of an index, as the server makes its name of it. */
static char *
key_name(char *key)
{
	size_t		length;

	if (key[0] == '(')
		return pstrdup("expr");
	if (key[0] == '"')
	{
		char	   *name = pstrdup(key + 1);
		char	   *end = strchr(name, '"');

		if (end == NULL || end[1] == '"')
			return pstrdup("");
		*end = '\0';
		return name;
	}
	length = strcspn(key, " (");
	/* a function, without its schema */
	if (key[length] == '(')
	{
		char	   *name = pnstrdup(key, length);
		char	   *point = strrchr(name, '.');

		return point == NULL ? name : pstrdup(point + 1);
	}
	return pnstrdup(key, length);
}

/* The names of the keys of "... (a, b) INCLUDE (c) ...", with underscores. */
static char *
key_names(const char *definition)
{
	const char *list = strstr(definition, " USING ");
	const char *rest;
	StringInfoData names;
	char	   *key;

	initStringInfo(&names);
	if (list == NULL)
		list = definition;
	list = strchr(list, '(');
	if (list == NULL)
		return names.data;
	/* up to its closing bracket: pgm_ddl_next() takes it for one element */
	rest = list;
	list = pgm_ddl_next(&rest);
	list++;
	for (const char *at = list; (key = pgm_ddl_next(&at)) != NULL;)
	{
		if (*at == '\0' || strchr(key, ')') != NULL)
			key = pnstrdup(key, strcspn(key, ")"));
		appendStringInfo(&names, "%s%s", names.len > 0 ? "_" : "",
						 key_name(key));
	}
	return names.data;
}

static char *
unquoted(const char *name)
{
	size_t		length = strlen(name);

	if (name[0] != '"' || length < 2)
		return pstrdup(name);
	return pnstrdup(name + 1, length - 2);
}

/* Would the server choose this name for the index of a partition? */
static bool
has_usual_name(const PgmSchemaObject *object)
{
	bool		constraint = pgm_ddl_is(object, "constraint");
	const char *definition = OF(object, "definition");
	char	   *table = unquoted(pgm_ddl_bare_name(pgm_ddl_table(object)));
	char	   *name = unquoted(constraint ? pgm_ddl_part_name(object) :
								pgm_ddl_bare_name(object->identity));
	bool		primary = constraint && definition[0] == 'P';
	char	   *usual = makeObjectName(table, primary ? NULL :
									   key_names(definition),
									   primary ? "pkey" : !constraint ? "idx" :
									   definition[0] == 'E' ? "excl" : "key");

	return strcmp(name, usual) == 0;
}

/* Is its table one of the partitions that are attached already? */
static bool
is_of_attached(const PgmDiff *diff, const PgmSchemaObject *object)
{
	const PgmPair *table = pgm_ddl_find_pair(diff, "table",
											 pgm_ddl_table(object));

	return table != NULL && table->from != NULL && table->to != NULL &&
		table->change != PGM_RECREATE && !table->apart &&
		OF(table->from, "partition bound") != NULL &&
		OF(table->to, "partition bound") != NULL &&
		!differs(table, "inherits") && !differs(table, "partition bound");
}

static bool
comes_late(const PgmDiff *diff, const PgmPair *pair)
{
	return comes(pair) && pgm_ddl_is_late_index(diff, pair);
}

/* Those that are made without the partitions', and their parents. */
static void
find_only(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];

		if (!has_index(pair->to) || !comes(pair) || pair->parent_to < 0 ||
			!is_of_attached(diff, pair->to) ||
			(has_usual_name(pair->to) &&
			 !comes_late(diff, &diff->pairs[pair->parent_to])))
			continue;
		for (int up = pair->parent_to; up >= 0; up = diff->pairs[up].parent_to)
			diff->pairs[up].only = true;
	}
}

void
pgm_diff_settle_indexes(PgmDiff *diff)
{
	bool		again = true;

	while (again)
	{
		again = false;
		for (int i = 0; i < diff->npairs; i++)
		{
			PgmPair    *pair = &diff->pairs[i];

			if (has_index(pair->from))
				again |= settle(diff, pair);
		}
	}
	find_only(diff);
}

bool
pgm_ddl_is_handed_down(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *object = pair->to;
	const PgmSchemaObject *table;
	const PgmPair *parent;

	if (pgm_ddl_is(object, "index") ? OF(object, "parent") == NULL :
		!pgm_ddl_equal(OF(object, "inherited"), "yes"))
		return false;
	table = pgm_ddl_find_table(diff->to, pgm_ddl_table(object));
	if (table == NULL || OF(table, "partition bound") == NULL)
		return !pgm_ddl_changes_parents(diff, object);
	if (!is_of_attached(diff, object))
		return false;
	if (pair->parent_to < 0)
		return true;
	parent = &diff->pairs[pair->parent_to];
	return comes(parent) && !parent->only;
}

/*
 * One that lacks those of its partitions, or a constraint that has it: else
 * ATTACH would make them.
 */
bool
pgm_ddl_is_late_index(const PgmDiff *diff, const PgmPair *pair)
{
	if (pgm_ddl_is(pair->to, "constraint"))
		for (int part = pair->first_part_to; part >= 0;
			 part = diff->pairs[part].next_part_to)
			if (pgm_ddl_is_late_index(diff, &diff->pairs[part]))
				return true;
	return pgm_ddl_is(pair->to, "index") && OF(pair->to, "valid") != NULL &&
		strstr(OF(pair->to, "definition"), " ON ONLY ") != NULL;
}

void
pgm_ddl_create_index(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;
	char	   *definition = pgm_schema_written(to, "definition");
	char	   *only = strstr(definition, " ON ONLY ");

	if (pgm_ddl_is_handed_down(diff, pair))
		return;
	/* the partitions that are there get theirs */
	if (only != NULL && !pgm_ddl_table_is_new(diff, to) && !pair->only &&
		OF(to, "valid") == NULL)
		definition = psprintf("%.*s ON %s", (int) (only - definition),
							  definition, only + strlen(" ON ONLY "));
	pgm_ddl_add(diff, "%s", definition);
	if (OF(to, "tablespace") != NULL)
		pgm_ddl_add(diff, "ALTER INDEX %s SET TABLESPACE %s", to->identity,
					quote_identifier(OF(to, "tablespace")));
}

/* The definition of a constraint over an index that is there, or NULL. */
static char *
using_index(const PgmDiff *diff, const PgmSchemaObject *constraint)
{
	const char *definition = OF(constraint, "definition");
	const char *table = pgm_ddl_table(constraint);
	char	   *name = pgm_ddl_part_name(constraint);
	const char *timing = strstr(definition, ") DEFERRABLE");
	const PgmPair *index;

	if (strncmp(definition, "UNIQUE", 6) != 0 &&
		strncmp(definition, "PRIMARY", 7) != 0)
		return NULL;
	index = pgm_ddl_find_pair(diff, "index",
							  psprintf("%.*s%s",
									   (int) (pgm_ddl_bare_name(table) - table),
									   table, name));
	if (index == NULL || index->from == NULL || index->to == NULL ||
		is_of_constraint(diff, index, false) || !can_become_constraint(index))
		return NULL;
	return psprintf("%s USING INDEX %s%s", definition[0] == 'U' ? "UNIQUE" :
					"PRIMARY KEY", name, timing ? timing + 1 : "");
}

/* What the definition of a constraint does not have of its index. */
static void
complete_constraint(PgmDiff *diff, const PgmSchemaObject *to)
{
	if (OF(to, ".storage options") != NULL)
		pgm_ddl_add(diff, "ALTER INDEX %s SET (%s)", to->identity,
					OF(to, ".storage options"));
	if (OF(to, "tablespace") != NULL)
		pgm_ddl_add(diff, "ALTER INDEX %s SET TABLESPACE %s", to->identity,
					quote_identifier(OF(to, "tablespace")));
}

void
pgm_ddl_add_constraint(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;
	char	   *definition = using_index(diff, to);
	bool		late = pgm_ddl_is_late_index(diff, pair);

	if (definition == NULL)
		definition = pgm_schema_written(to, "definition");
	if (pgm_ddl_is_handed_down(diff, pair) || pair->is_there)
		return;
	if (pair->only || late)
		pgm_ddl_add(diff, "ALTER TABLE ONLY %s ADD CONSTRAINT %s %s",
					pgm_ddl_table(to), pgm_ddl_part_name(to), definition);
	else if (pgm_diff_is_check(to))
		pgm_ddl_add_along(diff, pgm_ddl_table(to), "ADD CONSTRAINT %s %s",
						  pgm_ddl_part_name(to), definition);
	else
		pgm_ddl_add_to_table(diff, pgm_ddl_table(to), "ADD CONSTRAINT %s %s",
							 pgm_ddl_part_name(to), definition);
	for (int part = pair->first_part_to; part >= 0 && late;
		 part = diff->pairs[part].next_part_to)
		complete_constraint(diff, diff->pairs[part].to);
}

void
pgm_ddl_alter_index(PgmDiff *diff, PgmPair *pair)
{
	if (differs(pair, "tablespace"))
		pgm_ddl_add(diff, "ALTER INDEX %s SET TABLESPACE %s",
					pair->to->identity, OF(pair->to, "tablespace") == NULL ?
					"pg_default" :
					quote_identifier(OF(pair->to, "tablespace")));
}

static void
set_statistics(PgmDiff *diff, const char *index, const char *target,
			   const char *value)
{
	pgm_ddl_add(diff, "ALTER INDEX %s ALTER COLUMN %.*s SET STATISTICS%s",
				index, (int) strcspn(target, ":"), target, value);
}

/* Targets are "1: 100, 2: 50". */
static void
set_targets(PgmDiff *diff, const PgmSchemaObject *from,
			const PgmSchemaObject *to)
{
	const char *was = from == NULL ? NULL : OF(from, "statistics targets");
	const char *rest = was;
	const char *now = OF(to, "statistics targets");
	char	   *target;

	while ((target = pgm_ddl_next(&rest)) != NULL)
	{
		const char *others = now;
		char	   *other;
		bool		kept = false;

		while ((other = pgm_ddl_next(&others)) != NULL)
			kept |= strncmp(other, target, strcspn(target, ":") + 1) == 0;
		if (!kept)
			set_statistics(diff, to->identity, target, " -1");
	}
	rest = now;
	while ((target = pgm_ddl_next(&rest)) != NULL)
		if (!pgm_ddl_in_list(was, target))
			set_statistics(diff, to->identity, target,
						   strchr(target, ':') + 1);
}

/* One that neither its parent's statement nor ATTACH of its table attaches. */
static bool
is_to_be_attached(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmPair *parent;

	if (OF(pair->to, "parent") == NULL || pair->parent_to < 0)
		return false;
	parent = &diff->pairs[pair->parent_to];
	if (comes_late(diff, parent) || !is_of_attached(diff, pair->to) ||
		(!comes(pair) && !differs(pair, "parent")))
		return false;
	if (is_of_constraint(diff, parent, true))
		parent = &diff->pairs[parent->whole_to];
	return !comes(parent) || parent->only;
}

static void
attach(PgmDiff *diff, const PgmSchemaObject *index)
{
	pgm_ddl_add(diff, "ALTER INDEX %s ATTACH PARTITION %s",
				OF(index, "parent"), index->identity);
}

void
pgm_ddl_attach_to_late(PgmDiff *diff, const PgmPair *pair)
{
	if (pgm_ddl_is(pair->to, "index") && pair->parent_to >= 0 &&
		comes_late(diff, &diff->pairs[pair->parent_to]))
		attach(diff, pair->to);
}

void
pgm_ddl_finish_index(PgmDiff *diff, PgmPair *pair, bool created)
{
	const PgmSchemaObject *from = created ? NULL : pair->from;
	const PgmSchemaObject *to = pair->to;
	const char *table = pgm_ddl_table(to);

	if (created && is_of_constraint(diff, pair, true) &&
		!pgm_ddl_is_late_index(diff, pair))
		complete_constraint(diff, to);
	if (is_to_be_attached(diff, pair))
		attach(diff, to);
	if (OF(to, "clustered") != NULL &&
		(from == NULL || OF(from, "clustered") == NULL))
		pgm_ddl_add(diff, "ALTER TABLE %s CLUSTER ON %s", table,
					pgm_ddl_bare_name(to->identity));
	else if (OF(to, "clustered") == NULL && from != NULL &&
			 OF(from, "clustered") != NULL)
		pgm_ddl_add(diff, "ALTER TABLE %s SET WITHOUT CLUSTER", table);
	if (OF(to, "replica identity") != NULL &&
		(from == NULL || OF(from, "replica identity") == NULL))
		pgm_ddl_add(diff, "ALTER TABLE %s REPLICA IDENTITY USING INDEX %s",
					table, pgm_ddl_bare_name(to->identity));
	set_targets(diff, from, to);
}
