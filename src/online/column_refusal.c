/*-------------------------------------------------------------------------
 *
 * column_refusal.c
 *	  What cannot be changed by way of another column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "compat/parse.h"
#include "online/column_default.h"
#include "online/column_demands.h"
#include "online/column_internal.h"
#include "online/downgrade.h"
#include "online/mapping_proof.h"
#include "online/owner.h"
#include "strategy/columns.h"

/*
 * Columns $2 of table $1; triggers of others sort before $3.  Each row is a
 * reason.
 */
static PgmQuery query = {
	"WITH a AS (SELECT a.* FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.attname = ANY ($2) AND NOT a.attisdropped), "
	"k AS (SELECT k.* FROM pg_constraint k, (SELECT array_agg(attnum) AS n "
	"FROM a) AS n WHERE k.conrelid = $1 AND (k.conkey && n "
	/* the rows that are there may not fit, those written anew must */
	"OR k.contype IN ('c', 'n') AND NOT k.convalidated)) "
	"SELECT format('column \"%s\" is generated', attname) FROM a "
	"WHERE attgenerated <> '' "
	"UNION ALL SELECT format('column \"%s\" is inherited', attname) FROM a "
	"WHERE attinhcount > 0 AND $4 "
	/* the column beside would be in that row */
	"UNION ALL SELECT format('index \"%s\" has an expression on the whole "
	"row', i.indexrelid::regclass) FROM pg_index i WHERE i.indrelid = $1 "
	"AND concat_ws(' ', i.indexprs, i.indpred) ~ ':varattno 0 ' "
	"UNION ALL SELECT format('constraint \"%s\" is on the whole row', conname) "
	"FROM pg_constraint WHERE conrelid = $1 AND contype = 'c' "
	"AND conbin::text ~ ':varattno 0 ' "
	"UNION ALL SELECT format('column \"%s\" comes from several tables', "
	"attname) FROM a WHERE attinhcount > 1 "
	"UNION ALL SELECT format('column \"%s\" is used by %s', a.attname, "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) FROM a "
	"JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass "
	"AND d.refobjid = $1 AND d.refobjsubid = a.attnum "
	"LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass "
	"AND c.oid = d.objid LEFT JOIN pg_constraint k "
	"ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid "
	"LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass "
	"AND f.oid = d.objid LEFT JOIN pg_trigger g "
	"ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid "
	"WHERE NOT coalesce(c.relkind IN ('i', 'S') OR k.conrelid = $1 "
	"OR f.adrelid = $1 AND f.adnum = a.attnum OR g.tgisinternal, false) "
	"UNION ALL SELECT format('foreign key \"%s\" of table \"%s\" is on it', "
	"f.conname, f.conrelid::regclass) FROM pg_constraint f, a "
	"WHERE f.contype = 'f' AND f.confrelid = $1 AND a.attnum = ANY (f.confkey) "
	"UNION ALL SELECT format('%s depends on constraint \"%s\"', "
	"pg_describe_object(d.classid, d.objid, d.objsubid), k.conname) FROM k "
	"JOIN pg_depend d ON d.refclassid = 'pg_constraint'::regclass "
	"AND d.refobjid = k.oid AND d.deptype = 'n' "
	"UNION ALL SELECT format('constraint \"%s\" %s', conname, CASE "
	"WHEN contype = 'x' THEN 'is an exclusion constraint' "
	"WHEN NOT convalidated THEN 'is not valid' ELSE 'is deferrable' END) "
	"FROM k WHERE contype = 'x' OR NOT convalidated "
	/* on a partition of what it refers to: VALIDATE leaves it before 18 */
	"AND (contype <> 'f' OR conparentid = 0) "
	"OR condeferrable AND contype IN ('p', 'u') "
	"UNION ALL SELECT format('index \"%s\" is not valid', "
	"i.indexrelid::regclass) FROM pg_index i "
	"JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1 "
	/* ours is built again */
	"AND NOT i.indisvalid AND c.relname !~ '^pgmigrate_[0-9]+_[0-9]+$' "
	"UNION ALL SELECT format('publication \"%s\" would publish the column "
	"beside', p.pubname) FROM pg_publication_tables t JOIN pg_publication p "
	"USING (pubname) JOIN pg_class c ON c.relname = t.tablename "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"AND n.nspname = t.schemaname WHERE c.oid = $1 "
	"UNION ALL SELECT format('trigger \"%s\" fires always', tgname) "
	"FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal "
	"AND tgenabled IN ('A', 'R') AND tgtype & 16 <> 0 "
	"UNION ALL SELECT format('trigger \"%s\" would be fired after ours', "
	"tgname) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal "
	"AND tgtype & 3 = 3 AND tgtype & 20 <> 0 AND tgname > $3 COLLATE \"C\" "
	"UNION ALL SELECT format('column \"%s\" has a security label', attname) "
	"FROM a JOIN pg_seclabel l ON l.classoid = 'pg_class'::regclass "
	"AND l.objoid = $1 AND l.objsubid = attnum "
	"UNION ALL SELECT format('its row type is used by %s', "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) "
	"FROM pg_class c JOIN pg_type t ON t.oid = c.reltype "
	"CROSS JOIN LATERAL unnest(ARRAY[t.oid, t.typarray]) AS y (oid) "
	"JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass "
	"AND d.refobjid = y.oid AND d.classid = 'pg_class'::regclass "
	"AND d.objsubid > 0 WHERE c.oid = $1",
	4, {OIDOID, TEXTARRAYOID, TEXTOID, BOOLOID},
	.first = true
};

bool
pgm_column_is_unique(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result = HeapTupleIsValid(tuple) &&
		((Form_pg_index) GETSTRUCT(tuple))->indisunique;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

static const char *
kind_reason(Relation rel, Oid owner)
{
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return "it is partitioned";
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		return "it is not an ordinary table";
	if (rel->rd_rel->relispartition)
		return "it is a partition";
	if (RelationGetRelid(rel) < FirstNormalObjectId || IsCatalogRelation(rel))
		return "it is a system catalog";
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return "it is temporary";
	if (rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		return "its access method is not heap";
	if (OidIsValid(rel->rd_rel->reloftype))
		return "it is a typed table";
	if (rel->rd_rules != NULL)
		return "it has rules";
	if (rel->rd_rel->relforcerowsecurity)
		return "its row security is for its owner too";
	if (rel->rd_rel->relowner != owner)
		return "it has another owner";
	return NULL;
}

/* A statement of a source, and the table that it is about. */
typedef struct Subject
{
	Relation	rel;
	const PgmSource *source;
	int			n;
	bool		ahead;			/* those before it are not run yet */
} Subject;

/*
 * Is it a column that an earlier statement adds, before this one is run?  By
 * then it has what is said there, and no index or constraint.
 */
static bool
is_to_come(const Subject *subject, const char *column)
{
	for (int i = 0; subject->ahead && i < subject->n; i++)
	{
		ListCell   *lc;

		if (pgm_shadow_altered_by(subject->source, i) !=
			RelationGetRelid(subject->rel))
			continue;
		foreach(lc, castNode(AlterTableStmt,
							 subject->source->statements[i].raw->stmt)->cmds)
		{
			const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
			const ColumnDef *def = (const ColumnDef *) command->def;

			if (command->subtype == AT_AddColumn &&
				strcmp(def->colname, column) == 0)
				return def->constraints == NIL &&
					pgm_serial_type(def->typeName) == NULL;
		}
	}
	return false;
}

/* What the trigger cannot give to an expression. */
static bool
reads_other_walker(Node *node, void *context)
{
	const Subject *subject = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		List	   *fields = castNode(ColumnRef, node)->fields;
		const char *name;
		AttrNumber	column;

		if (!IsA(llast(fields), String))
			return true;
		name = strVal(llast(fields));
		column = get_attnum(RelationGetRelid(subject->rel), name);
		if (column == InvalidAttrNumber)
			return !is_to_come(subject, name);
		return column < 0 ||
			TupleDescAttr(RelationGetDescr(subject->rel),
						  column - 1)->attgenerated != '\0';
	}
	return raw_expression_tree_walker(node, reads_other_walker, context);
}

/* A default of a column whose type it changes is given in the switch. */
static bool
is_supported(Relation rel, const AlterTableStmt *stmt,
			 const AlterTableCmd *command)
{
	AttrNumber	column;

	if (command->subtype == AT_AlterColumnType)
		return true;
	if (command->subtype != AT_ColumnDefault || command->name == NULL ||
		pgm_retyping(stmt->cmds, command->name) == NULL)
		return false;
	column = get_attnum(RelationGetRelid(rel), command->name);
	return column <= 0 || TupleDescAttr(RelationGetDescr(rel),
										column - 1)->attidentity == '\0';
}

static char *
retyping_reason(Subject *subject, const AlterTableCmd *command, List *columns)
{
	Oid			relid = RelationGetRelid(subject->rel);

	if (list_member(columns, makeString(command->name)))
		return psprintf("column \"%s\" is changed twice", command->name);
	if (get_attnum(relid, command->name) <= 0 &&
		!is_to_come(subject, command->name))
		return psprintf("there is no column \"%s\"", command->name);
	if (reads_other_walker(castNode(ColumnDef, command->def)->raw_default,
						   subject))
		return psprintf("the expression for column \"%s\" reads more than ordinary columns",
						command->name);
	return NULL;
}

static char *
statement_reason(Subject *subject, List **columns)
{
	Relation	rel = subject->rel;
	AlterTableStmt *stmt = (AlterTableStmt *)
		subject->source->statements[subject->n].raw->stmt;
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return pstrdup("the statement is not ALTER TABLE");
	if (!stmt->relation->inh && has_subclass(RelationGetRelid(rel)))
		return pstrdup("the statement leaves out the tables that inherit");
	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		char	   *reason;

		if (!is_supported(rel, stmt, command))
			return pstrdup("the statement does more than change types");
		if (command->subtype != AT_AlterColumnType)
			continue;
		reason = retyping_reason(subject, command, *columns);
		if (reason != NULL)
			return reason;
		*columns = lappend(*columns, makeString(command->name));
	}
	if (RelationGetNumberOfAttributes(rel) + list_length(*columns) >
		MaxHeapAttributeNumber)
		return pstrdup("it has too many columns, dropped ones counted");
	return NULL;
}

static char *
catalog_reason(Oid relid, List *columns, bool root)
{
	Datum		values[4];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = pgm_names_datum(columns);
	values[2] = pgm_text_datum(PGM_COLUMN_TRIGGER);
	values[3] = BoolGetDatum(root);
	return pgm_spi_one_text(&query, values);
}

/* ---- does it take nulls? */

typedef struct NullLook
{
	Oid			types[2];		/* of the column, before and after */
	ColumnDef  *def;
	Oid			asked;			/* whether it takes one, last */
	bool		has_default;
} NullLook;

static void
look_at_nulls(void *arg)
{
	NullLook   *look = arg;

	look->types[1] = typenameTypeId(NULL, look->def->typeName);
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < lengthof(look->types) && !look->has_default; i++)
	{
		look->asked = look->types[i];
		if (get_typdefault(look->asked) != NULL)
			look->has_default = true;
		else if (get_typtype(look->asked) == TYPTYPE_DOMAIN)
			domain_check((Datum) 0, true, look->asked, NULL, NULL);
	}
	PopActiveSnapshot();
}

/*
 * The column that follows is null in what the application writes, until the
 * trigger sets it: its type must not make it anything else, nor refuse it.
 */
static char *
nulls_reason(Relation rel, AlterTableCmd *command, Oid reader)
{
	NullLook	look = {.def = castNode(ColumnDef, command->def)};
	PgmOwnerScope scope;
	ErrorData  *error;

	if (!OidIsValid(reader))
		return NULL;
	look.types[0] = get_atttype(RelationGetRelid(rel),
								get_attnum(RelationGetRelid(rel),
										   command->name));
	pgm_owner_enter(&scope, reader);
	error = pgm_txn_look(look_at_nulls, &look);
	pgm_owner_leave(&scope);
	if (look.has_default)
		return psprintf("type %s of column \"%s\" has a default",
						format_type_be(look.asked), command->name);
	return error == NULL || !OidIsValid(look.asked) ? NULL :
		psprintf("type %s of column \"%s\" takes no null",
				 format_type_be(look.asked), command->name);
}

/* What becomes of the values, and what is demanded of them. */
static char *
values_reason(Relation rel, AlterTableCmd *command, Oid reader)
{
	Oid			relid = RelationGetRelid(rel);
	AttrNumber	column = get_attnum(relid, command->name);
	PgmMappingText forth;
	char	   *reason;
	ListCell   *lc;

	/* one that is to come has no values, and nothing is on it */
	if (column == InvalidAttrNumber)
		return NULL;
	pgm_mapping_foresee(rel, command, reader, &forth);
	if (forth.missing != NULL)
		return forth.missing;
	reason = nulls_reason(rel, command, reader);
	if (reason != NULL)
		return reason;
	foreach(lc, pgm_column_objects_of(0, relid, column))
	{
		const PgmColumnObject *object = lfirst(lc);

		if (object->kind != 'i' && forth.may_fail)
			return psprintf("not every value may fit, and constraint \"%s\" is on column \"%s\"",
							get_constraint_name(object->was), command->name);
		if (object->kind == 'i' && forth.may_collide &&
			pgm_column_is_unique(object->was))
			return psprintf("different values may become the same, and index \"%s\" is unique",
							get_rel_name(object->was));
		if (forth.narrows && pgm_column_refuses_null(object, column))
			return psprintf("values that do not fit are null, which %s \"%s\" may not allow",
							object->kind == 'i' ? "index" : "constraint",
							object->kind == 'i' ? get_rel_name(object->was) :
							get_constraint_name(object->was));
	}
	return NULL;
}

static char *
member_reason(Oid relid, Oid root, List *columns, List *commands, Oid reader)
{
	Relation	rel = table_open(relid, NoLock);
	const char *kind = kind_reason(rel, pgm_owner_of(root));
	char	   *reason;
	ListCell   *lc;

	if (kind == NULL)
		reason = catalog_reason(relid, columns, relid == root);
	else
		reason = pstrdup(kind);
	foreach(lc, commands)
		if (reason == NULL)
		reason = values_reason(rel, lfirst_node(AlterTableCmd, lc), reader);
	table_close(rel, NoLock);
	if (reason == NULL || relid == root)
		return reason;
	return psprintf("of table \"%s\" %s", get_rel_name(relid), reason);
}

static char *
refusal(Oid relid, const PgmSource *source, int n, Oid reader, bool ahead)
{
	Subject		subject = {table_open(relid, NoLock), source, n, ahead};
	List	   *columns = NIL;
	char	   *reason = source == NULL ? pstrdup("no column is changed") :
		statement_reason(&subject, &columns);
	List	   *commands;
	ListCell   *lc;

	table_close(subject.rel, NoLock);
	if (reason != NULL)
		return reason;
	commands = pgm_column_retypings(castNode(AlterTableStmt,
											 source->statements[n].raw->stmt)->cmds);
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		if (!ConditionalLockRelationOid(lfirst_oid(lc), AccessShareLock))
			return psprintf("others have locked table \"%s\"",
							get_rel_name(lfirst_oid(lc)));
		/* one that was dropped since it was found has no name */
		reason = get_rel_name(lfirst_oid(lc)) == NULL ? NULL :
			member_reason(lfirst_oid(lc), relid, columns, commands, reader);
		UnlockRelationOid(lfirst_oid(lc), AccessShareLock);
		if (reason != NULL)
			return reason;
	}
	return NULL;
}

char *
pgm_column_refusal(Oid relid, const PgmSource *source, int n, Oid reader)
{
	return refusal(relid, source, n, reader, false);
}

char *
pgm_column_refusal_unlocked(Oid relid, const PgmSource *source, int n,
							Oid reader)
{
	char	   *reason;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return pstrdup("others have locked the table");
	reason = refusal(relid, source, n, reader, true);
	UnlockRelationOid(relid, AccessShareLock);
	return reason;
}
