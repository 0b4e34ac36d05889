/*-------------------------------------------------------------------------
 *
 * pairs.c
 *	  Which objects are to be made, dropped, altered, or made again.
 *
 * Objects are the same by kind and identity.  What cannot be altered in place
 * is made again, and with it what the server would not let stand on something
 * that goes, by the dependencies of the schema that is there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "diff/not_null.h"
#include "diff/parts.h"

/* Properties that no ALTER changes. */
static const struct
{
	const char *kind;
	const char *property;
}			fixed[] = {
	{"access method", "handler"},
	{"access method", "type"},
	{"aggregate", "definition"},
	{"cast", "context"},
	{"cast", "function"},
	{"cast", "method"},
	{"collation", "definition"},
	{"column", "generated"},
	{"column", "generated as"},
	{"constraint", "definition"},
	{"conversion", "definition"},
	{"domain", "base type"},
	{"domain", "collation"},
	{"domain constraint", "definition"},
	{"enum", "labels"},
	{"event trigger", "event"},
	{"event trigger", "function"},
	{"event trigger", "tags"},
	{"extension", "schema"},
	{"foreign table", "partition key"},
	{"foreign table", "server"},
	{"function", "definition"},
	{"function", "source"},
	{"index", "definition"},
	{"language", "handler"},
	{"language", "inline"},
	{"language", "trusted"},
	{"language", "validator"},
	{"materialized view", "access method"},
	{"materialized view", "column order"},
	{"materialized view", "definition"},
	{"operator", "definition"},
	{"operator class", "definition"},
	{"operator family", "functions"},
	{"operator family", "operators"},
	{"policy", "check"},
	{"policy", "command"},
	{"policy", "restrictive"},
	{"policy", "roles"},
	{"policy", "using"},
	{"procedure", "definition"},
	{"procedure", "source"},
	{"range", "range"},
	{"server", "type"},
	{"server", "wrapper"},
	{"statistics", "definition"},
	{"table", "partition key"},
	{"text search configuration", "parser"},
	{"text search dictionary", ".template"},
	{"text search parser", "definition"},
	{"text search template", "definition"},
	{"transform", "from SQL"},
	{"transform", "to SQL"},
	{"trigger", "definition"},
	{"view", "column order"},
	{"view", "definition"},
};

/* Kinds that hold on to the columns and the types that they use. */
static const char *const dependents[] = {
	"access method", "aggregate", "cast", "constraint", "conversion",
	"domain constraint", "event trigger", "foreign data wrapper",
	"foreign table", "function", "index", "language", "materialized view",
	"operator", "operator class", "operator family", "policy", "procedure",
	"publication", "rule", "security label", "server", "statistics",
	"text search configuration", "text search dictionary",
	"text search parser", "text search template", "transform", "trigger",
	"user mapping", "view",
};

/* Of those, the ones that the server brings along with a column's type. */
static const char *const follow_type[] = {
	"constraint", "index", "statistics",
};

static bool
is_one_of(const char *kind, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i], kind) == 0)
			return true;
	return false;
}

static bool
counts(const PgmDiffOptions *options, const char *kind, const char *property)
{
	if (pgm_schema_is_hidden(property))
		return false;
	if (strcmp(property, "owner") == 0)
		return !options->no_owners;
	/* columns are added at the end, and dropped where they are */
	if (strcmp(property, "column order") == 0)
		return strcmp(kind, "table") != 0;
	return true;
}

/* No SQL makes an index invalid that is no partitioned one. */
static bool
is_left_valid(const PgmPair *pair)
{
	return pgm_schema_value(pair->from, "valid") == NULL &&
		strstr(pgm_schema_value(pair->to, "definition"), " ON ONLY ") == NULL;
}

bool
pgm_diff_same(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *sides[2] = {pair->from, pair->to};

	if (pair->from == NULL || pair->to == NULL)
		return false;
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < sides[side]->nproperties; i++)
		{
			const char *property = sides[side]->properties[i];

			/* whether it would stay without its parents has no SQL */
			if (strcmp(property, "inherited") == 0 &&
				sides[side]->values[i] != NULL &&
				pgm_schema_value(sides[1 - side], property) != NULL)
				continue;
			if (strcmp(property, "valid") == 0 && is_left_valid(pair))
				continue;
			if (!counts(diff->options, pair->to->kind, property) ||
				pgm_ddl_equal(sides[side]->values[i],
							  pgm_schema_value(sides[1 - side], property)))
				continue;
			if (strcmp(property, "grants") != 0 ||
				!pgm_ddl_same_privileges(diff, pair))
				return false;
		}
	return true;
}

/* Is it the same but that its rows have been checked now? */
static bool
is_validated(const PgmPair *pair)
{
	const char *from = pgm_schema_value(pair->from, "definition");
	const char *to = pgm_schema_value(pair->to, "definition");
	size_t		length = strlen(to);

	return strncmp(from, to, length) == 0 &&
		strcmp(from + length, " NOT VALID") == 0;
}

static bool
must_recreate(const PgmDiff *diff, const PgmPair *pair)
{
	const char *kind = pair->to->kind;

	for (int i = 0; i < lengthof(fixed); i++)
	{
		const char *from;
		const char *to;

		if (strcmp(fixed[i].kind, kind) != 0)
			continue;
		from = pgm_schema_value(pair->from, fixed[i].property);
		to = pgm_schema_value(pair->to, fixed[i].property);
		if (pgm_ddl_equal(from, to))
			continue;
		if (strcmp(kind, "enum") == 0)
			return !pgm_ddl_can_add_values(pair);
		/* one that is stored can become a plain one */
		if (strcmp(kind, "column") == 0)
			return to != NULL ||
				pgm_ddl_equal(pgm_schema_value(pair->from, "generated"),
							  "virtual");
		if (strstr(kind, "constraint") != NULL)
			return !is_validated(pair);
		return !pgm_ddl_can_replace(diff, pair);
	}
	return false;
}

static PgmChange
decide(const PgmDiff *diff, const PgmPair *pair)
{
	if (pgm_diff_skips(diff->options, pair->from != NULL ? diff->from :
					   diff->to, pgm_ddl_object(pair)) &&
		!pgm_ddl_comes_with_schema(diff, pair))
		return PGM_KEEP;
	if (pair->from == NULL)
		return pgm_ddl_is_only_named(pair->to) ? PGM_KEEP : PGM_CREATE;
	if (pair->to == NULL)
		return PGM_DROP;
	if (pgm_diff_same(diff, pair))
		return PGM_KEEP;
	return must_recreate(diff, pair) ? PGM_RECREATE : PGM_ALTER;
}

static int
identity_cmp(const PgmSchemaObject *a, const PgmSchemaObject *b)
{
	int			cmp = strcmp(a->kind, b->kind);

	return cmp != 0 ? cmp : strcmp(a->identity, b->identity);
}

static int
pair_cmp(const void *a, const void *b)
{
	return identity_cmp(pgm_ddl_object(a), pgm_ddl_object(b));
}

PgmPair *
pgm_ddl_find_pair(const PgmDiff *diff, const char *kind, const char *identity)
{
	PgmSchemaObject object = {kind, identity};
	PgmPair		key = {&object};

	return bsearch(&key, diff->pairs, diff->npairs, sizeof(PgmPair), pair_cmp);
}

PgmPair *
pgm_ddl_table_pair(const PgmDiff *diff, const PgmSchemaObject *part)
{
	const char *name = pgm_ddl_table(part);
	PgmPair    *pair = name == NULL ? NULL :
		pgm_ddl_find_pair(diff, "table", name);

	return pair != NULL || name == NULL ? pair :
		pgm_ddl_find_pair(diff, "foreign table", name);
}

bool
pgm_ddl_table_is_new(const PgmDiff *diff, const PgmSchemaObject *part)
{
	const PgmPair *table = pgm_ddl_table_pair(diff, part);

	return table != NULL && (table->change == PGM_CREATE ||
							 table->change == PGM_RECREATE);
}

/* Both lists are sorted. */
static void
merge(PgmDiff *diff, int *pair_of_from, int *pair_of_to)
{
	int			i = 0;
	int			j = 0;

	diff->pairs = palloc0(sizeof(PgmPair) * (diff->from->nobjects +
											 diff->to->nobjects + 1));
	while (i < diff->from->nobjects || j < diff->to->nobjects)
	{
		PgmPair    *pair = &diff->pairs[diff->npairs];
		int			cmp;

		if (i == diff->from->nobjects)
			cmp = 1;
		else if (j == diff->to->nobjects)
			cmp = -1;
		else
			cmp = identity_cmp(&diff->from->objects[i], &diff->to->objects[j]);
		if (cmp <= 0)
		{
			pair_of_from[i] = diff->npairs;
			pair->from = &diff->from->objects[i++];
		}
		if (cmp >= 0)
		{
			pair_of_to[j] = diff->npairs;
			pair->to = &diff->to->objects[j++];
		}
		pair->rank = pgm_ddl_rank(pgm_ddl_object(pair)->kind);
		pair->whole_from = pair->whole_to = -1;
		pair->parent_from = pair->parent_to = -1;
		pair->first_part_from = pair->first_part_to = -1;
		pair->next_part_from = pair->next_part_to = -1;
		diff->npairs++;
	}
}

static void
set_whole(PgmDiff *diff, int part, int whole, bool to)
{
	PgmPair    *pair = &diff->pairs[part];
	PgmPair    *other = &diff->pairs[whole];

	if (part == whole || (to ? pair->whole_to : pair->whole_from) >= 0)
		return;
	if (to)
	{
		pair->whole_to = whole;
		pair->next_part_to = other->first_part_to;
		other->first_part_to = part;
	}
	else
	{
		pair->whole_from = whole;
		pair->next_part_from = other->first_part_from;
		other->first_part_from = part;
	}
}

static int
find_table(const PgmSchema *schema, const int *pair_of,
		   const PgmSchemaObject *object)
{
	static const char *const tables[] = {
		"table", "view", "materialized view", "composite type", "domain",
		"foreign table"
	};
	const char *name = pgm_ddl_table(object);

	for (int i = 0; name != NULL && i < lengthof(tables); i++)
	{
		const PgmSchemaObject *found = pgm_schema_find(schema, tables[i],
													   name);

		if (found != NULL)
			return pair_of[found - schema->objects];
	}
	return -1;
}

/*
 * What comes and goes with something else: the columns of a table; when it
 * goes, all that is on it; indexes of constraints, sequences of columns, the
 * functions of a range.
 */
static void
find_wholes(PgmDiff *diff, const PgmSchema *schema, const int *pair_of,
			bool to)
{
	for (int i = 0; i < schema->ndependencies; i++)
	{
		const PgmSchemaDependency *d = &schema->dependencies[i];
		const char *kind = schema->objects[d->object].kind;
		const char *other = schema->objects[d->needs].kind;
		bool		whole = false;

		if (strcmp(kind, "index") == 0)
			whole = d->type == 'i' && strcmp(other, "constraint") == 0;
		else if (strcmp(kind, "sequence") == 0)
			whole = strcmp(other, "column") == 0 &&
				(d->type == 'i' || (d->type == 'a' && !to));
		else if (strcmp(other, "range") == 0)
			whole = d->type == 'i';
		if (d->type == 'P' && strcmp(kind, other) == 0)
		{
			PgmPair    *pair = &diff->pairs[pair_of[d->object]];

			*(to ? &pair->parent_to : &pair->parent_from) = pair_of[d->needs];
		}
		if (whole)
			set_whole(diff, pair_of[d->object], pair_of[d->needs], to);
	}
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];
		int			table = find_table(schema, pair_of, object);

		if (table >= 0 && (!to || pgm_ddl_is(object, "column")))
			set_whole(diff, pair_of[i], table, to);
	}
}

/* A sequence that is given to its column is there before it. */
static bool
is_reverse(const PgmSchema *schema, const PgmSchemaDependency *d)
{
	return d->type == 'a' &&
		strcmp(schema->objects[d->object].kind, "sequence") == 0;
}

/* By what is needed, or by who needs it. */
static void
find_edges(PgmEdges *edges, const PgmSchema *schema, const int *pair_of,
		   int npairs, bool users)
{
	int			n = schema->ndependencies;
	int		   *fill;

	edges->start = palloc0(sizeof(int) * (npairs + 2));
	edges->other = palloc(sizeof(int) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		const PgmSchemaDependency *d = &schema->dependencies[i];

		if (users || !is_reverse(schema, d))
			edges->start[pair_of[users ? d->needs : d->object] + 1]++;
	}
	for (int i = 0; i < npairs; i++)
		edges->start[i + 1] += edges->start[i];
	fill = palloc(sizeof(int) * (npairs + 1));
	memcpy(fill, edges->start, sizeof(int) * (npairs + 1));
	for (int i = 0; i < n; i++)
	{
		const PgmSchemaDependency *d = &schema->dependencies[i];
		int			object = pair_of[users ? d->needs : d->object];
		int			other = pair_of[users ? d->object : d->needs];

		if (users || !is_reverse(schema, d))
			edges->other[fill[object]++] = other;
	}
	pfree(fill);
}

bool
pgm_diff_type_changes(const PgmPair *pair)
{
	return pgm_ddl_is(pair->from, "column") && pair->to != NULL &&
		pair->change == PGM_ALTER &&
		(pair->retype ||
		 !pgm_ddl_equal(pgm_schema_value(pair->from, "type"),
						pgm_schema_value(pair->to, "type")) ||
		 !pgm_ddl_equal(pgm_schema_value(pair->from, "collation"),
						pgm_schema_value(pair->to, "collation")));
}

bool
pgm_diff_is_foreign_key(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "constraint") &&
		strncmp(pgm_schema_value(object, "definition"), "FOREIGN KEY",
				strlen("FOREIGN KEY")) == 0;
}

bool
pgm_diff_is_check(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "constraint") &&
		strncmp(pgm_schema_value(object, "definition"), "CHECK", 5) == 0;
}

static List *
recreate(PgmDiff *diff, int n, List *queue)
{
	PgmPair    *pair = &diff->pairs[n];

	if ((pair->change != PGM_KEEP && pair->change != PGM_ALTER) ||
		pgm_ddl_is_not_null(pgm_ddl_object(pair)))
		return queue;
	pair->change = PGM_RECREATE;
	return lappend_int(queue, n);
}

/* Has a type of another kind the name that the column's type has had? */
static bool
is_named_again(const PgmPair *cause, const PgmPair *user)
{
	return pgm_ddl_is_set_aside(cause->from) &&
		pgm_ddl_is(user->to, "column") &&
		pgm_ddl_equal(pgm_schema_value(user->from, "type"),
					  pgm_schema_value(user->to, "type"));
}

/* The server forgets the targets of what it brings along. */
static bool
has_target(const PgmSchemaObject *object)
{
	return pgm_schema_value(object, "statistics target") != NULL ||
		pgm_schema_value(object, "statistics targets") != NULL;
}

/* A partition keeps its rows while what it is one of is made again. */
static void
set_apart(PgmPair *partition)
{
	partition->change = PGM_ALTER;
	partition->apart = true;
}

/* Is it the index, or the constraint, of a partition that is set apart? */
static bool
stands_apart(const PgmDiff *diff, const PgmPair *cause, const PgmPair *user)
{
	const PgmPair *table = pgm_ddl_table_pair(diff, user->from);

	return table != NULL && table->apart &&
		strcmp(cause->from->kind, user->from->kind) == 0 &&
		(pgm_ddl_is(user->from, "index") ||
		 pgm_ddl_is(user->from, "constraint"));
}

/* A table that goes leaves its publications, with its columns. */
static bool
leaves_publications(const PgmDiff *diff, const PgmPair *cause)
{
	const PgmPair *table = pgm_ddl_is(cause->from, "column") ?
		pgm_ddl_table_pair(diff, cause->from) : cause;

	return table != NULL && table->change == PGM_DROP &&
		pgm_ddl_is_table(table->from);
}

/* What becomes of a user of something that goes or changes its type. */
static List *
affect_user(PgmDiff *diff, PgmPair *cause, int n, List *queue)
{
	PgmPair    *user = &diff->pairs[n];
	const char *kind;

	if (user->from == NULL || user->to == NULL ||
		(user->change != PGM_KEEP && user->change != PGM_ALTER))
		return queue;
	kind = user->to->kind;
	if (strcmp(kind, "publication") == 0 && leaves_publications(diff, cause))
		return queue;
	if (cause->change == PGM_DROP && user->change == PGM_ALTER &&
		!is_named_again(cause, user))
	{
		/* sequences and children have left before */
		if (strcmp(kind, "sequence") != 0 && !pgm_ddl_is_table(user->to))
			cause->late = true;
		return queue;
	}
	if (strcmp(kind, "column") == 0)
	{
		int			whole = user->whole_from;
		bool		type = pgm_ddl_is_set_aside(cause->from);

		if (pgm_ddl_is_table(cause->from) && whole >= 0 &&
			cause->change == PGM_RECREATE &&
			pgm_ddl_is(diff->pairs[whole].to, "composite type"))
			return recreate(diff, whole, queue);
		if (pgm_ddl_is_table(cause->from) || user->retype)
			return queue;
		if (pgm_schema_value(user->to, "generated as") != NULL)
			return recreate(diff, n, queue);
		if (pgm_ddl_is(cause->from, "range"))
			pgm_ddl_refuse(cause, "range");
		if (type && whole >= 0 &&
			pgm_ddl_is(diff->pairs[whole].to, "composite type"))
			return recreate(diff, whole, queue);
		user->change = PGM_ALTER;
		if (!type)
			user->drop_default = true;
		else
		{
			user->retype = true;
			queue = lappend_int(queue, n);
		}
		return queue;
	}
	if (pgm_ddl_is_table(cause->from) && cause->change == PGM_RECREATE &&
		pgm_schema_value(user->from, "partition bound") != NULL)
	{
		set_apart(user);
		return queue;
	}
	if (stands_apart(diff, cause, user))
		return queue;
	if (strcmp(kind, "domain") == 0 && !pgm_diff_type_changes(cause))
		return recreate(diff, n, queue);
	/* what its rows are told apart by */
	if (pgm_schema_value(user->from, "partition key") != NULL &&
		(pgm_ddl_is(cause->from, "function") ||
		 pgm_ddl_is(cause->from, "operator class")))
		return recreate(diff, n, queue);
	/* both of its ends may change */
	if (pgm_diff_type_changes(cause) && pgm_diff_is_foreign_key(user->from))
		return recreate(diff, n, queue);
	if (!is_one_of(kind, dependents, lengthof(dependents)) ||
		(pgm_diff_type_changes(cause) && !has_target(user->to) &&
		 is_one_of(kind, follow_type, lengthof(follow_type))))
		return queue;
	return recreate(diff, n, queue);
}

/* Is this name one of those in the expressions of a partition key? */
static bool
is_in_key(const char *key, const char *name)
{
	size_t		length = strlen(name);

	for (const char *at = key; (at = strstr(at, name)) != NULL; at++)
		if (at > key && strchr(" (,", at[-1]) != NULL &&
			strchr(" ),", at[length]) != NULL)
			return true;
	return false;
}

/* The type of what tables are partitioned by cannot change. */
static List *
recreate_partitioned(PgmDiff *diff, const PgmPair *column, List *queue)
{
	int			table = column->whole_from;
	const char *key;

	if (table < 0 || !pgm_diff_type_changes(column))
		return queue;
	key = pgm_schema_value(diff->pairs[table].from, "partition key");
	if (key != NULL && is_in_key(key, pgm_ddl_part_name(column->from)))
		queue = recreate(diff, table, queue);
	return queue;
}

/* Keys to rows of a partition that leaves are made again when it is back. */
static void
recreate_keys(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		ListCell   *cell;

		if (pgm_diff_leaves_and_joins(&diff->pairs[i]))
			foreach(cell, pgm_diff_keys_to(diff, &diff->pairs[i]))
				(void) recreate(diff, lfirst_int(cell), NIL);
	}
}

/* Of tables that are partitioned by something else. */
static void
set_partitions_apart(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		const PgmPair *table = &diff->pairs[i];

		if (table->change != PGM_RECREATE || !pgm_ddl_is_table(table->from))
			continue;
		for (int j = diff->users.start[i]; j < diff->users.start[i + 1]; j++)
		{
			PgmPair    *user = &diff->pairs[diff->users.other[j]];

			if ((user->change == PGM_KEEP || user->change == PGM_ALTER) &&
				pgm_ddl_is_table(user->from) && user->to != NULL &&
				pgm_schema_value(user->from, "partition bound") != NULL)
				set_apart(user);
		}
	}
}

static void
propagate(PgmDiff *diff)
{
	List	   *queue = NIL;

	pgm_diff_recreate_types(diff);
	recreate_keys(diff);
	for (int i = 0; i < diff->npairs; i++)
		if (diff->pairs[i].change == PGM_RECREATE ||
			diff->pairs[i].change == PGM_DROP ||
			pgm_diff_type_changes(&diff->pairs[i]))
			queue = lappend_int(queue, i);
	for (int i = 0; i < list_length(queue); i++)
	{
		int			n = list_nth_int(queue, i);
		PgmPair    *pair = &diff->pairs[n];

		queue = recreate_partitioned(diff, pair, queue);
		for (int j = diff->users.start[n]; j < diff->users.start[n + 1]; j++)
			queue = affect_user(diff, pair, diff->users.other[j], queue);
		/* of what goes, the columns that something of its name has then */
		for (int part = pair->first_part_from; part >= 0;
			 part = diff->pairs[part].next_part_from)
			if (diff->pairs[part].to != NULL &&
				(pair->change == PGM_RECREATE ||
				 (pair->change == PGM_DROP &&
				  pgm_ddl_is(diff->pairs[part].to, "column"))))
				queue = recreate(diff, part, queue);
		if (pair->change != PGM_RECREATE)
			continue;
		/* an index of a constraint is not made without it */
		if (pair->whole_to >= 0 && pgm_ddl_is(pair->to, "index"))
			queue = recreate(diff, pair->whole_to, queue);
	}
}

/* The column has another sequence then. */
static void
renew_identity(PgmDiff *diff, const char *column)
{
	PgmPair    *pair = pgm_ddl_find_pair(diff, "column", column);

	if (pair == NULL || pair->from == NULL || pair->to == NULL ||
		pgm_schema_value(pair->to, "identity") == NULL)
		return;
	pair->new_sequence = true;
	if (pair->change == PGM_KEEP)
		pair->change = PGM_ALTER;
}

/* The column of an identity, or NULL. */
static const char *
identity_column(const PgmSchemaObject *sequence)
{
	return pgm_ddl_is_of_identity(sequence) ?
		pgm_schema_value(sequence, "owned by") : NULL;
}

/*
 * A sequence of its own does not become that of an identity column, nor that
 * of one column that of another.
 */
static void
recreate_sequences(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];

		if (!pgm_ddl_is(pair->from, "sequence"))
			continue;
		if (pair->to != NULL &&
			!pgm_diff_skips(diff->options, diff->to, pair->to) &&
			!pgm_ddl_equal(identity_column(pair->from),
						   identity_column(pair->to)))
			pair->change = PGM_RECREATE;
		if ((pair->change == PGM_DROP || pair->change == PGM_RECREATE) &&
			pgm_ddl_is_of_identity(pair->from))
			renew_identity(diff, pgm_schema_value(pair->from, "owned by"));
	}
}

void
pgm_diff_pair(PgmDiff *diff)
{
	int		   *pair_of_from;
	int		   *pair_of_to;

	pair_of_from = palloc(sizeof(int) * (diff->from->nobjects + 1));
	pair_of_to = palloc(sizeof(int) * (diff->to->nobjects + 1));
	merge(diff, pair_of_from, pair_of_to);
	for (int i = 0; i < diff->npairs; i++)
		diff->pairs[i].change = decide(diff, &diff->pairs[i]);
	recreate_sequences(diff);
	find_wholes(diff, diff->from, pair_of_from, false);
	find_wholes(diff, diff->to, pair_of_to, true);
	find_edges(&diff->users, diff->from, pair_of_from, diff->npairs, true);
	find_edges(&diff->needs, diff->to, pair_of_to, diff->npairs, false);
	set_partitions_apart(diff);
	pgm_diff_settle_indexes(diff);
	propagate(diff);
	for (int i = 0; i < diff->npairs; i++)
		if (diff->pairs[i].change == PGM_KEEP &&
			pgm_ddl_renews_toast(diff, &diff->pairs[i]))
			diff->pairs[i].change = PGM_ALTER;
	pgm_diff_check_row_types(diff);
}
