/*-------------------------------------------------------------------------
 *
 * fill_column.c
 *	  A new column with values of its own: nullable first, filled, then bound.
 *
 *	serial		its sequence, the column with a default, filled, NOT NULL
 *	identity	the same with a sequence for the time of the filling, then the
 *				identity, whose sequence goes on where the other one is
 *	default		the column, the default for new rows, filled with it
 *
 * Rows are filled by SET column = DEFAULT WHERE column IS NULL.  That fires
 * triggers that the statement itself would not, and is held against what is
 * NOT VALID, so a table that has these is changed otherwise, and so is one
 * with policies that hide rows; and a generated column cannot be filled.  The
 * owner of the table fills it, whoever calls, so he must be able to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "classify/foreign_dependencies.h"
#include "compat/catalog.h"
#include "compat/constraint.h"
#include "compat/lock.h"
#include "compat/server.h"
#include "sql/source_text.h"
#include "strategy/columns.h"
#include "strategy/fill_column.h"

static PgmQuery effects_query = {
	"SELECT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY ($1) "
	"AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') "
	"AND t.tgtype & 16 <> 0) OR EXISTS (SELECT FROM pg_rewrite r "
	"WHERE r.ev_class = ANY ($1) AND r.ev_type = '2') "
	"OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = ANY ($1) "
	"AND k.contype IN ('c', 'n') AND NOT k.convalidated)",
	1, {OIDARRAYOID}
};

static PgmQuery checks_query = {
	"SELECT oid::int8 FROM pg_constraint WHERE conrelid = ANY ($1) "
	"AND contype = 'c'",
	1, {OIDARRAYOID}
};

/*
 * Does an UPDATE do more than the statement itself would?  It fires triggers
 * and rules, and is held against a CHECK, since 18 a NOT NULL too, that rows
 * need not meet yet.
 */
static bool
has_effects(const List *relids)
{
	Datum		values[1] = {pgm_oid_array_datum(relids)};

	return pgm_spi_one_bool(&effects_query, values);
}

/*
 * SET NOT NULL computes what is constant in each CHECK, as the caller; the
 * statement itself does not look at them.
 */
static bool
computes_strange_checks(const List *relids)
{
	Datum		values[1] = {pgm_oid_array_datum(relids)};
	List	   *checks = pgm_spi_oids(&checks_query, values);
	List	   *classids = NIL;

	for (int i = 0; i < list_length(checks); i++)
		classids = lappend_oid(classids, ConstraintRelationId);
	return checks != NIL &&
		pgm_strange_object(classids, checks, GetUserId()) != NULL;
}

/* The sequence of a serial belongs to whom the table does. */
static bool
may_give_sequence(PgmMaker *maker, Oid owner)
{
	return owner == GetUserId() || superuser() ||
		(pgm_can_set_role(GetUserId(), owner) &&
		 PGM_SCHEMA_ACLCHECK(maker->namespace, owner,
							 ACL_CREATE) == ACLCHECK_OK);
}

/* Before 17 an identity of a partitioned table is not of its partitions. */
static bool
has_rows_here(const List *relids, bool identity)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		char		relkind = get_rel_relkind(lfirst_oid(lc));

		if (relkind != RELKIND_RELATION &&
			(relkind != RELKIND_PARTITIONED_TABLE || identity))
			return false;
	}
	return true;
}

/*
 * Can its owner write all rows?  One that policies hide from him would be left
 * without a value, and what inherits may be of another owner, or out of reach.
 */
static bool
owner_can_fill(const List *relids)
{
	Oid			owner = pgm_relation_owner(linitial_oid(relids));
	AclMode		mode = ACL_SELECT | ACL_UPDATE;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			one = lfirst_oid(lc);

		if (pgm_relation_owner(one) != owner ||
			check_enable_rls(one, owner, true) == RLS_ENABLED ||
			pg_class_aclmask(one, owner, mode, ACLMASK_ALL) != mode ||
			PGM_SCHEMA_ACLCHECK(get_rel_namespace(one), owner,
								ACL_USAGE) != ACLCHECK_OK)
			return false;
	}
	return true;
}

static char *
type_of(const ColumnDef *column)
{
	Oid			type;
	int32		typmod;

	typenameTypeIdAndMod(NULL, column->typeName, &type, &typmod);
	return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN |
								FORMAT_TYPE_FORCE_QUALIFY);
}

/* As the server names that of a serial. */
static char *
sequence_name(PgmMaker *maker, const ColumnDef *column, const char *label)
{
	return quote_qualified_identifier(get_namespace_name(maker->namespace),
									  ChooseRelationName(maker->relname,
														 column->colname,
														 label,
														 maker->namespace,
														 false));
}

/* The expression after DEFAULT, up to the next constraint. */
static char *
default_text(PgmMaker *maker, const ColumnDef *column,
			 const Constraint *constraint, const char *text)
{
	int			start = pgm_strategy_find(maker->source, maker->n, text,
										  constraint->location);
	int			end = start + strlen(text);
	ListCell   *lc;

	if (start < 0 || constraint->location < start)
		return NULL;
	foreach(lc, column->constraints)
	{
		const Constraint *other = lfirst_node(Constraint, lc);

		if (other->location > constraint->location && other->location < end)
			end = other->location;
	}
	text = pnstrdup(maker->source->text + constraint->location,
					end - constraint->location);
	return pgm_slice_trim(pgm_strategy_skip_words(text, 1));
}

/* A column whose values are those of a sequence. */
static void
by_sequence(PgmMaker *maker, PgmFilledColumn *filled, const char *column,
			const char *type, const char *sequence)
{
	filled->before = psprintf("CREATE %sSEQUENCE %s AS %s",
							  get_rel_persistence(maker->relid) ==
							  RELPERSISTENCE_UNLOGGED ? "UNLOGGED " : "",
							  sequence, type);
	filled->parts = list_make2(psprintf("ADD COLUMN %s %s", column, type),
							   psprintf("ALTER COLUMN %s SET DEFAULT pg_catalog.nextval(%s)",
										column,
										quote_literal_cstr(sequence)));
	filled->not_null = true;
}

static PgmFilledColumn *
serial(PgmMaker *maker, const ColumnDef *column, const char *type)
{
	PgmFilledColumn *filled = palloc0(sizeof(PgmFilledColumn));
	const char *name = quote_identifier(column->colname);
	char	   *sequence = sequence_name(maker, column, "seq");
	Oid			owner = pgm_relation_owner(maker->relid);

	if (!may_give_sequence(maker, owner))
		return NULL;
	by_sequence(maker, filled, name, type, sequence);
	if (owner != GetUserId())
		filled->before = psprintf("%s;\nALTER SEQUENCE %s OWNER TO %s",
								  filled->before, sequence,
								  quote_identifier(GetUserNameFromId(owner,
																	 false)));
	filled->after = psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", sequence,
							 maker->table, name);
	return filled;
}

/*
 * Whoever inserts rows may use an identity, so he may use its forerunner.  The
 * default goes before the identity comes.  The owner of the schema may drop
 * the forerunner and put a view in its place: a function for sequences, which
 * is strict as setval() is, refuses that, and a query would run it.
 */
static PgmFilledColumn *
identity(PgmMaker *maker, const ColumnDef *column,
		 const Constraint *constraint)
{
	PgmFilledColumn *filled = palloc0(sizeof(PgmFilledColumn));
	const char *name = quote_identifier(column->colname);
	char	   *sequence = sequence_name(maker, column, "fill");

	by_sequence(maker, filled, name, type_of(column), sequence);
	filled->after = psprintf("GRANT USAGE ON SEQUENCE %s TO PUBLIC",
							 sequence);
	filled->undo = psprintf("DROP SEQUENCE IF EXISTS %s", sequence);
	filled->finish = psprintf("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT;\n"
							  "ALTER TABLE %s ALTER COLUMN %s ADD GENERATED %s AS IDENTITY;\n"
							  "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%s, %s), pg_catalog.pg_sequence_last_value(%s));\n"
							  "DROP SEQUENCE %s",
							  maker->table, name, maker->table, name,
							  constraint->generated_when ==
							  ATTRIBUTE_IDENTITY_ALWAYS ? "ALWAYS" :
							  "BY DEFAULT",
							  quote_literal_cstr(maker->table),
							  quote_literal_cstr(column->colname),
							  quote_literal_cstr(sequence), sequence);
	return filled;
}

static PgmFilledColumn *
with_default(PgmMaker *maker, const ColumnDef *column,
			 const Constraint *constraint, const char *text)
{
	PgmFilledColumn *filled = palloc0(sizeof(PgmFilledColumn));
	const char *name = quote_identifier(column->colname);
	char	   *value = default_text(maker, column, constraint, text);

	if (value == NULL)
		return NULL;
	filled->parts = list_make2(psprintf("ADD COLUMN %s %s", name,
										type_of(column)),
							   psprintf("ALTER COLUMN %s SET DEFAULT %s",
										name, value));
	return filled;
}

/*
 * A domain may refuse the null that the column begins with.  A type that the
 * same revision makes is not known yet.
 */
static bool
may_be_null(const ColumnDef *column)
{
	Oid			type = LookupTypeNameOid(NULL, column->typeName, true);

	return OidIsValid(type) && !pgm_domain_has_constraints(type);
}

/* More of it than type, default and constraints is not thought of here. */
static bool
is_simple(const ColumnDef *column)
{
	return column->collClause == NULL && column->fdwoptions == NIL &&
		!pgm_column_has_storage(column) &&
		column->typeName->arrayBounds == NIL && !column->typeName->setof;
}

PgmFilledColumn *
pgm_filled_column(PgmMaker *maker, const ColumnDef *column, const char *text)
{
	const char *type = pgm_serial_type(column->typeName);
	PgmFilledColumn *filled = NULL;
	const Constraint *value = NULL;
	bool		not_null = false;
	List	   *relids = lcons_oid(maker->relid,
								   pgm_descendants(maker->relid));
	ListCell   *lc;

	if (!is_simple(column) || has_effects(relids) ||
		!owner_can_fill(relids) || (type == NULL && !may_be_null(column)))
		return NULL;
	foreach(lc, column->constraints)
	{
		const Constraint *constraint = lfirst_node(Constraint, lc);

		switch (constraint->contype)
		{
			case CONSTR_DEFAULT:
			case CONSTR_IDENTITY:
				value = constraint;
				break;
			case CONSTR_GENERATED:
				return NULL;
			case CONSTR_NOTNULL:
			case CONSTR_PRIMARY:
				not_null = true;
				break;
			default:
				break;
		}
	}
	if (!has_rows_here(relids, value != NULL &&
					   value->contype == CONSTR_IDENTITY))
		return NULL;
	if (type != NULL && value == NULL)
		filled = serial(maker, column, type);
	else if (type == NULL && value != NULL &&
			 value->contype == CONSTR_IDENTITY && value->options == NIL)
		filled = identity(maker, column, value);
	else if (type == NULL && value != NULL &&
			 value->contype == CONSTR_DEFAULT)
		filled = with_default(maker, column, value, text);
	if (filled != NULL)
	{
		filled->name = quote_identifier(column->colname);
		filled->not_null |= not_null;
		if (filled->not_null && computes_strange_checks(relids))
			return NULL;
	}
	return filled;
}

char *
pgm_fill_around(List *columns, char *sql)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		const PgmFilledColumn *filled = lfirst(lc);

		if (filled->before != NULL)
			sql = psprintf("%s;\n%s", filled->before, sql);
		if (filled->after != NULL)
			sql = psprintf("%s;\n%s", sql, filled->after);
	}
	return sql;
}

char *
pgm_fill_undo(List *columns, char *sql)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		const PgmFilledColumn *filled = lfirst(lc);

		if (filled->undo != NULL)
			sql = psprintf("%s;\n%s", sql, filled->undo);
	}
	return sql;
}

static char *
update(const PgmMaker *maker, const char *assignments, const char *condition)
{
	return psprintf("UPDATE %s SET %s WHERE %s", maker->table, assignments,
					condition);
}

static char *
update_column(const PgmMaker *maker, const char *name)
{
	return update(maker, psprintf("%s = DEFAULT", name),
				  psprintf("%s IS NULL", name));
}

static void
fill(PgmMaker *maker, char *sql)
{
	pgm_strategy_add_step(maker, sql, NULL)->backfill = true;
}

char *
pgm_fill_again(const PgmMaker *maker, List *columns, const char *column)
{
	const char *name = quote_identifier(column);
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (strcmp(((const PgmFilledColumn *) lfirst(lc))->name, name) == 0)
			return update_column(maker, name);
	}
	return NULL;
}

/*
 * All columns are filled at once, and then each by itself: somebody else may
 * have given a row a value of one of them, and none of the others.
 */
void
pgm_fill_steps(PgmMaker *maker, List *columns)
{
	StringInfoData assignments;
	StringInfoData condition;
	ListCell   *lc;

	if (columns == NIL)
		return;
	initStringInfo(&assignments);
	initStringInfo(&condition);
	foreach(lc, columns)
	{
		const PgmFilledColumn *filled = lfirst(lc);
		bool		first = foreach_current_index(lc) == 0;

		appendStringInfo(&assignments, "%s%s = DEFAULT", first ? "" : ", ",
						 filled->name);
		appendStringInfo(&condition, "%s%s IS NULL", first ? "" : " AND ",
						 filled->name);
	}
	fill(maker, update(maker, assignments.data, condition.data));
	if (list_length(columns) == 1)
		return;
	foreach(lc, columns)
	{
		const PgmFilledColumn *filled = lfirst(lc);

		fill(maker, update_column(maker, filled->name));
	}
}
