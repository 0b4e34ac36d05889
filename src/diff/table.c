/*-------------------------------------------------------------------------
 *
 * table.c
 *	  Tables and their columns.
 *
 * A partition is made as a table and attached at the end, when its indexes and
 * constraints are there to be matched with those of its parent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "diff/not_null.h"
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
	const char *inherited = OF(object, "inherited");

	return inherited != NULL && strcmp(inherited, "yes") == 0;
}

static void
append_identity(StringInfo sql, const PgmDiff *diff,
				const PgmSchemaObject *column)
{
	const PgmSchemaObject *sequence = pgm_lookup_find(&diff->sequences,
													  column);

	appendStringInfo(sql, " GENERATED %s AS IDENTITY",
					 strcmp(OF(column, "identity"), "always") == 0 ?
					 "ALWAYS" : "BY DEFAULT");
	if (sequence == NULL)
		return;
	appendStringInfo(sql, " (SEQUENCE NAME %s", sequence->identity);
	pgm_ddl_sequence_options(sql, sequence, false);
	appendStringInfoChar(sql, ')');
}

static char *
column_definition(PgmDiff *diff, const PgmSchemaObject *column)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s %s", pgm_ddl_part_name(column),
					 OF(column, "type"));
	if (OF(column, "compression") != NULL)
		appendStringInfo(&sql, " COMPRESSION %s",
						 OF(column, "compression")[0] == 'l' ? "lz4" : "pglz");
	appendStringInfoString(&sql, pgm_ddl_options(column));
	if (OF(column, "collation") != NULL)
		appendStringInfo(&sql, " COLLATE %s", OF(column, "collation"));
	if (OF(column, "default") != NULL)
		appendStringInfo(&sql, " DEFAULT %s",
						 pgm_schema_written(column, "default"));
	if (OF(column, "generated as") != NULL)
		appendStringInfo(&sql, " GENERATED ALWAYS AS (%s) %s",
						 pgm_schema_written(column, "generated as"),
						 strcmp(OF(column, "generated"), "stored") == 0 ?
						 "STORED" : "VIRTUAL");
	if (OF(column, "identity") != NULL)
		append_identity(&sql, diff, column);
	if (OF(column, "not null") != NULL && !pgm_ddl_is_not_valid(column))
		pgm_ddl_append_not_null(&sql, diff, column);
	return sql.data;
}

/* Options of "a=1, b=2" that are not there any more, or all that are. */
static char *
option_names(const char *list, const char *still)
{
	StringInfoData names;
	char	   *option;

	initStringInfo(&names);
	while ((option = pgm_ddl_next(&list)) != NULL)
	{
		const char *others = still;
		char	   *other;
		size_t		length = strcspn(option, "=");
		bool		kept = false;

		while ((other = pgm_ddl_next(&others)) != NULL)
			kept |= strncmp(other, option, length + 1) == 0;
		if (!kept)
			appendStringInfo(&names, "%s%.*s", names.len > 0 ? ", " : "",
							 (int) length, option);
	}
	return names.data;
}

char *
pgm_ddl_prefixed(const char *prefix, const char *list)
{
	StringInfoData text;
	char	   *option;

	initStringInfo(&text);
	while ((option = pgm_ddl_next(&list)) != NULL)
		appendStringInfo(&text, "%s%s%s", text.len > 0 ? ", " : "", prefix,
						 option);
	return text.data;
}

static void
add_text(PgmDiff *diff, const char *table, const char *sql, bool along)
{
	if (along)
		pgm_ddl_add_along(diff, table, "%s", sql);
	else
		pgm_ddl_add_to_table(diff, table, "%s", sql);
}

/* SET and RESET of reloptions; what stands before them is the caller's. */
static void
alter_options(PgmDiff *diff, const char *table, const char *before,
			  const char *prefix, const char *from, const char *to,
			  bool along)
{
	char	   *gone;

	if (pgm_ddl_equal(from, to))
		return;
	gone = option_names(from, to);
	if (*gone)
		add_text(diff, table, psprintf("%sRESET (%s)", before,
									   pgm_ddl_prefixed(prefix, gone)), along);
	if (to != NULL)
		add_text(diff, table, psprintf("%sSET (%s)", before,
									   pgm_ddl_prefixed(prefix, to)), along);
}

/*
 * What CREATE TABLE and ADD COLUMN have no words for on all servers.  One that
 * is retyped has the storage and the compression of its type by then.  That of
 * a new column does not go along with a change of type: no copy is made where
 * a statement alters what it adds.
 */
void
pgm_ddl_set_column_details(PgmDiff *diff, const PgmSchemaObject *from,
						   const PgmSchemaObject *to, bool retyped)
{
	static const char *const storages[][2] = {
		{"p", "PLAIN"}, {"e", "EXTERNAL"}, {"m", "MAIN"}, {"x", "EXTENDED"},
	};
	const char *table = pgm_ddl_table(to);
	const char *only = pgm_ddl_alone(diff, to);
	char	   *name = pgm_ddl_part_name(to);
	char	   *storage = OF(to, "storage");
	char	   *was = from == NULL || retyped ? NULL : OF(from, "storage");
	char	   *target = OF(to, "statistics target");

	for (int i = 0; i < lengthof(storages); i++)
		if (storage != NULL && !pgm_ddl_equal(storage, was) &&
			strcmp(storages[i][0], storage) == 0)
			add_text(diff, only, psprintf("ALTER COLUMN %s SET STORAGE %s",
										  name, storages[i][1]), from != NULL);
	if (!pgm_ddl_equal(from == NULL ? NULL : OF(from, "statistics target"),
					   target))
		add_text(diff, only, psprintf("ALTER COLUMN %s SET STATISTICS %s",
									  name, target == NULL ? "-1" : target),
				 from != NULL);
	alter_options(diff, table, psprintf("ALTER COLUMN %s ", name), "",
				  from == NULL ? NULL : OF(from, "options"),
				  OF(to, "options"), from != NULL);
}

static const PgmSchemaObject *
find_column(const PgmSchema *schema, const PgmSchemaObject *table,
			const char *name)
{
	return pgm_schema_find(schema, "column",
						   psprintf("%s.%s", table->identity, name));
}

/* A child must not repeat how a column is generated. */
static bool
is_generated_above(const PgmDiff *diff, const PgmSchemaObject *table,
				   const PgmSchemaObject *column)
{
	const char *parents = OF(table, "inherits");
	char	   *parent;

	if (OF(column, "generated as") == NULL)
		return false;
	while ((parent = pgm_ddl_next(&parents)) != NULL)
	{
		const PgmSchemaObject *above;

		above = pgm_schema_find(diff->to, "column",
								psprintf("%s.%s", parent,
										 pgm_ddl_part_name(column)));
		if (above != NULL && pgm_ddl_equal(OF(above, "generated as"),
										   OF(column, "generated as")))
			return true;
	}
	return false;
}

static void
append_columns(StringInfo sql, PgmDiff *diff, const PgmSchemaObject *table)
{
	const char *order = OF(table, "column order");
	bool		partition = OF(table, "partition bound") != NULL;
	bool		first = true;
	char	   *name;

	while ((name = pgm_ddl_next(&order)) != NULL)
	{
		const PgmSchemaObject *column = find_column(diff->to, table, name);

		if (column == NULL ||
			(!partition && (is_inherited(column) ||
							is_generated_above(diff, table, column))))
			continue;
		appendStringInfo(sql, "%s\n\t%s", first ? "" : ",",
						 column_definition(diff, column));
		first = false;
	}
	appendStringInfoString(sql, first ? ")" : "\n)");
}

/* A column that comes from a parent may have another default. */
static void
alter_inherited(PgmDiff *diff, const PgmSchemaObject *table,
				const PgmSchemaObject *column)
{
	const char *parents = OF(table, "inherits");
	char	   *parent = pgm_ddl_next(&parents);
	const PgmSchemaObject *above;

	above = pgm_schema_find(diff->to, "column",
							psprintf("%s.%s", parent,
									 pgm_ddl_part_name(column)));
	if (above == NULL)
		return;
	if (!pgm_ddl_equal(OF(above, "default"), OF(column, "default")))
		pgm_ddl_add_to_table(diff, table->identity,
							 OF(column, "default") == NULL ?
							 "ALTER COLUMN %s DROP DEFAULT" :
							 "ALTER COLUMN %s SET DEFAULT %s",
							 pgm_ddl_part_name(column),
							 pgm_schema_written(column, "default"));
	if (OF(column, "not null") != NULL && OF(above, "not null") == NULL)
		pgm_ddl_add_to_table(diff, table->identity,
							 "ALTER COLUMN %s SET NOT NULL",
							 pgm_ddl_part_name(column));
}

static void
set_table_details(PgmDiff *diff, const PgmSchemaObject *from,
				  const PgmSchemaObject *to)
{
	static const char *const flags[][3] = {
		{"row security", "ENABLE ROW LEVEL SECURITY",
		"DISABLE ROW LEVEL SECURITY"},
		{"forced row security", "FORCE ROW LEVEL SECURITY",
		"NO FORCE ROW LEVEL SECURITY"},
	};

	for (int i = 0; i < lengthof(flags); i++)
	{
		char	   *was = from == NULL ? NULL : OF(from, flags[i][0]);

		if (!pgm_ddl_equal(was, OF(to, flags[i][0])))
			pgm_ddl_add_to_table(diff, to->identity, "%s",
								 flags[i][was == NULL ? 1 : 2]);
	}
}

void
pgm_ddl_create_table(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *table = pair->to;
	bool		partition = OF(table, "partition bound") != NULL;
	char	   *options = OF(table, "options");
	char	   *toast = OF(table, "toast options");
	const char *order = OF(table, "column order");
	char	   *name;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %s%s %s (",
					 OF(table, "persistence") != NULL ? "UNLOGGED " : "",
					 pgm_ddl_keyword(table->kind), table->identity);
	append_columns(&sql, diff, table);
	if (OF(table, "inherits") != NULL && !partition)
		appendStringInfo(&sql, " INHERITS (%s)", OF(table, "inherits"));
	if (OF(table, "partition key") != NULL)
		appendStringInfo(&sql, " PARTITION BY %s",
						 pgm_schema_written(table, "partition key"));
	if (OF(table, "access method") != NULL)
		appendStringInfo(&sql, " USING %s",
						 quote_identifier(OF(table, "access method")));
	if (options != NULL || toast != NULL)
		appendStringInfo(&sql, " WITH (%s%s%s)", options ? options : "",
						 options && toast ? ", " : "",
						 toast ? pgm_ddl_prefixed("toast.", toast) : "");
	if (OF(table, "tablespace") != NULL)
		appendStringInfo(&sql, " TABLESPACE %s",
						 quote_identifier(OF(table, "tablespace")));
	if (pgm_ddl_is(table, "foreign table"))
		appendStringInfo(&sql, " SERVER %s%s",
						 quote_identifier(OF(table, "server")),
						 pgm_ddl_options(table));
	pgm_ddl_add(diff, "%s", sql.data);
	while ((name = pgm_ddl_next(&order)) != NULL)
	{
		const PgmSchemaObject *column = find_column(diff->to, table, name);

		if (column == NULL)
			continue;
		if (is_inherited(column) && !partition)
			alter_inherited(diff, table, column);
		else if (pgm_ddl_is_not_valid(column))
			pgm_ddl_add_not_valid(diff, column);
		pgm_ddl_set_column_details(diff, NULL, column, false);
	}
	set_table_details(diff, NULL, table);
}

void
pgm_ddl_alter_table(PgmDiff *diff, PgmPair *pair)
{
	const char *name = pair->to->identity;

	if (differs(pair, "persistence"))
		pgm_ddl_add_along(diff, name, "SET %s",
						  OF(pair->to, "persistence") == NULL ?
						  "LOGGED" : "UNLOGGED");
	if (differs(pair, "access method"))
		pgm_ddl_add_along(diff, name, "SET ACCESS METHOD %s",
						  OF(pair->to, "access method") == NULL ? "heap" :
						  quote_identifier(OF(pair->to, "access method")));
	if (differs(pair, "tablespace"))
		pgm_ddl_add_along(diff, name, "SET TABLESPACE %s",
						  OF(pair->to, "tablespace") == NULL ? "pg_default" :
						  quote_identifier(OF(pair->to, "tablespace")));
	if (pgm_ddl_is(pair->to, "foreign table"))
		pgm_ddl_alter_options(diff, pair,
							  psprintf("ALTER FOREIGN TABLE %s", name));
	pgm_ddl_alter_storage_options(diff, pair);
	set_table_details(diff, pair->from, pair->to);
}

static void
alter_toast_options(PgmDiff *diff, PgmPair *pair)
{
	alter_options(diff, pair->to->identity, "", "toast.",
				  OF(pair->from, "toast options"),
				  OF(pair->to, "toast options"), true);
}

/*
 * Of a table, or a materialized view, which ALTER TABLE takes too.  Those of a
 * TOAST table are for the end: a table that is written anew without a column
 * that needs one has none.
 */
void
pgm_ddl_alter_storage_options(PgmDiff *diff, PgmPair *pair)
{
	alter_options(diff, pair->to->identity, "", "",
				  OF(pair->from, "options"), OF(pair->to, "options"), true);
	if (!pgm_ddl_is(pair->to, "table"))
		alter_toast_options(diff, pair);
}

static bool
columns_change(const PgmDiff *diff, const PgmPair *table)
{
	for (int part = table->first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
		if (diff->pairs[part].change != PGM_KEEP &&
			pgm_ddl_is(diff->pairs[part].from, "column"))
			return true;
	for (int part = table->first_part_to; part >= 0;
		 part = diff->pairs[part].next_part_to)
		if (diff->pairs[part].change == PGM_CREATE)
			return true;
	return false;
}

/*
 * May it be without a TOAST table in between?  It has none if it is written
 * anew, as for a new column, when those that needed one are gone.
 */
static bool
loses_toast(const PgmDiff *diff, const PgmPair *table)
{
	bool		gone = false;
	bool		anew = differs(table, "persistence") ||
		differs(table, "access method");

	for (int part = table->first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
	{
		const PgmPair *pair = &diff->pairs[part];

		if (!pgm_ddl_is(pair->from, "column"))
			continue;
		if (pgm_diff_type_changes(pair))
			return true;
		gone |= pair->change == PGM_DROP || pair->change == PGM_RECREATE;
		anew |= pair->change == PGM_RECREATE;
	}
	for (int part = table->first_part_to; part >= 0 && !anew;
		 part = diff->pairs[part].next_part_to)
		anew = diff->pairs[part].change == PGM_CREATE &&
			pgm_ddl_is(diff->pairs[part].to, "column");
	return gone && anew;
}

/* Are its TOAST options to be the same, though its TOAST table may not be? */
bool
pgm_ddl_renews_toast(const PgmDiff *diff, const PgmPair *pair)
{
	return pgm_ddl_is(pair->from, "table") && pair->to != NULL &&
		OF(pair->to, "toast options") != NULL &&
		!differs(pair, "toast options") && loses_toast(diff, pair);
}

/* The columns of a typed table are altered while it is none. */
void
pgm_ddl_tie_to_type(PgmDiff *diff, PgmPair *pair, bool untie)
{
	const PgmSchemaObject *table = untie ? pair->from : pair->to;

	if (!pgm_ddl_is(table, "table") || OF(table, "of type") == NULL ||
		(untie && pair->change == PGM_RECREATE))
		return;
	/* by itself: the server looks at the type before it does anything */
	if (pair->from == NULL || pair->to == NULL ||
		pair->change == PGM_RECREATE ||
		differs(pair, "of type") || columns_change(diff, pair))
		pgm_ddl_add(diff, untie ? "ALTER TABLE %s NOT OF" :
					"ALTER TABLE %s OF %s", table->identity,
					OF(table, "of type"));
}

/* When all indexes are there; one of them names itself. */
void
pgm_ddl_set_replica_identity(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *from = pair->change == PGM_RECREATE ? NULL :
		pair->from;
	char	   *identity = OF(pair->to, "replica identity");

	if (pgm_ddl_equal(from == NULL ? NULL : OF(from, "replica identity"),
					  identity) ||
		(identity != NULL && strcmp(identity, "index") == 0))
		return;
	pgm_ddl_add_to_table(diff, pair->to->identity, "REPLICA IDENTITY %s",
						 identity == NULL ? "DEFAULT" :
						 identity[0] == 'f' ? "FULL" : "NOTHING");
}

/* When all indexes are there: attach it, and name its replica identity. */
void
pgm_ddl_finish_table(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *from = pair->change == PGM_RECREATE ? NULL :
		pair->from;
	const PgmSchemaObject *to = pair->to;

	pgm_ddl_join_parents(diff, pair);
	if (from != NULL && pgm_ddl_renews_toast(diff, pair))
		pgm_ddl_add_to_table(diff, to->identity, "SET (%s)",
							 pgm_ddl_prefixed("toast.",
											  OF(to, "toast options")));
	else if (from != NULL)
		alter_toast_options(diff, pair);
	if (!pgm_ddl_is(to, "foreign table"))
		pgm_ddl_set_replica_identity(diff, pair);
}

void
pgm_ddl_add_column(PgmDiff *diff, PgmPair *pair)
{
	if (is_inherited(pair->to) && !pgm_ddl_changes_parents(diff, pair->to))
		return;
	add_text(diff, pgm_ddl_table(pair->to),
			 psprintf("ADD COLUMN %s", column_definition(diff, pair->to)),
			 OF(pair->to, "identity") == NULL);
	if (pgm_ddl_is_not_valid(pair->to))
		pgm_ddl_add_not_valid(diff, pair->to);
	pgm_ddl_set_column_details(diff, NULL, pair->to, false);
}

static void
alter_identity(PgmDiff *diff, PgmPair *pair)
{
	const char *table = pgm_ddl_table(pair->to);
	char	   *name = pgm_ddl_part_name(pair->to);
	char	   *to = OF(pair->to, "identity");
	StringInfoData sql;

	if (OF(pair->from, "identity") != NULL && !pair->new_sequence)
		pgm_ddl_add_to_table(diff, table, "ALTER COLUMN %s SET GENERATED %s",
							 name, strcmp(to, "always") == 0 ? "ALWAYS" :
							 "BY DEFAULT");
	else
	{
		initStringInfo(&sql);
		append_identity(&sql, diff, pair->to);
		pgm_ddl_add_to_table(diff, table, "ALTER COLUMN %s ADD%s", name,
							 sql.data);
	}
}

/*
 * " USING ..." where the server would not do it by itself: its own way refuses
 * a text that is too long, which a cast cuts.
 */
static char *
using_clause(const PgmDiff *diff, const PgmPair *pair)
{
	const char *from = OF(pair->from, "type");
	const char *to = OF(pair->to, "type");
	const char *uncut = pgm_ddl_uncut(diff, from, to);
	const char *by_way = "";
	char	   *rows = pair->retype ? pgm_ddl_row_using(diff, pair) : NULL;

	if (rows != NULL)
		return rows;
	if ((uncut != NULL && *uncut == '\0') ||
		(!pair->retype && pgm_ddl_is_assigned(from, to)))
		return pstrdup("");
	if (pair->retype)
		by_way = strchr(to, '[') ? "text[]::" : "text::";
	else if (!pgm_ddl_can_cast(diff, from, to))
		by_way = "text::";
	return psprintf(" USING %s::%s%s", pgm_ddl_part_name(pair->to), by_way,
					uncut != NULL ? uncut : to);
}

static void
alter_type(PgmDiff *diff, const PgmPair *pair)
{
	const char *table = pgm_ddl_table(pair->to);
	char	   *name = pgm_ddl_part_name(pair->to);
	char	   *collation = OF(pair->to, "collation");
	bool		foreign = pgm_schema_find(diff->to, "foreign table",
										  table) != NULL;
	const char *lost = foreign ? NULL :
		pgm_ddl_lost(diff, OF(pair->from, "type"), OF(pair->to, "type"));
	char	   *sql;

	sql = psprintf("ALTER COLUMN %s TYPE %s%s%s%s", name, OF(pair->to, "type"),
				   collation ? " COLLATE " : "", collation ? collation : "",
				   foreign ? "" : using_clause(diff, pair));
	pgm_ddl_add_retype(diff, table, sql, lost == NULL ? NULL :
					   psprintf("%s of column %s of %s", lost, name, table));
}

/* Those that a materialized view's column has too, which may be new. */
void
pgm_ddl_alter_column_details(PgmDiff *diff, const PgmSchemaObject *from,
							 const PgmSchemaObject *to, bool retyped)
{
	const char *table = pgm_ddl_table(to);
	char	   *name = pgm_ddl_part_name(to);
	char	   *compression = OF(to, "compression");

	if (!pgm_ddl_equal(from == NULL || retyped ? NULL :
					   OF(from, "compression"), compression))
		pgm_ddl_add_along(diff, table,
						  "ALTER COLUMN %s SET COMPRESSION %s", name,
						  compression == NULL ? "default" :
						  compression[0] == 'l' ? "lz4" : "pglz");
	if (from != NULL && !retyped && OF(from, "storage") != NULL &&
		OF(to, "storage") == NULL)
		pgm_ddl_add_along(diff, pgm_ddl_alone(diff, to),
						  "ALTER COLUMN %s SET STORAGE %s", name,
						  OF(to, ".storage"));
	pgm_ddl_set_column_details(diff, from, to, retyped);
}

static bool
is_partitioned(const PgmDiff *diff, const char *table)
{
	const PgmSchemaObject *object = pgm_schema_find(diff->to, "table", table);

	return object != NULL && OF(object, "partition key") != NULL;
}

static bool
is_retyped(const PgmPair *pair)
{
	return pair->retype || differs(pair, "type") || differs(pair, "collation");
}

static bool
is_handed_down(const PgmDiff *diff, const PgmSchemaObject *column)
{
	return OF(column, "inherited") != NULL &&
		!pgm_ddl_changes_parents(diff, column);
}

/* What a column has of its own, when its parents have handed down the rest. */
void
pgm_ddl_finish_column(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;

	if (pgm_ddl_find_table(diff->to, pgm_ddl_table(to)) == NULL ||
		pgm_ddl_table_is_new(diff, to) || !is_handed_down(diff, to))
		return;
	if (pair->change == PGM_ALTER)
		pgm_ddl_alter_column_details(diff, pair->from, to, is_retyped(pair));
	else if (is_inherited(to))
		pgm_ddl_set_column_details(diff, NULL, to, false);
}

void
pgm_ddl_alter_column(PgmDiff *diff, PgmPair *pair)
{
	const char *table = pgm_ddl_table(pair->to);
	char	   *name = pgm_ddl_part_name(pair->to);
	char	   *value = pgm_schema_written(pair->to, "default");
	bool		retyped = is_retyped(pair);
	bool		had_default = OF(pair->from, "default") != NULL &&
		!pair->drop_default;

	/* what a parent's statement does to those below it too */
	bool		handed_down = is_handed_down(diff, pair->to);

	/* those below have a default of their own, and a NOT NULL */
	const char *only = pgm_ddl_above(diff, pair->to);

	if (OF(pair->from, "generated as") != NULL &&
		OF(pair->to, "generated as") == NULL && !handed_down)
		/* before the type of what it is made of, so in the same statement */
		pgm_ddl_add_along(diff, table, "ALTER COLUMN %s DROP EXPRESSION",
						  name);
	if (had_default && (value == NULL || retyped))
		pgm_ddl_add_along(diff, retyped ? table : only,
						  "ALTER COLUMN %s DROP DEFAULT", name);
	if (retyped && (!handed_down ||
					pgm_schema_find(diff->to, "foreign table", table) != NULL))
		alter_type(diff, pair);
	if (value != NULL &&
		(retyped || pair->drop_default || differs(pair, "default")))
		pgm_ddl_add_along(diff, only, "ALTER COLUMN %s SET DEFAULT %s", name,
						  value);
	if (differs(pair, "not null"))
		pgm_ddl_alter_not_null(diff, pair,
							   is_partitioned(diff, table) ? table : only);
	if ((differs(pair, "identity") || pair->new_sequence) &&
		OF(pair->to, "identity") != NULL)
		alter_identity(diff, pair);
	if (!handed_down)
		pgm_ddl_alter_column_details(diff, pair->from, pair->to, retyped);
	pgm_ddl_alter_options(diff, pair,
						  psprintf("ALTER FOREIGN TABLE %s ALTER COLUMN %s",
								   table, name));
}
