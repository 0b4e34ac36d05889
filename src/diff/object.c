/*-------------------------------------------------------------------------
 *
 * object.c
 *	  The statements for one object: drop, create, alter, and what comes last.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

static bool
differs(const PgmPair *pair, const char *property)
{
	return !pgm_ddl_equal(OF(pair->from, property), OF(pair->to, property));
}

static bool
is_inherited(const PgmSchemaObject *object)
{
	return pgm_ddl_equal(OF(object, "inherited"), "yes");
}

/* Without the end that a statement has no use for. */
static char *
trimmed(const char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && strchr("; \n", text[length - 1]) != NULL)
		length--;
	return pnstrdup(text, length);
}

static bool
is_attribute(const PgmSchema *schema, const PgmSchemaObject *column)
{
	return pgm_schema_find(schema, "composite type",
						   pgm_ddl_table(column)) != NULL;
}

static bool
is_table_column(const PgmSchema *schema, const PgmSchemaObject *column)
{
	return pgm_ddl_find_table(schema, pgm_ddl_table(column)) != NULL;
}

static void
drop_part(PgmDiff *diff, const PgmSchemaObject *from)
{
	const char *table = pgm_ddl_table(from);
	char	   *name = pgm_ddl_part_name(from);

	if (pgm_ddl_is(from, "domain constraint"))
		pgm_ddl_add(diff, "ALTER DOMAIN %s DROP CONSTRAINT %s", table, name);
	else if (is_inherited(from) && !pgm_ddl_changes_parents(diff, from))
		return;
	else if (pgm_diff_is_check(from))
		pgm_ddl_add_along(diff, pgm_ddl_above(diff, from),
						  "DROP CONSTRAINT %s", name);
	else if (pgm_ddl_is(from, "constraint"))
		pgm_ddl_add_to_table(diff, pgm_ddl_above(diff, from),
							 "DROP CONSTRAINT %s", name);
	else if (is_attribute(diff->from, from))
		pgm_ddl_add_loss(diff, NULL,
						 psprintf("ALTER TYPE %s DROP ATTRIBUTE %s", table,
								  name),
						 !pgm_diff_is_stored(diff, from) ? NULL :
						 psprintf("attribute %s of %s", name, table));
	else if (pgm_schema_find(diff->from, "foreign table", table) != NULL ||
			 OF(from, "generated as") != NULL)
		pgm_ddl_add_to_table(diff, table, "DROP COLUMN %s", name);
	else if (is_table_column(diff->from, from))
		pgm_ddl_add_loss(diff, pgm_ddl_above(diff, from),
						 psprintf("DROP COLUMN %s", name),
						 psprintf("column %s of %s", name, table));
}

/* An identity column has its sequence until it is none any more. */
static void
drop_sequence(PgmDiff *diff, const PgmSchemaObject *from)
{
	const char *owner = OF(from, "owned by");
	const PgmSchemaObject *column = !pgm_ddl_is_of_identity(from) ? NULL :
		pgm_schema_find(diff->from, "column", owner);

	if (column != NULL)
		pgm_ddl_add_to_table(diff, pgm_ddl_table(column),
							 "ALTER COLUMN %s DROP IDENTITY",
							 pgm_ddl_part_name(column));
	else
		pgm_ddl_add_loss(diff, NULL,
						 psprintf("DROP SEQUENCE %s", from->identity),
						 owner != NULL ? NULL :
						 psprintf("the position of sequence %s",
								  from->identity));
}

void
pgm_ddl_drop(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *from = pair->from;
	char	   *address = pgm_ddl_address(from);

	diff->writing = pair;
	if (pgm_ddl_is(from, "default privileges"))
		return;					/* at the end */
	if (OF(from, ".inherited") != NULL &&
		pgm_ddl_changes_parents(diff, from))
		return;					/* gone with the parent */
	if (OF(from, ".inherited") != NULL)
		pgm_ddl_add_to_table(diff, pgm_ddl_table(from), "ENABLE TRIGGER %s",
							 pgm_ddl_part_name(from));
	else if (pgm_ddl_is(from, "security label"))
		pgm_ddl_add(diff, "%sNULL", OF(from, ".create"));
	else if (pgm_ddl_is(from, "column") || pgm_ddl_is(from, "constraint") ||
			 pgm_ddl_is(from, "domain constraint"))
		drop_part(diff, from);
	else if (pgm_ddl_is(from, "sequence"))
		drop_sequence(diff, from);
	else if (address == NULL)
		pgm_ddl_refuse(pair, NULL);
	else if (pgm_ddl_is_only_named(from))
		pgm_ddl_add(diff, "DROP OPERATOR IF EXISTS %s",
					address + strlen("OPERATOR "));
	else if (pgm_ddl_is_set_aside(from))
		pgm_ddl_set_aside_type(diff, pair);
	else if (pgm_ddl_is(from, "table"))
		pgm_ddl_add_loss(diff, NULL, psprintf("DROP TABLE %s", from->identity),
						 OF(from, "partition key") != NULL ? NULL :
						 psprintf("table %s", from->identity));
	else if (pgm_ddl_is(from, "index"))
		pgm_ddl_drop_index(diff, pair);
	else if (pgm_ddl_is(from, "extension") && OF(from, ".tables") != NULL)
		pgm_ddl_add_loss(diff, NULL, psprintf("DROP %s", address),
						 psprintf("%s of extension %s", OF(from, ".tables"),
								  from->identity));
	else
		pgm_ddl_add(diff, "DROP %s", address);
}

static void
create_view(PgmDiff *diff, const PgmSchemaObject *to, bool replace)
{
	const char *options = OF(to, "options");
	const char *toast = OF(to, "toast options");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %s%s %s", replace ? "OR REPLACE " : "",
					 pgm_ddl_keyword(to->kind), to->identity);
	if (OF(to, "access method") != NULL)
		appendStringInfo(&sql, " USING %s",
						 quote_identifier(OF(to, "access method")));
	if (toast != NULL)
		options = psprintf("%s%s%s", options ? options : "",
						   options ? ", " : "",
						   pgm_ddl_prefixed("toast.", toast));
	if (options != NULL)
		appendStringInfo(&sql, " WITH (%s)", options);
	if (OF(to, "tablespace") != NULL)
		appendStringInfo(&sql, " TABLESPACE %s",
						 quote_identifier(OF(to, "tablespace")));
	appendStringInfo(&sql, " AS\n%s", trimmed(pgm_schema_written(to, "definition")));
	pgm_ddl_add(diff, "%s", sql.data);
}

static void
create_policy(PgmDiff *diff, const PgmSchemaObject *to)
{
	const char *command = OF(to, "command");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE POLICY %s", to->identity);
	if (OF(to, "restrictive") != NULL)
		appendStringInfoString(&sql, " AS RESTRICTIVE");
	if (command != NULL)
		appendStringInfo(&sql, " FOR %s", command);
	appendStringInfo(&sql, " TO %s", OF(to, "roles"));
	if (OF(to, "using") != NULL)
		appendStringInfo(&sql, " USING (%s)",
						 pgm_schema_written(to, "using"));
	if (OF(to, "check") != NULL)
		appendStringInfo(&sql, " WITH CHECK (%s)",
						 pgm_schema_written(to, "check"));
	pgm_ddl_add(diff, "%s", sql.data);
}

static void
create_event_trigger(PgmDiff *diff, const PgmSchemaObject *to)
{
	const char *tags = OF(to, "tags");
	char	   *tag;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE EVENT TRIGGER %s ON %s", to->identity,
					 OF(to, "event"));
	for (int i = 0; (tag = pgm_ddl_next(&tags)) != NULL; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? " WHEN TAG IN (" : ", ",
						 quote_literal_cstr(tag));
	if (OF(to, "tags") != NULL)
		appendStringInfoChar(&sql, ')');
	appendStringInfo(&sql, " EXECUTE FUNCTION %s", OF(to, "function"));
	pgm_ddl_add(diff, "%s", sql.data);
}

/* The options of a publication, which the model has as a row. */
static char *
publication_options(const PgmSchemaObject *to)
{
	static const char *const operations[] = {
		"insert", "update", "delete", "truncate"
	};
	const char *row = OF(to, "options");
	StringInfoData sql;
	bool		first = true;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "publish = '");
	for (int i = 0; i < lengthof(operations); i++)
		if (strstr(row, psprintf("\"pub%s\": true", operations[i])) != NULL)
		{
			appendStringInfo(&sql, "%s%s", first ? "" : ", ", operations[i]);
			first = false;
		}
	appendStringInfo(&sql, "', publish_via_partition_root = %s",
					 strstr(row, "\"pubviaroot\": true") ? "true" : "false");
	return sql.data;
}

/* Each table by itself: children that are published are in the list. */
static char *
publication_members(const PgmSchemaObject *to)
{
	const char *tables = OF(to, "tables");
	const char *schemas = OF(to, "schemas");
	const char *separator = "TABLE ";
	StringInfoData members;
	char	   *table;

	initStringInfo(&members);
	while ((table = pgm_ddl_next(&tables)) != NULL)
	{
		appendStringInfo(&members, "%sONLY %s", separator, table);
		separator = ", ";
	}
	if (schemas != NULL)
		appendStringInfo(&members, "%sTABLES IN SCHEMA %s",
						 members.len > 0 ? ", " : "", schemas);
	return members.data;
}

/* Of a list, what is still there; columns and conditions are not said. */
static void
append_left(StringInfo members, const PgmDiff *diff, const char *kind,
			const char *list, const char *words)
{
	char	   *member;

	while ((member = pgm_ddl_next(&list)) != NULL)
	{
		char	   *name = pgm_ddl_first_word(member);

		if (pgm_schema_find(diff->to, kind, name) != NULL)
			appendStringInfo(members, "%s%s %s", members->len > 0 ? ", " : "",
							 words, name);
	}
}

/* Tables that went have left before. */
static void
empty_publication(PgmDiff *diff, const PgmSchemaObject *from)
{
	StringInfoData members;

	initStringInfo(&members);
	append_left(&members, diff, "table", OF(from, "tables"), "TABLE ONLY");
	append_left(&members, diff, "schema", OF(from, "schemas"),
				"TABLES IN SCHEMA");
	if (members.len > 0)
		pgm_ddl_add(diff, "ALTER PUBLICATION %s DROP %s", from->identity,
					members.data);
}

static bool
is_for_all(const PgmSchemaObject *publication, const char *option)
{
	return strstr(OF(publication, "options"),
				  psprintf("\"%s\": true", option)) != NULL;
}

/* ALL TABLES, but for some, and ALL SEQUENCES. */
static char *
publication_of_all(const PgmSchemaObject *to)
{
	bool		tables = is_for_all(to, "puballtables");
	bool		sequences = is_for_all(to, "puballsequences");
	const char *excepted = OF(to, "excepted tables");

	return psprintf("%s%s%s%s%s%s", tables ? "ALL TABLES" : "",
					excepted != NULL ? " EXCEPT (TABLE " : "",
					excepted != NULL ? excepted : "",
					excepted != NULL ? ")" : "",
					tables && sequences ? ", " : "",
					sequences ? "ALL SEQUENCES" : "");
}

static void
create_publication(PgmDiff *diff, const PgmSchemaObject *to)
{
	char	   *members = publication_of_all(to);

	if (!*members)
		members = publication_members(to);
	pgm_ddl_add(diff, "CREATE PUBLICATION %s%s%s WITH (%s)", to->identity,
				*members ? " FOR " : "", members, publication_options(to));
}

static void
alter_publication(PgmDiff *diff, PgmPair *pair)
{
	static const char *const all[] = {"puballtables", "puballsequences"};
	char	   *members = publication_members(pair->to);

	for (int i = 0; i < lengthof(all); i++)
		if (is_for_all(pair->from, all[i]) != is_for_all(pair->to, all[i]))
		{
			pgm_ddl_add(diff, "DROP PUBLICATION %s", pair->to->identity);
			create_publication(diff, pair->to);
			return;
		}
	if (differs(pair, "options"))
		pgm_ddl_add(diff, "ALTER PUBLICATION %s SET (%s)", pair->to->identity,
					publication_options(pair->to));
	if (differs(pair, "excepted tables"))
		pgm_ddl_add(diff, "ALTER PUBLICATION %s SET %s", pair->to->identity,
					publication_of_all(pair->to));
	if (!differs(pair, "tables") && !differs(pair, "schemas"))
		return;
	if (*members)
		pgm_ddl_add(diff, "ALTER PUBLICATION %s SET %s", pair->to->identity,
					members);
	else
		empty_publication(diff, pair->from);
}

static void
set_view_default(PgmDiff *diff, const PgmSchemaObject *column)
{
	if (OF(column, "default") != NULL)
		pgm_ddl_add(diff, "ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s",
					pgm_ddl_table(column), pgm_ddl_part_name(column),
					pgm_schema_written(column, "default"));
}

static void
create_part(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;
	const char *table = pgm_ddl_table(to);
	char	   *name = pgm_ddl_part_name(to);

	if (pgm_ddl_is(to, "domain constraint"))
		pgm_ddl_add(diff, "ALTER DOMAIN %s ADD CONSTRAINT %s %s", table, name,
					pgm_schema_written(to, "definition"));
	else if (pgm_ddl_is(to, "constraint"))
		pgm_ddl_add_constraint(diff, pair);
	else if (is_attribute(diff->to, to))
		pgm_ddl_add(diff, "ALTER TYPE %s ADD ATTRIBUTE %s %s%s%s", table, name,
					OF(to, "type"), OF(to, "collation") ? " COLLATE " : "",
					OF(to, "collation") ? OF(to, "collation") : "");
	else if (is_table_column(diff->to, to))
		pgm_ddl_add_column(diff, pair);
	else
		set_view_default(diff, to);
}

/*
 * A sequence whose column was there before begins behind what is in it; the
 * position of one that goes is lost with it.
 */
static void
set_position(PgmDiff *diff, const PgmSchemaObject *to,
			 const PgmSchemaObject *column)
{
	const char *type = OF(column, "type");
	const PgmPair *table = pgm_ddl_table_pair(diff, column);

	/* the rows of one that is partitioned are back by now */
	if ((pgm_ddl_table_is_new(diff, column) &&
		 OF(table->to, "partition key") == NULL) ||
		pgm_schema_find(diff->from, "column", column->identity) == NULL ||
		(strcmp(type, "integer") != 0 && strcmp(type, "bigint") != 0 &&
		 strcmp(type, "smallint") != 0))
		return;
	pgm_ddl_add(diff,
				"SELECT pg_catalog.setval(%s, m.value) FROM (SELECT pg_catalog.max(%s) AS value FROM %s) AS m WHERE m.value BETWEEN %s AND %s",
				quote_literal_cstr(to->identity), pgm_ddl_part_name(column),
				pgm_ddl_table(column), OF(to, "minimum"), OF(to, "maximum"));
}

/* The sequence of an identity column is made as its table is. */
static void
settle_persistence(PgmDiff *diff, const PgmSchemaObject *sequence,
				   const PgmSchemaObject *column)
{
	const PgmSchemaObject *table = pgm_ddl_find_table(diff->to,
													  pgm_ddl_table(column));
	const char *persistence = OF(sequence, "persistence");

	if (table != NULL && !pgm_ddl_equal(persistence, OF(table, "persistence")))
		pgm_ddl_add(diff, "ALTER SEQUENCE %s SET %s", sequence->identity,
					persistence != NULL ? "UNLOGGED" : "LOGGED");
}

static void
finish_sequence(PgmDiff *diff, PgmPair *pair, bool created)
{
	const char *owner = OF(pair->to, "owned by");
	const PgmSchemaObject *column = owner == NULL ? NULL :
		pgm_schema_find(diff->to, "column", owner);

	if (!created && !differs(pair, "owned by"))
		return;
	if (column != NULL && !pgm_ddl_is_of_identity(pair->to))
		pgm_ddl_add(diff, "ALTER SEQUENCE %s OWNED BY %s", pair->to->identity,
					owner);
	if (created && column != NULL && pgm_ddl_is_of_identity(pair->to))
		settle_persistence(diff, pair->to, column);
	if (created && column != NULL)
		set_position(diff, pair->to, column);
}

static void
set_enabled(PgmDiff *diff, PgmPair *pair, const char *from)
{
	const PgmSchemaObject *to = pair->to;
	const char *state = OF(to, "enabled");
	const char *word;

	if (pgm_ddl_equal(from, state))
		return;
	if (pgm_ddl_is(to, "event trigger"))
	{
		word = state == NULL ? "ENABLE" : state[0] == 'D' ? "DISABLE" :
			state[0] == 'R' ? "ENABLE REPLICA" : "ENABLE ALWAYS";
		pgm_ddl_add(diff, "ALTER EVENT TRIGGER %s %s", to->identity, word);
		return;
	}
	word = state == NULL ? "ENABLE" : state[0] == 'n' ? "DISABLE" :
		state[0] == 'r' ? "ENABLE REPLICA" : "ENABLE ALWAYS";
	pgm_ddl_add_to_table(diff, pgm_ddl_table(to), "%s %s %s", word,
						 pgm_ddl_keyword(to->kind), pgm_ddl_part_name(to));
}

/* False if it is none of the kinds here. */
static bool
create_other(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;
	char	   *definition = pgm_schema_written(to, "definition");

	if (pgm_ddl_is(to, "schema"))
		pgm_ddl_add(diff, "CREATE SCHEMA %s", to->identity);
	else if (pgm_ddl_is(to, "extension"))
		pgm_ddl_add(diff, "CREATE EXTENSION %s SCHEMA %s VERSION %s",
					to->identity, OF(to, "schema"),
					quote_literal_cstr(OF(to, "version")));
	else if (pgm_ddl_is(to, "function") || pgm_ddl_is(to, "procedure"))
		pgm_ddl_add(diff, "%s", trimmed(definition ? definition :
										OF(to, "source")));
	else if (pgm_ddl_is(to, "trigger") || pgm_ddl_is(to, "rule") ||
			 pgm_ddl_is(to, "statistics"))
		pgm_ddl_add(diff, "%s", trimmed(definition));
	else if (pgm_ddl_is(to, "policy"))
		create_policy(diff, to);
	else if (pgm_ddl_is(to, "event trigger"))
		create_event_trigger(diff, to);
	else if (pgm_ddl_is(to, "publication"))
		create_publication(diff, to);
	else
		return false;
	return true;
}

/* What is not in the statement that makes it. */
static void
complete(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;
	const char *target = OF(to, "statistics target");

	set_enabled(diff, pair, NULL);
	if (pgm_ddl_is(to, "statistics") && target != NULL)
		pgm_ddl_add(diff, "ALTER STATISTICS %s SET STATISTICS %s",
					to->identity, target);
	pgm_ddl_attributes(diff, pair, true);
	for (int part = pair->first_part_to; part >= 0;
		 part = diff->pairs[part].next_part_to)
	{
		PgmPair    *column = &diff->pairs[part];

		if (pgm_ddl_is(column->to, "column") && pgm_ddl_is(to, "view"))
			set_view_default(diff, column->to);
		if (pgm_ddl_is(column->to, "column") &&
			pgm_ddl_is(to, "materialized view"))
			pgm_ddl_alter_column_details(diff, NULL, column->to, false);
		pgm_ddl_attributes(diff, column, true);
		/* the sequence of an identity column */
		for (int more = column->first_part_to; more >= 0;
			 more = diff->pairs[more].next_part_to)
			pgm_ddl_attributes(diff, &diff->pairs[more], true);
	}
}

void
pgm_ddl_create(PgmDiff *diff, PgmPair *pair, bool last)
{
	const PgmSchemaObject *to = pair->to;

	diff->writing = pair;
	if (pgm_ddl_is(to, "default privileges"))
		return;					/* at the end */
	if (OF(to, ".inherited") != NULL)
		return;					/* when it is attached */
	if (!last && (pgm_ddl_is_late_index(diff, pair) ||
				  pgm_ddl_is_late_key(diff, pair)))
		return;
	if (pgm_ddl_is_table(to))
		pgm_ddl_create_table(diff, pair);
	else if (pgm_ddl_is(to, "column") || pgm_ddl_is(to, "constraint") ||
			 pgm_ddl_is(to, "domain constraint"))
		create_part(diff, pair);
	else if (pgm_ddl_is(to, "index"))
		pgm_ddl_create_index(diff, pair);
	else if (pgm_ddl_is(to, "view") || pgm_ddl_is(to, "materialized view"))
		create_view(diff, to, false);
	else if (pgm_ddl_is(to, "sequence") && pair->whole_to >= 0)
		;						/* its column makes it */
	else if (!pgm_ddl_create_type(diff, pair) &&
			 !create_other(diff, pair) && !pgm_ddl_create_defined(diff, pair))
		pgm_ddl_refuse(pair, NULL);
	complete(diff, pair);
}

/* The lines of a function up to that of what it returns. */
static size_t
head_length(const char *source)
{
	const char *line = strchr(source, '\n');
	const char *next = line == NULL ? NULL : strchr(line + 1, '\n');

	return next == NULL ? strlen(source) : next - source;
}

static bool
view_keeps_columns(const PgmDiff *diff, const PgmPair *pair)
{
	const char *from = OF(pair->from, "column order");
	const char *to = OF(pair->to, "column order");
	char	   *name;

	while ((name = pgm_ddl_next(&from)) != NULL)
	{
		char	   *other = pgm_ddl_next(&to);
		char	   *identity = psprintf("%s.%s", pair->to->identity, name);
		const PgmSchemaObject *was = pgm_schema_find(diff->from, "column",
													 identity);
		const PgmSchemaObject *now = pgm_schema_find(diff->to, "column",
													 identity);

		if (!pgm_ddl_equal(name, other) || was == NULL || now == NULL ||
			!pgm_ddl_equal(OF(was, "type"), OF(now, "type")) ||
			!pgm_ddl_equal(OF(was, "collation"), OF(now, "collation")))
			return false;
	}
	return true;
}

bool
pgm_ddl_can_replace(const PgmDiff *diff, const PgmPair *pair)
{
	const char *from;
	const char *to;

	if (pgm_ddl_is(pair->to, "view"))
		return view_keeps_columns(diff, pair);
	if (pgm_ddl_is(pair->to, "extension"))
		return OF(pair->from, ".relocatable") != NULL;
	if (!pgm_ddl_is(pair->to, "function") && !pgm_ddl_is(pair->to, "procedure"))
		return false;
	from = OF(pair->from, "definition") ? OF(pair->from, "definition") :
		OF(pair->from, "source");
	to = OF(pair->to, "definition") ? OF(pair->to, "definition") :
		OF(pair->to, "source");
	return head_length(from) == head_length(to) &&
		strncmp(from, to, head_length(from)) == 0;
}

static void
alter_view(PgmDiff *diff, PgmPair *pair)
{
	if (differs(pair, "definition") || differs(pair, "column order") ||
		(differs(pair, "options") && pgm_ddl_is(pair->to, "view")))
		create_view(diff, pair->to, true);
	else
		pgm_ddl_alter_storage_options(diff, pair);
	if (differs(pair, "tablespace"))
		pgm_ddl_refuse(pair, "tablespace");
}

static void
alter_extension(PgmDiff *diff, PgmPair *pair)
{
	if (differs(pair, "version"))
		pgm_ddl_add(diff, "ALTER EXTENSION %s UPDATE TO %s",
					pair->to->identity,
					quote_literal_cstr(OF(pair->to, "version")));
	if (differs(pair, "schema"))
		pgm_ddl_add(diff, "ALTER EXTENSION %s SET SCHEMA %s",
					pair->to->identity, OF(pair->to, "schema"));
}

static void
alter_column(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;

	if (is_table_column(diff->to, to))
		pgm_ddl_alter_column(diff, pair);
	else if (is_attribute(diff->to, to) &&
			 (pair->retype || differs(pair, "type") ||
			  differs(pair, "collation")))
		pgm_ddl_add(diff, "ALTER TYPE %s ALTER ATTRIBUTE %s TYPE %s%s%s",
					pgm_ddl_table(to), pgm_ddl_part_name(to), OF(to, "type"),
					OF(to, "collation") ? " COLLATE " : "",
					OF(to, "collation") ? OF(to, "collation") : "");
	else if (pgm_schema_find(diff->to, "materialized view",
							 pgm_ddl_table(to)) != NULL)
		pgm_ddl_alter_column_details(diff, pair->from, to, false);
	else if (differs(pair, "default") && OF(to, "default") == NULL)
		pgm_ddl_add(diff, "ALTER VIEW %s ALTER COLUMN %s DROP DEFAULT",
					pgm_ddl_table(to), pgm_ddl_part_name(to));
	else if (differs(pair, "default"))
		set_view_default(diff, to);
}

/* Lest it go with the column that it was given to. */
void
pgm_ddl_let_go(PgmDiff *diff, PgmPair *pair)
{
	diff->writing = pair;
	if (pair->change == PGM_ALTER && pgm_ddl_is(pair->to, "sequence") &&
		OF(pair->from, "owned by") != NULL && differs(pair, "owned by"))
		pgm_ddl_add(diff, "ALTER SEQUENCE %s OWNED BY NONE",
					pair->to->identity);
}

void
pgm_ddl_alter(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;

	diff->writing = pair;
	if (pgm_ddl_is(to, "default privileges"))
		return;					/* at the end */
	if (pgm_ddl_is_table(to))
		pgm_ddl_alter_table(diff, pair);
	else if (pgm_ddl_is(to, "column"))
		alter_column(diff, pair);
	else if (pgm_ddl_is(to, "constraint") && differs(pair, "definition"))
		pgm_ddl_add_to_table(diff, pgm_ddl_table(to), "VALIDATE CONSTRAINT %s",
							 pgm_ddl_part_name(to));
	else if (pgm_ddl_is(to, "domain constraint") &&
			 differs(pair, "definition"))
		pgm_ddl_add(diff, "ALTER DOMAIN %s VALIDATE CONSTRAINT %s",
					pgm_ddl_table(to), pgm_ddl_part_name(to));
	else if (pgm_ddl_is(to, "view") || pgm_ddl_is(to, "materialized view"))
		alter_view(diff, pair);
	else if (pgm_ddl_is(to, "index"))
		pgm_ddl_alter_index(diff, pair);
	else if (pgm_ddl_is(to, "extension"))
		alter_extension(diff, pair);
	else if (pgm_ddl_is(to, "publication"))
		alter_publication(diff, pair);
	else if (pgm_ddl_is(to, "rule") && differs(pair, "definition"))
		pgm_ddl_add(diff, "CREATE OR REPLACE%s",
					trimmed(pgm_schema_written(to, "definition")) +
					strlen("CREATE"));
	else if (pgm_ddl_is(to, "function") || pgm_ddl_is(to, "procedure"))
	{
		if (differs(pair, "definition") || differs(pair, "source"))
			(void) create_other(diff, pair);
	}
	else if (!pgm_ddl_alter_defined(diff, pair))
		pgm_ddl_alter_type(diff, pair);
	if (differs(pair, "enabled"))
		set_enabled(diff, pair, OF(pair->from, "enabled"));
	if (pgm_ddl_is(to, "statistics") && differs(pair, "statistics target"))
		pgm_ddl_add(diff, "ALTER STATISTICS %s SET STATISTICS %s",
					to->identity, OF(to, "statistics target") == NULL ? "-1" :
					OF(to, "statistics target"));
	pgm_ddl_attributes(diff, pair, false);
}

void
pgm_ddl_finish(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *object = pgm_ddl_object(pair);
	bool		created = pair->change != PGM_ALTER;

	diff->writing = pair;
	if (pgm_ddl_is(object, "default privileges"))
		pgm_ddl_default_privileges(diff, pair);
	if (pgm_ddl_is_set_aside(object))
		pgm_ddl_drop_aside_type(diff, pair);
	if (pair->to == NULL)
		return;
	if (OF(object, ".inherited") != NULL && created)
		set_enabled(diff, pair, NULL);
	if (pgm_ddl_is_table(object))
		pgm_ddl_finish_table(diff, pair);
	else if (pgm_ddl_is(object, "materialized view"))
		pgm_ddl_set_replica_identity(diff, pair);
	else if (pgm_ddl_is(object, "column"))
		pgm_ddl_finish_column(diff, pair);
	else if (pgm_ddl_is(object, "sequence"))
		finish_sequence(diff, pair, created);
	else if (pgm_ddl_is(object, "index"))
		pgm_ddl_finish_index(diff, pair, created);
	else if (pgm_ddl_is(object, "constraint") && created)
		pgm_ddl_validate_below(diff, pair);
}
