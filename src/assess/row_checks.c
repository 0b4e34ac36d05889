/*-------------------------------------------------------------------------
 *
 * row_checks.c
 *	  Look for the rows that will make a statement fail.
 *
 * Runs as the owner of the table, whose indexes and types may run code of his,
 * if the caller has his rights; else not at all.  Read-only, restricted, and
 * without row security: what he may not read whole is not looked at.  An
 * expression of the statement is evaluated as it will be in the revision, if
 * it does nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "assess/lost_values.h"
#include "assess/made_tables.h"
#include "assess/new_rows.h"
#include "assess/row_checks.h"
#include "assess/row_queries.h"
#include "base/spi_list.h"
#include "clone/clone.h"
#include "clone/clone_sql.h"
#include "compat/constraint.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/source_text.h"

/* A constraint that is not validated: its expression, or both ends. */
static PgmQuery constraint_query = {
	"SELECT k.contype::text, pg_get_expr(k.conbin, k.conrelid), "
	"k.confrelid::int8, "
	"(SELECT array_agg(a.attname::text ORDER BY u.n) "
	"FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n), pg_attribute a "
	"WHERE a.attrelid = k.conrelid AND a.attnum = u.attnum), "
	"(SELECT array_agg(a.attname::text ORDER BY u.n) "
	"FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, n), pg_attribute a "
	"WHERE a.attrelid = k.confrelid AND a.attnum = u.attnum), "
	"k.confmatchtype = 'f' FROM pg_constraint k WHERE k.conrelid = $1 AND k.conname = $2 "
	"AND NOT k.convalidated",
	2, {OIDOID, TEXTOID}
};

/* Columns of a table that are of a domain. */
static PgmQuery domain_columns_query = {
	"WITH RECURSIVE d (oid) AS (SELECT $2 UNION SELECT t.oid FROM pg_type t "
	"JOIN d ON t.typbasetype = d.oid) "
	"SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a "
	"WHERE a.attrelid = $1 AND a.atttypid IN (SELECT oid FROM d) "
	"AND NOT a.attisdropped",
	2, {OIDOID, OIDOID}
};

static PgmQuery domain_constraint_query = {
	"SELECT pg_get_expr(conbin, 0) FROM pg_constraint "
	"WHERE contypid = $1 AND conname = $2",
	2, {OIDOID, TEXTOID}
};

/* Columns as expressions. */
static List *
quoted(List *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, columns)
		result = lappend(result,
						 psprintf("t.%s",
								  quote_identifier(strVal(lfirst(lc)))));
	return result;
}

static void
check_expression(PgmLook *look, const char *condition)
{
	pgm_look_rows(look, psprintf("NOT (%s\n)", condition),
				  "do not satisfy the CHECK");
}

static void
check_condition(PgmLook *look, const Constraint *constraint)
{
	char	   *condition = constraint->location < 0 ? NULL :
		pgm_slice_parens(look->judged->source, look->judged->n,
						 constraint->location, NULL);

	if (condition == NULL)
		return;
	if (constraint->is_no_inherit)
	{
		PgmLook		own = *look;

		pgm_look_only(&own);
		check_expression(&own, condition);
		own.from = look->from;
		*look = own;
	}
	else
		check_expression(look, condition);
}

static void
check_foreign_key(PgmLook *look, const Constraint *constraint)
{
	Oid			other = pgm_lookup_relation(constraint->pktable);

	if (OidIsValid(other))
		pgm_look_orphans(look, other, constraint->fk_attrs,
						 constraint->pk_attrs ? constraint->pk_attrs :
						 pgm_look_primary_key(other),
						 constraint->fk_matchtype == FKCONSTR_MATCH_FULL);
}

static bool
takes_all(Oid relid, const char *column, Oid type, int32 typmod)
{
	AttrNumber	attnum = get_attnum(relid, column);
	Oid			old_type;
	int32		old_typmod;
	Oid			collation;

	if (attnum == InvalidAttrNumber)
		return false;
	get_atttypetypmodcoll(relid, attnum, &old_type, &old_typmod, &collation);
	return pgm_type_takes_all(old_type, old_typmod, type, typmod);
}

/* Of strings of bits, and of arrays of strings. */
static const char *
too_long(Oid from, Oid to, int32 typmod, const char *value)
{
	Oid			element = get_element_type(to);

	if (typmod < 0)
		return NULL;
	if ((from == BITOID || from == VARBITOID) &&
		(to == BITOID || to == VARBITOID))
		return psprintf("pg_catalog.length(%s) OPERATOR(pg_catalog.%s) %d",
						value, to == BITOID ? "<>" : ">", typmod);
	if ((element == VARCHAROID || element == BPCHAROID) &&
		OidIsValid(get_element_type(from)) && typmod > VARHDRSZ)
		return psprintf("EXISTS (SELECT FROM pg_catalog.unnest(%s) AS e (v) WHERE pg_catalog.length(pg_catalog.rtrim(e.v::pg_catalog.text)) OPERATOR(pg_catalog.>) %d)",
						value, typmod - (int) VARHDRSZ);
	return NULL;
}

/* Values that the new type does not take, or not whole. */
static void
check_type(PgmLook *look, AlterTableCmd *cmd)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	const char *name = quote_identifier(cmd->name);
	Type		type = LookupTypeName(NULL, column->typeName, NULL, true);
	const char *value = psprintf("t.%s", name);
	const char *condition;
	Oid			oid;
	int32		typmod;

	if (type == NULL)
		return;
	ReleaseSysCache(type);
	if (column->raw_default != NULL)	/* USING */
		value = pgm_slice_after(look->judged->source, look->judged->n,
								column->location, "using", NULL);
	if (value == NULL)
		return;
	typenameTypeIdAndMod(NULL, column->typeName, &oid, &typmod);
	if (column->raw_default == NULL &&
		takes_all(look->effect->relid, cmd->name, oid, typmod))
		return;

	/* a cast cuts off what the statement does not */
	condition = column->raw_default != NULL ? NULL :
		too_long(get_atttype(look->effect->relid,
							 get_attnum(look->effect->relid, cmd->name)),
				 oid, typmod, value);
	if (condition != NULL)
		pgm_look_rows(look, condition,
					  psprintf("are of another length in %s", name));

	/* blanks at the end are cut off without a word */
	else if ((oid == VARCHAROID || oid == BPCHAROID) && typmod > VARHDRSZ)
		pgm_look_rows(look,
					  psprintf("pg_catalog.length(pg_catalog.rtrim((%s\n)::pg_catalog.text)) OPERATOR(pg_catalog.>) %d",
							   value, typmod - (int) VARHDRSZ),
					  psprintf("are too long in %s", name));
	else
	{
		const char *type_name = format_type_with_typemod(oid, typmod);

		pgm_look_conversion(look, value, type_name, name);
		pgm_look_lost_values(look, cmd, value, type_name);
	}
}

static void
check_constraint(PgmLook *look, Constraint *constraint, bool validate)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (!constraint->skip_validation || validate)
				check_condition(look, constraint);
			break;
		case CONSTR_FOREIGN:
			if (!constraint->skip_validation || validate)
				check_foreign_key(look, constraint);
			break;
		case CONSTR_PRIMARY:
			pgm_look_nulls(look, constraint->keys);
			if (constraint->indexname == NULL)
				pgm_look_duplicates(look, quoted(constraint->keys), NULL,
									false);
			break;
		case CONSTR_UNIQUE:
			if (constraint->indexname == NULL)
				pgm_look_duplicates(look, quoted(constraint->keys), NULL,
									pgm_nulls_not_distinct(constraint));
			break;
		case CONSTR_EXCLUSION:
			look->unsure = "keys that exclude each other are not looked for";
			break;
		default:
			break;
	}
}

/* A constraint that a statement before has added NOT VALID. */
static bool
check_added(PgmLook *look, const char *name, List *before)
{
	PgmJudged  *judged = look->judged;
	ListCell   *lc;

	foreach(lc, before)
	{
		PgmJudged  *other = lfirst(lc);
		Node	   *stmt = other->source->statements[other->n].raw->stmt;
		ListCell   *cmd;

		if (!IsA(stmt, AlterTableStmt) ||
			pgm_verdict_find(other->verdict, look->effect->relid) == NULL)
			continue;
		foreach(cmd, castNode(AlterTableStmt, stmt)->cmds)
		{
			Node	   *def = lfirst_node(AlterTableCmd, cmd)->def;

			if (def == NULL || !IsA(def, Constraint) ||
				castNode(Constraint, def)->conname == NULL ||
				strcmp(castNode(Constraint, def)->conname, name) != 0)
				continue;

			/* its text is in that statement, what is found about this one */
			look->judged = palloc(sizeof(PgmJudged));
			*look->judged = *other;
			look->judged->findings = judged->findings;
			check_constraint(look, castNode(Constraint, def), true);
			judged->findings = look->judged->findings;
			look->judged = judged;
			return true;
		}
	}
	return false;
}

static void
check_validate(PgmLook *look, const char *name, List *before)
{
	PgmSpiScope scope;
	Datum		values[2];
	char		kind = '\0';
	char	   *expression = NULL;
	Oid			other = InvalidOid;
	List	   *near = NIL;
	List	   *far = NIL;
	bool		full = false;

	if (check_added(look, name, before))
		return;
	values[0] = ObjectIdGetDatum(look->effect->relid);
	values[1] = pgm_text_datum(name);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&constraint_query, values, NULL) > 0)
	{
		kind = pgm_spi_text(1, 1)[0];
		expression = pgm_spi_text(1, 2);
		other = (Oid) pgm_spi_int64(1, 3);
	}
	if (kind != '\0')
	{
		near = pgm_look_names(4, scope.outer);
		far = pgm_look_names(5, scope.outer);
		full = pgm_spi_bool(1, 6);
	}
	pgm_spi_end(&scope);
	if (kind == CONSTRAINT_CHECK && expression != NULL)
		check_expression(look, expression);
	else if (kind == CONSTRAINT_FOREIGN)
		pgm_look_orphans(look, other, near, far, full);
	else if (kind == 'n')		/* since 18 */
		pgm_look_nulls(look, near);
}

static bool
is_there(const PgmLook *look, const AlterTableCmd *cmd)
{
	const ColumnDef *column = castNode(ColumnDef, cmd->def);

	return cmd->missing_ok &&
		get_attnum(look->effect->relid, column->colname) != InvalidAttrNumber;
}

/* What the statement itself, or a constraint, proves is not looked for. */
static void
check_not_null(PgmLook *look, char *column)
{
	if (look->judged->verdict->tried && look->effect->scans == PGM_FALSE)
		return;
	pgm_look_nulls(look, list_make1(makeString(column)));
}

/* Is the column held against anything, and what all rows get known? */
static bool
has_constant(const ColumnDef *column)
{
	bool		held = false;
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		switch (lfirst_node(Constraint, lc)->contype)
		{
			case CONSTR_CHECK:
			case CONSTR_FOREIGN:
			case CONSTR_UNIQUE:
				held = true;
				break;
			default:
				break;
		}
	}
	return held && pgm_new_value_is_known(column);
}

/* What all rows get at once, held against what is written with the column. */
static void
check_new_column(PgmLook *look, const ColumnDef *column)
{
	List	   *name = list_make1(makeString(column->colname));
	bool		asked = look->asked;
	ListCell   *lc;

	if (pgm_column_is_required(column))
	{
		pgm_look_rows(look, "true", "would be null in the new column");
		return;
	}
	if (!has_constant(column))
		return;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = copyObject(lfirst_node(Constraint, lc));

		if (constraint->contype == CONSTR_FOREIGN)
			constraint->fk_attrs = name;
		else if (constraint->contype != CONSTR_CHECK)
			constraint->keys = name;
		check_constraint(look, constraint, false);
	}

	/* one row is as good as another */
	look->asked = asked;
}

static void
check_alter_cmd(PgmLook *look, AlterTableCmd *cmd, List *before)
{
	switch (cmd->subtype)
	{
		case AT_SetNotNull:
			check_not_null(look, cmd->name);
			break;
		case AT_AddConstraint:
			check_constraint(look, castNode(Constraint, cmd->def), false);
			break;
		case AT_ValidateConstraint:
			check_validate(look, cmd->name, before);
			break;
		case AT_AddColumn:
			if (!is_there(look, cmd))
				check_new_column(look, castNode(ColumnDef, cmd->def));
			break;
		default:
			break;
	}
}

static void
check_alter(PgmLook *look, AlterTableStmt *stmt, List *before)
{
	ListCell   *lc;

	if (!stmt->relation->inh)
		pgm_look_only(look);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType)
			check_type(look, cmd);
	}
	pgm_look_at_new_rows(look, stmt);
	foreach(lc, stmt->cmds)
		check_alter_cmd(look, lfirst_node(AlterTableCmd, lc), before);
}

/* The expression of an index element, without what comes after it. */
static char *
element_expression(const char *element)
{
	int			depth = 0;

	for (const char *at = element; *at != '\0'; at++)
	{
		if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return pnstrdup(element, at + 1 - element);
	}
	return pstrdup(element);
}

/* Of expressions and a condition only the text is there. */
static void
check_index(PgmLook *look, IndexStmt *index)
{
	const PgmSource *source = look->judged->source;
	List	   *columns = NIL;
	List	   *items;
	char	   *list;
	char	   *where = NULL;
	int			after = 0;
	ListCell   *lc;
	ListCell   *item;

	if (!index->unique)
		return;
	list = pgm_slice_parens(source, look->judged->n,
							index->relation->location, &after);
	if (list == NULL)
		return;
	items = pgm_slice_list(list);
	if (list_length(items) != list_length(index->indexParams))
		return;
	forboth(lc, index->indexParams, item, items)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		columns = lappend(columns, element->name == NULL ?
						  element_expression(lfirst(item)) :
						  psprintf("t.%s", quote_identifier(element->name)));
	}
	if (index->whereClause != NULL)
	{
		where = pgm_slice_after(source, look->judged->n, after, "where",
								NULL);
		if (where == NULL)
			return;
	}
	pgm_look_duplicates(look, columns, where,
						pgm_index_nulls_not_distinct(index));
}

/* The condition that values of a domain must satisfy from now on, or NULL. */
static char *
domain_condition(const PgmJudged *judged, AlterDomainStmt *stmt, Oid domain)
{
	Datum		values[2];

	if (stmt->subtype == 'C' &&
		!castNode(Constraint, stmt->def)->skip_validation)
		return pgm_slice_parens(judged->source, judged->n,
								castNode(Constraint, stmt->def)->location,
								NULL);
	if (stmt->subtype != 'V')
		return NULL;
	values[0] = ObjectIdGetDatum(domain);
	values[1] = pgm_text_datum(stmt->name);
	return pgm_spi_one_text(&domain_constraint_query, values);
}

/* In the condition of a domain, VALUE is an ordinary name to a query. */
static void
check_domain_column(PgmLook *look, const char *column, const char *condition)
{
	if (condition == NULL)
	{
		pgm_look_nulls(look, list_make1(makeString(pstrdup(column))));
		return;
	}
	look->from = psprintf("(SELECT t.%s AS value, %s AS key FROM %s) AS t",
						  quote_identifier(column), look->key, look->from);
	look->key = "t.key";
	check_expression(look, condition);
}

static void
check_domain(PgmJudged *judged, AlterDomainStmt *stmt, PgmEffect *effect)
{
	Oid			domain;
	Type		type = LookupTypeName(NULL,
									  makeTypeNameFromNameList(stmt->typeName),
									  NULL, true);
	char	   *condition;
	PgmSpiScope scope;
	Datum		values[2];
	List	   *columns;
	ListCell   *lc;

	if (type == NULL)
		return;
	domain = typeTypeId(type);
	ReleaseSysCache(type);
	condition = domain_condition(judged, stmt, domain);
	if (condition == NULL && stmt->subtype != 'O')
		return;
	values[0] = ObjectIdGetDatum(effect->relid);
	values[1] = ObjectIdGetDatum(domain);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&domain_columns_query, values, NULL);
	columns = pgm_look_names(1, scope.outer);
	pgm_spi_end(&scope);
	foreach(lc, columns)
	{
		PgmLook		look;

		if (!pgm_look_begin(&look, judged, effect))
			continue;
		check_domain_column(&look, strVal(lfirst(lc)), condition);
		pgm_look_end(&look);
	}
}

/* Rows that a partition, or the DEFAULT partition, must not have. */
static void
check_bound(PgmJudged *judged, PgmEffect *effect, PgmClones *clones)
{
	Oid			clone = clones == NULL ? InvalidOid :
		pgm_clones_of(clones, effect->relid);
	char	   *bound = OidIsValid(clone) ? pgm_clone_bound(clone) : NULL;
	PgmLook		look;

	if (bound == NULL || !pgm_look_begin(&look, judged, effect))
		return;
	pgm_look_rows(&look, psprintf("NOT (%s)", bound),
				  "do not belong into the partition");
	pgm_look_end(&look);
}

static bool
attaches(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, CreateStmt))
		return castNode(CreateStmt, stmt)->partbound != NULL;
	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AttachPartition)
			return true;
	}
	return false;
}

void
pgm_datacheck_unsure(PgmJudged *judged, const PgmEffect *effect,
					 const PgmJudged *by)
{
	bool		same = by->source == judged->source;

	(void) pgm_lint_find(judged, "data-unsure", effect,
						 psprintf("rows of %s may be in the way: statement %d%s%s may change them before",
								  pgm_effect_name(effect), by->n + 1,
								  same ? "" : " of revision ",
								  same ? "" : by->revision),
						 NULL);
}

/* Rows that a statement before has changed are not what they will be. */
static bool
is_changed(PgmJudged *judged, PgmEffect *effect, const PgmDataPast *past)
{
	const PgmJudged *by = past->any;
	ListCell   *lc;

	foreach(lc, past->changes)
	{
		const PgmEffect *changed;

		if (by != NULL)
			break;
		changed = pgm_verdict_find(((PgmJudged *) lfirst(lc))->verdict,
								   effect->relid);
		if (changed != NULL && changed->mode >= RowExclusiveLock)
			by = lfirst(lc);
	}
	if (by == NULL)
		return false;
	pgm_datacheck_unsure(judged, effect, by);
	return true;
}

/* Is it a table whose rows matter to the statement? */
static bool
is_concerned(Node *stmt, const PgmEffect *effect)
{
	if (effect->created_here || effect->replaced ||
		!OidIsValid(effect->relid) ||
		(effect->relkind != RELKIND_RELATION &&
		 effect->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	if (IsA(stmt, AlterDomainStmt) || effect->subject)
		return true;
	return attaches(stmt) && effect->mode == AccessExclusiveLock &&
		!OidIsValid(effect->like);
}

static void
check_statement(PgmJudged *judged, PgmEffect *effect, const PgmDataPast *past,
				PgmClones *clones)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	PgmLook		look;

	if (IsA(stmt, AlterDomainStmt))
		check_domain(judged, castNode(AlterDomainStmt, stmt), effect);
	else if (attaches(stmt))
		check_bound(judged, effect, clones);
	else if (pgm_look_begin(&look, judged, effect))
	{
		look.retyped = pgm_rows_are_retyped(effect, past->judged);
		if (IsA(stmt, AlterTableStmt))
			check_alter(&look, castNode(AlterTableStmt, stmt), past->judged);
		else
			check_index(&look, castNode(IndexStmt, stmt));
		pgm_look_end(&look);
	}
}

/* Rows that are locked against everybody are not waited for. */
static bool
is_locked(Oid relid)
{
	ListCell   *lc;

	foreach(lc, lcons_oid(relid, pgm_descendants(relid)))
	{
		if (!ConditionalLockRelationOid(lfirst_oid(lc), AccessShareLock))
			return true;
		UnlockRelationOid(lfirst_oid(lc), AccessShareLock);
	}
	return false;
}

/* Can rows make it fail at all? */
static bool
depends_on_rows(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, IndexStmt))
		return castNode(IndexStmt, stmt)->unique;
	if (!IsA(stmt, AlterTableStmt))
		return IsA(stmt, AlterDomainStmt) || attaches(stmt);
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_SetNotNull:
			case AT_ValidateConstraint:
			case AT_AlterColumnType:
			case AT_AttachPartition:
				return true;
			case AT_AddConstraint:
				if (!castNode(Constraint, cmd->def)->skip_validation)
					return true;
				break;
			case AT_AddColumn:
				if (pgm_column_is_required(castNode(ColumnDef, cmd->def)) ||
					has_constant(castNode(ColumnDef, cmd->def)))
					return true;
				break;
			default:
				break;
		}
	}
	return false;
}

void
pgm_datacheck_statement(PgmJudged *judged, const PgmDataPast *past,
						PgmClones *clones)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	Oid			save_user;
	int			save_sec_context;
	int			guc_level;
	ListCell   *lc;

	if (!depends_on_rows(stmt))
		return;
	pgm_made_check(past->made, judged);
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	guc_level = NewGUCNestLevel();
	(void) set_config_option("row_security", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* the tables are not used, as those see it who watch how they are */
	(void) set_config_option("track_counts", "off",
							 PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* for an index that is being rebuilt */
	(void) set_config_option("lock_timeout", "10ms",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, judged->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		Oid			owner;

		if (!is_concerned(stmt, effect) || is_locked(effect->relid))
			continue;
		owner = pgm_relation_owner(effect->relid);
		if (!OidIsValid(owner) || !has_privs_of_role(save_user, owner) ||
			is_changed(judged, effect, past))
			continue;
		SetUserIdAndSecContext(owner, save_sec_context |
							   SECURITY_RESTRICTED_OPERATION |
							   SECURITY_LOCAL_USERID_CHANGE);
		check_statement(judged, effect, past, clones);
		SetUserIdAndSecContext(save_user, save_sec_context);
	}
	AtEOXact_GUC(false, guc_level);
}

static bool
changes_rows(const PgmVerdict *verdict)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	ListCell   *lc;

	if (IsA(stmt, TruncateStmt))
		return true;
	foreach(lc, verdict->effects)
	{
		if (((PgmEffect *) lfirst(lc))->mode == RowExclusiveLock)
			return true;
	}
	return false;
}

void
pgm_datacheck_remember(PgmJudged *judged, PgmDataPast *past)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;

	past->made = pgm_made_remember(past->made, judged);
	if (IsA(stmt, AlterTableStmt))
		past->judged = lappend(past->judged, judged);
	if (judged->verdict->opaque && !judged->verdict->plain &&
		!IsA(stmt, CreateExtensionStmt) && past->any == NULL)
		past->any = judged;
	else if (changes_rows(judged->verdict) && past->any == NULL)
		past->changes = lappend(past->changes, judged);
}
