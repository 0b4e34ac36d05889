/*-------------------------------------------------------------------------
 *
 * type.c
 *	  Enums, domains, composite types, ranges, and sequences.
 *
 * A type that cannot be altered, but has columns, is set aside under another
 * name; the columns are given the new one by way of text, and what was set
 * aside is dropped at the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "diff/not_null.h"
#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

static bool
differs(const PgmPair *pair, const char *property)
{
	return !pgm_ddl_equal(OF(pair->from, property), OF(pair->to, property));
}

/* Are the labels that were all there still, in their order? */
bool
pgm_ddl_can_add_values(const PgmPair *pair)
{
	const char *from = OF(pair->from, "labels");
	const char *to = OF(pair->to, "labels");
	char	   *old = pgm_ddl_next(&from);
	char	   *label;

	while ((label = pgm_ddl_next(&to)) != NULL)
		if (pgm_ddl_equal(old, label))
			old = pgm_ddl_next(&from);
	return old == NULL;
}

static void
add_values(PgmDiff *diff, PgmPair *pair)
{
	const char *from = OF(pair->from, "labels");
	const char *to = OF(pair->to, "labels");
	const char *before = from;
	char	   *first = pgm_ddl_next(&before);
	char	   *last = NULL;
	char	   *label;

	while ((label = pgm_ddl_next(&to)) != NULL)
	{
		if (pgm_ddl_in_list(from, label))
			;
		else if (last == NULL && first == NULL)
			pgm_ddl_add(diff, "ALTER TYPE %s ADD VALUE %s", pair->to->identity,
						label);
		else
			pgm_ddl_add(diff, "ALTER TYPE %s ADD VALUE %s %s %s",
						pair->to->identity, label,
						last == NULL ? "BEFORE" : "AFTER",
						last == NULL ? first : last);
		last = label;
	}
}

static void
append_collation(StringInfo sql, const PgmSchemaObject *object)
{
	if (OF(object, "collation") != NULL)
		appendStringInfo(sql, " COLLATE %s", OF(object, "collation"));
}

static void
create_composite(PgmDiff *diff, PgmPair *pair)
{
	const char *order = OF(pair->to, "column order");
	char	   *name;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TYPE %s AS (", pair->to->identity);
	for (int i = 0; (name = pgm_ddl_next(&order)) != NULL; i++)
	{
		const PgmSchemaObject *column =
			pgm_schema_find(diff->to, "column",
							psprintf("%s.%s", pair->to->identity, name));

		if (column == NULL)
			continue;
		appendStringInfo(&sql, "%s\n\t%s %s", i > 0 ? "," : "", name,
						 OF(column, "type"));
		append_collation(&sql, column);
	}
	appendStringInfoString(&sql, "\n)");
	pgm_ddl_add(diff, "%s", sql.data);
	pgm_ddl_create_rows(diff, pair);
}

static void
create_domain(PgmDiff *diff, PgmPair *pair)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE DOMAIN %s AS %s", pair->to->identity,
					 OF(pair->to, "base type"));
	append_collation(&sql, pair->to);
	if (OF(pair->to, "default") != NULL)
		appendStringInfo(&sql, " DEFAULT %s",
						 pgm_schema_written(pair->to, "default"));
	if (OF(pair->to, "not null") != NULL)
		pgm_ddl_append_not_null(&sql, diff, pair->to);
	pgm_ddl_add(diff, "%s", sql.data);
}

/* The model has the options in words, "-" for none. */
static void
create_range(PgmDiff *diff, PgmPair *pair)
{
	static const char *const words[][2] = {
		{"subtype ", "SUBTYPE"}, {"operator class ", "SUBTYPE_OPCLASS"},
		{"collation ", "COLLATION"}, {"canonical ", "CANONICAL"},
		{"difference ", "SUBTYPE_DIFF"},
		{"multirange ", "MULTIRANGE_TYPE_NAME"},
	};
	const char *list = OF(pair->to, "range");
	char	   *option;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TYPE %s AS RANGE (", pair->to->identity);
	for (int n = 0; (option = pgm_ddl_next(&list)) != NULL;)
		for (int i = 0; i < lengthof(words); i++)
		{
			size_t		length = strlen(words[i][0]);

			if (strncmp(option, words[i][0], length) != 0 ||
				option[length] == '\0' || strcmp(option + length, "-") == 0)
				continue;
			appendStringInfo(&sql, "%s%s = %s", n++ > 0 ? ", " : "",
							 words[i][1], option + length);
		}
	pgm_ddl_add(diff, "%s)", sql.data);
}

void
pgm_ddl_sequence_options(StringInfo sql, const PgmSchemaObject *sequence,
						 bool type)
{
	if (type)
		appendStringInfo(sql, " AS %s", OF(sequence, "type"));
	appendStringInfo(sql,
					 " INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s",
					 OF(sequence, "increment"), OF(sequence, "minimum"),
					 OF(sequence, "maximum"), OF(sequence, "start"),
					 OF(sequence, "cache"),
					 OF(sequence, "cycle") != NULL ? " CYCLE" : " NO CYCLE");
}

/* False if it is none of the kinds here. */
bool
pgm_ddl_create_type(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;
	StringInfoData sql;

	if (OF(to, "shell") != NULL)
		pgm_ddl_refuse(pair, "shell");
	if (pgm_ddl_is(to, "enum"))
		pgm_ddl_add(diff, "CREATE TYPE %s AS ENUM (%s)", to->identity,
					OF(to, "labels") ? OF(to, "labels") : "");
	else if (pgm_ddl_is(to, "domain"))
		create_domain(diff, pair);
	else if (pgm_ddl_is(to, "composite type"))
		create_composite(diff, pair);
	else if (pgm_ddl_is(to, "range"))
		create_range(diff, pair);
	else if (pgm_ddl_is(to, "sequence"))
	{
		initStringInfo(&sql);
		pgm_ddl_sequence_options(&sql, to, true);
		pgm_ddl_add(diff, "CREATE %sSEQUENCE %s%s",
					OF(to, "persistence") != NULL ? "UNLOGGED " : "",
					to->identity, sql.data);
	}
	else
		return false;
	return true;
}

static void
alter_domain(PgmDiff *diff, PgmPair *pair)
{
	const char *name = pair->to->identity;

	if (differs(pair, "default") && OF(pair->to, "default") == NULL)
		pgm_ddl_add(diff, "ALTER DOMAIN %s DROP DEFAULT", name);
	else if (differs(pair, "default"))
		pgm_ddl_add(diff, "ALTER DOMAIN %s SET DEFAULT %s", name,
					pgm_schema_written(pair->to, "default"));
	if (differs(pair, "not null"))
		pgm_ddl_alter_domain_not_null(diff, pair);
}

static int64
number_of(const PgmSchemaObject *sequence, const char *property)
{
	return strtoll(OF(sequence, property), NULL, 10);
}

/* Is there no position that both have? */
static bool
are_apart(const PgmPair *pair)
{
	return number_of(pair->from, "maximum") < number_of(pair->to, "minimum") ||
		number_of(pair->to, "maximum") < number_of(pair->from, "minimum");
}

/* The position must be within the bounds that are to come. */
static void
keep_in_bounds(PgmDiff *diff, PgmPair *pair, const char *bound,
			   const char *beyond)
{
	int64		was = number_of(pair->from, bound);
	int64		now = number_of(pair->to, bound);

	if (*beyond == '<' ? now <= was : now >= was)
		return;
	pgm_ddl_add(diff,
				"SELECT pg_catalog.setval(%s, %s, false) FROM %s WHERE last_value %s %s",
				quote_literal_cstr(pair->from->identity), OF(pair->to, bound),
				pair->from->identity, beyond, OF(pair->to, bound));
}

static void
alter_sequence(PgmDiff *diff, PgmPair *pair)
{
	bool		apart = are_apart(pair);
	StringInfoData from;
	StringInfoData to;

	if (!apart)
	{
		keep_in_bounds(diff, pair, "minimum", "<");
		keep_in_bounds(diff, pair, "maximum", ">");
	}
	initStringInfo(&from);
	initStringInfo(&to);
	pgm_ddl_sequence_options(&from, pair->from, true);
	pgm_ddl_sequence_options(&to, pair->to, true);
	if (strcmp(from.data, to.data) != 0)
		pgm_ddl_add_loss(diff, NULL,
						 psprintf("ALTER SEQUENCE %s%s%s", pair->to->identity,
								  to.data, apart ? " RESTART" : ""),
						 apart ? psprintf("the position of sequence %s",
										  pair->to->identity) : NULL);
	if (differs(pair, "persistence"))
		pgm_ddl_add(diff, "ALTER SEQUENCE %s SET %s", pair->to->identity,
					OF(pair->to, "persistence") != NULL ? "UNLOGGED" :
					"LOGGED");
}

void
pgm_ddl_alter_type(PgmDiff *diff, PgmPair *pair)
{
	if (pgm_ddl_is(pair->to, "enum") && differs(pair, "labels"))
		add_values(diff, pair);
	else if (pgm_ddl_is(pair->to, "domain"))
		alter_domain(diff, pair);
	else if (pgm_ddl_is(pair->to, "sequence"))
		alter_sequence(diff, pair);
}

/* Columns that are to be given the new type, or a type that is made of it. */
static bool
has_columns(const PgmDiff *diff, const PgmPair *pair)
{
	int			n = pair - diff->pairs;

	check_stack_depth();
	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		const PgmPair *user = &diff->pairs[diff->users.other[i]];

		if (user->retype)
			return true;
		/* an attribute is one of its type */
		if (user->whole_from >= 0 && pgm_ddl_is(user->from, "column"))
			user = &diff->pairs[user->whole_from];
		if (user != pair && user->change == PGM_RECREATE &&
			pgm_ddl_is_set_aside(user->from) && has_columns(diff, user))
			return true;
	}
	return false;
}

static char *
aside_name(const PgmDiff *diff, const PgmPair *pair)
{
	return pgm_ddl_name_beside(diff, pair, "old");
}

void
pgm_ddl_set_aside_type(PgmDiff *diff, PgmPair *pair)
{
	const char *keyword = pgm_ddl_keyword(pair->from->kind);
	bool		columns = has_columns(diff, pair);

	if (columns && pgm_ddl_is(pair->to, "composite type"))
		pgm_ddl_fit_attributes(diff, pair);
	if (columns)
		pgm_ddl_add(diff, "ALTER %s %s RENAME TO %s", keyword,
					pair->from->identity,
					pgm_ddl_bare_name(aside_name(diff, pair)));
	else
		pgm_ddl_add(diff, "DROP %s %s", keyword, pair->from->identity);
}

void
pgm_ddl_drop_aside_type(PgmDiff *diff, PgmPair *pair)
{
	int			n = pair - diff->pairs;

	if (pair->aside_gone || pair->from == NULL ||
		(pair->change != PGM_RECREATE && pair->change != PGM_DROP) ||
		!has_columns(diff, pair))
		return;
	pair->aside_gone = true;
	/* what is made of it goes first */
	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		PgmPair    *user = &diff->pairs[diff->users.other[i]];

		if (user->whole_from >= 0 && pgm_ddl_is(user->from, "column"))
			user = &diff->pairs[user->whole_from];
		if (pgm_ddl_is_set_aside(user->from))
			pgm_ddl_drop_aside_type(diff, user);
	}
	pgm_ddl_drop_rows(diff, pair);
	pgm_ddl_add(diff, "DROP %s %s", pgm_ddl_keyword(pair->from->kind),
				aside_name(diff, pair));
}
