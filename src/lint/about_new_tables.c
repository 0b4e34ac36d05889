/*-------------------------------------------------------------------------
 *
 * about_new_tables.c
 *	  Rules about new tables and new columns, whoever has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "strategy/names.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

/* Bytes of padding in a row that are worth another order of the columns. */
#define WORTH_REORDERING 16

/* Columns with rows that have a type, also as arrays. */
static PgmQuery columns_query = {
	"SELECT string_agg(format('%s.%I', a.attrelid::regclass, a.attname), "
	"', ' ORDER BY a.attrelid::regclass::text, a.attnum) "
	"FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
	"JOIN pg_type t ON t.oid = a.atttypid WHERE c.relkind IN ('r', 'm') "
	"AND NOT a.attisdropped AND $1 IN (t.oid, t.typelem, t.typbasetype) "
	"AND pg_relation_size(c.oid) > 0",
	1, {OIDOID}
};

static bool
is_key(const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		if (IsA(lfirst(lc), Constraint) &&
			lfirst_node(Constraint, lc)->contype == CONSTR_PRIMARY)
			return true;
	}
	return false;
}

/* Columns of one statement that a rule is about. */
typedef struct Columns
{
	List	   *json;
	List	   *padded;
	List	   *zoneless;
	List	   *small;			/* keys that end too soon */
	bool		tiny;			/* … at 32,767 */
} Columns;

static bool
is_small(const ColumnDef *column, Oid type)
{
	const char *raw = column->typeName && column->typeName->names ?
		strVal(llast(column->typeName->names)) : "";

	return type == INT4OID || type == INT2OID || strcmp(raw, "serial") == 0 ||
		strcmp(raw, "serial4") == 0 || strcmp(raw, "smallserial") == 0 ||
		strcmp(raw, "serial2") == 0;
}

static void
look_at_column(Columns *columns, const ColumnDef *column, bool key)
{
	Oid			type = pgm_lint_type(column->typeName);
	Node	   *name = (Node *) makeString(column->colname);

	if (type == JSONOID)
		columns->json = lappend(columns->json, name);
	if (type == BPCHAROID)
		columns->padded = lappend(columns->padded, name);
	if (type == TIMESTAMPOID)
		columns->zoneless = lappend(columns->zoneless, name);
	if (key && is_small(column, type))
	{
		columns->small = lappend(columns->small, name);
		columns->tiny |= type == INT2OID ||
			strncmp(strVal(llast(column->typeName->names)), "smallserial", 11) == 0;
	}
}

static void
lint_columns(PgmLint *lint, const Columns *columns)
{
	const char *names;

	if (columns->json != NIL)
	{
		names = pgm_name_list(columns->json);
		pgm_lint_add(lint, "json-column",
					 psprintf("json has no equality: %s", names),
					 psprintf("Make it jsonb: %s.", names));
	}
	if (columns->padded != NIL)
	{
		names = pgm_name_list(columns->padded);
		pgm_lint_add(lint, "char-type",
					 psprintf("char(n) is padded with blanks: %s", names),
					 psprintf("Make it text: %s.", names));
	}
	if (columns->zoneless != NIL)
	{
		names = pgm_name_list(columns->zoneless);
		pgm_lint_add(lint, "timestamp-type",
					 psprintf("timestamp has no time zone: %s", names),
					 psprintf("Make it timestamptz: %s.", names));
	}
	if (columns->small != NIL)
	{
		names = pgm_name_list(columns->small);
		pgm_lint_add(lint, "int-key",
					 psprintf("key column %s ends at %s", names,
							  columns->tiny ? "32,767" : "2,147,483,647"),
					 psprintf("Make it bigint: %s.", names));
	}
}

/* The columns of a table's primary key that stands by itself, as strings. */
static List *
table_key(const CreateStmt *create)
{
	ListCell   *lc;

	foreach(lc, create->tableElts)
	{
		if (IsA(lfirst(lc), Constraint) &&
			lfirst_node(Constraint, lc)->contype == CONSTR_PRIMARY)
			return lfirst_node(Constraint, lc)->keys;
	}
	return NIL;
}

/*
 * The bytes that the order of the columns wastes: fixed ones before what has
 * no alignment of its own, of types that are there.
 */
typedef struct Layout
{
	int			offset;
	int			wasted;
	int			fixed;			/* all bytes of fixed columns */
	bool		unsure;			/* behind a column of any length */
} Layout;

static void
lay_out(Layout *layout, Oid type)
{
	int16		length;
	bool		by_value;
	char		align;
	int			step;

	if (!OidIsValid(type))
	{
		layout->unsure = true;
		return;
	}
	get_typlenbyvalalign(type, &length, &by_value, &align);
	step = align == TYPALIGN_DOUBLE ? 8 : align == TYPALIGN_INT ? 4 :
		align == TYPALIGN_SHORT ? 2 : 1;
	if (length < 0)
	{
		layout->unsure = true;
		return;
	}
	if (!layout->unsure)
		layout->wasted += (step - layout->offset % step) % step;
	layout->offset = layout->unsure ? length :
		layout->offset + (step - layout->offset % step) % step + length;
	layout->unsure = false;
	layout->fixed += length;
}

/* The strictest alignment first, what has any length last. */
static int
alignment_rank(const ColumnDef *column)
{
	static const char order[] = {
		TYPALIGN_DOUBLE, TYPALIGN_INT, TYPALIGN_SHORT, TYPALIGN_CHAR, '\0'
	};
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(pgm_lint_type(column->typeName), &length, &by_value,
						 &align);
	return length < 0 ? lengthof(order) : strchr(order, align) - order;
}

static int
compare_alignment(const ListCell *a, const ListCell *b)
{
	return alignment_rank(lfirst(a)) - alignment_rank(lfirst(b));
}

static void
lint_order(PgmLint *lint, const CreateStmt *create)
{
	Layout		layout = {0};
	List	   *columns = NIL;
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, create->tableElts)
	{
		if (!IsA(lfirst(lc), ColumnDef))
			continue;
		columns = lappend(columns, lfirst(lc));
		lay_out(&layout, pgm_lint_type(lfirst_node(ColumnDef, lc)->typeName));
	}
	if (layout.wasted < WORTH_REORDERING)
		return;
	foreach(lc, columns)
	{
		if (!OidIsValid(pgm_lint_type(lfirst_node(ColumnDef, lc)->typeName)))
			return;
	}
	list_sort(columns, compare_alignment);
	foreach(lc, columns)
	{
		char	   *name = lfirst_node(ColumnDef, lc)->colname;

		names = lappend(names, makeString(name));
	}
	pgm_lint_add(lint, "column-order",
				 psprintf("%d bytes of each row of %s are padding", layout.wasted,
						  quote_identifier(create->relation->relname)),
				 psprintf("Order the columns by alignment: %s.", pgm_name_list(names)));
}

static void
lint_remade(PgmLint *lint, const CreateStmt *create)
{
	int			n = pgm_lint_dropped_before(lint, create->relation->relname);
	Oid			relid = n > 0 ? pgm_lookup_relation(create->relation) :
		InvalidOid;
	const char *name;

	if (!OidIsValid(relid))
		return;
	name = pgm_lint_relation(relid);
	pgm_lint_add(lint, "drop-and-create",
				 psprintf("statement %d drops %s with all its rows, indexes and grants, and this makes an empty one", n, name),
				 psprintf("Change it by ALTER TABLE %s, or make it under another name and move the rows over.", name));
}

/* Is what is there another table than the text wants? */
static void
lint_existing(PgmLint *lint, const CreateStmt *create)
{
	Oid			relid = lint->verdict->existing;
	ListCell   *lc;

	foreach(lc, create->tableElts)
	{
		const ColumnDef *column = lfirst(lc);
		AttrNumber	attnum;
		Oid			type;

		if (!IsA(column, ColumnDef))
			continue;
		attnum = get_attnum(relid, column->colname);
		type = pgm_lint_type(column->typeName);
		if (attnum != InvalidAttrNumber &&
			(!OidIsValid(type) || type == get_atttype(relid, attnum)))
			continue;
		pgm_lint_add(lint, "exists-already",
					 attnum == InvalidAttrNumber ?
					 psprintf("%s exists, and has no column %s: nothing is made", pgm_lint_relation(relid), quote_identifier(column->colname)) :
					 psprintf("%s exists, and its column %s is of type %s: nothing is made", pgm_lint_relation(relid),
							  quote_identifier(column->colname), format_type_be(get_atttype(relid, attnum))),
					 pstrdup("Leave IF NOT EXISTS out, or ALTER the table that is there."));
		return;
	}
}

void
pgm_lint_create_table(PgmLint *lint, CreateStmt *create)
{
	List	   *key = table_key(create);
	bool		has_key = key != NIL;
	Columns		columns = {0};
	ListCell   *lc;

	if (OidIsValid(lint->verdict->existing))
	{
		lint_existing(lint, create);
		return;
	}
	foreach(lc, create->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
		{
			ColumnDef  *column = castNode(ColumnDef, element);
			bool		of_key = is_key(column);

			look_at_column(&columns, column,
						   of_key || (list_length(key) == 1 &&
									  strcmp(strVal(linitial(key)),
											 column->colname) == 0));
			has_key |= of_key;
		}
		else if (!IsA(element, Constraint))
			has_key = true;		/* LIKE may bring one */
	}
	lint_columns(lint, &columns);
	lint_order(lint, create);
	lint_remade(lint, create);
	if (create->partbound != NULL)
		pgm_lint_partition_of(lint, create);
	else if (!has_key && create->inhRelations == NIL &&
			 create->ofTypename == NULL &&
			 create->relation->relpersistence != RELPERSISTENCE_TEMP &&
			 !pgm_lint_key_follows(lint, create->relation->relname))
		pgm_lint_add(lint, "missing-pk",
					 psprintf("table %s has no primary key", quote_identifier(create->relation->relname)),
					 pstrdup("Add id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, or make a key of its columns."));
}

/* An attribute of a composite type that columns of tables have. */
static void
lint_attribute(PgmLint *lint, const RangeVar *name, const AlterTableCmd *cmd)
{
	List	   *names = list_make1(makeString(name->relname));
	Oid			type;
	Datum		value;
	char	   *columns;

	if (name->schemaname != NULL)
		names = lcons(makeString(name->schemaname), names);
	type = pgm_lint_type(makeTypeNameFromNameList(names));
	if (cmd->subtype == AT_AlterColumnType && pgm_lint_type_in_use(type))
		pgm_lint_add(lint, "composite-in-use",
					 psprintf("a column of a table has type %s: the server refuses to change it",
							  quote_identifier(name->relname)),
					 pstrdup("Make a new type and move the columns over."));
	if (cmd->subtype != AT_DropColumn || !OidIsValid(type))
		return;
	value = ObjectIdGetDatum(type);
	columns = pgm_spi_one_text(&columns_query, &value);
	if (columns != NULL)
		pgm_lint_add(lint, "loses-data",
					 psprintf("data loss: attribute %s of type %s is gone from the rows of %s, and no downgrade brings its values back",
							  quote_identifier(cmd->name),
							  quote_identifier(name->relname), columns),
					 pstrdup("Store the values in a column of their own before."));
}

void
pgm_lint_new_columns(PgmLint *lint, AlterTableStmt *stmt)
{
	Columns		columns = {0};
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn)
			look_at_column(&columns, castNode(ColumnDef, cmd->def),
						   is_key(castNode(ColumnDef, cmd->def)));
		else if (pgm_alter_table_kind(stmt) == OBJECT_TYPE)
			lint_attribute(lint, stmt->relation, cmd);
	}
	lint_columns(lint, &columns);
}
