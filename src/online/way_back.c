/*-------------------------------------------------------------------------
 *
 * way_back.c
 *	  Whether a change can be taken back, told before it is made.
 *
 * What can go wrong with it is that neither the author nor a cast makes the
 * old value of a new one, which is known, and that rows written after the
 * switch have values that the old type has no place for, which is a
 * possibility.  It is mapped as it will be, from the table as the change
 * leaves it, which the catalog does not have yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tupdesc.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/transaction.h"
#include "classify/foreign_code.h"
#include "compat/attribute.h"
#include "online/column_internal.h"
#include "online/downgrade.h"
#include "online/layout.h"
#include "online/mapping_proof.h"
#include "online/owner.h"
#include "online/shadow_table.h"
#include "strategy/columns.h"

typedef struct Foresight
{
	const PgmWayBackOf *of;
	PgmWayBack *back;
	Relation	rel;
	PgmInverse	inverse;
	AlterTableCmd *command;
	PgmMappingText *mapping;
} Foresight;

/* ---- the table as it will be */

static void
set_column(TupleDesc desc, AttrNumber column, const char *name,
		   ColumnDef *def)
{
	Oid			type;
	int32		typmod;

	typenameTypeIdAndMod(NULL, def->typeName, &type, &typmod);
	TupleDescInitEntry(desc, column, name, type, typmod,
					   list_length(def->typeName->arrayBounds));
	TupleDescInitEntryCollation(desc, column,
								GetColumnDefCollation(NULL, def, type));
}

static void
copy_column(TupleDesc desc, TupleDesc from, AttrNumber column)
{
	TupleDescCopyEntry(desc, column, from, column);
	TupleDescAttr(desc, column - 1)->attgenerated =
		TupleDescAttr(from, column - 1)->attgenerated;
	pgm_attribute_changed(desc, column);
}

static AttrNumber
number_of(const Foresight *foresight, const AlterTableCmd *command)
{
	return command->name == NULL ? InvalidAttrNumber :
		get_attnum(RelationGetRelid(foresight->rel), command->name);
}

/*
 * The definitions of columns that come last, named in "added": what is added
 * to a table of its own, and the doubles of a column beside.
 */
static List *
find_added(const Foresight *foresight, List **added, List **names)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, foresight->inverse.change)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		ColumnDef  *def = (ColumnDef *) command->def;
		AttrNumber	column = number_of(foresight, command);

		if (command->subtype == AT_AddColumn &&
			pgm_serial_type(def->typeName) == NULL)
			*added = lappend(*added, def->colname);
		else if (command->subtype == AT_AlterColumnType && column > 0 &&
				 foresight->of->by_column)
		{
			*added = lappend(*added, pgm_column_hidden(0, column));
			*names = lappend(lappend(*names, command->name), llast(*added));
		}
		else
			continue;
		result = lappend(result, def);
	}
	return result;
}

static void
retype(const Foresight *foresight, TupleDesc desc)
{
	ListCell   *lc;

	foreach(lc, foresight->inverse.change)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		AttrNumber	column = number_of(foresight, command);
		char		generated;

		if (command->subtype != AT_AlterColumnType || column <= 0)
			continue;
		generated = TupleDescAttr(desc, column - 1)->attgenerated;
		set_column(desc, column, command->name, (ColumnDef *) command->def);
		TupleDescAttr(desc, column - 1)->attgenerated = generated;
		pgm_attribute_changed(desc, column);
	}
}

/* Where its columns are depends on their number, which does not change. */
static TupleDesc
descriptor_after(const Foresight *foresight, List **names)
{
	TupleDesc	before = RelationGetDescr(foresight->rel);
	List	   *added = NIL;
	List	   *defs = find_added(foresight, &added, names);
	TupleDesc	desc = CreateTemplateTupleDesc(before->natts +
											   list_length(defs));

	for (int i = 1; i <= before->natts; i++)
		copy_column(desc, before, i);
	for (int i = 0; i < list_length(defs); i++)
		set_column(desc, before->natts + i + 1, list_nth(added, i),
				   list_nth(defs, i));
	if (!foresight->of->by_column)
		retype(foresight, desc);
	return desc;
}

/* Of the double in a descriptor, or 0. */
static AttrNumber
find_double(TupleDesc desc, AttrNumber column)
{
	const char *name = pgm_column_hidden(0, column);

	for (int i = 0; i < desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i + 1;
	return InvalidAttrNumber;
}

static void
map_back(void *arg)
{
	Foresight  *foresight = arg;
	RelationData after = *foresight->rel;
	List	   *names = NIL;
	AttrNumber	column = get_attnum(RelationGetRelid(foresight->rel),
									foresight->command->name);
	AttrNumber	follow;

	PushActiveSnapshot(GetTransactionSnapshot());
	after.rd_att = descriptor_after(foresight, &names);
	if (!foresight->of->by_column)
		foresight->mapping = pgm_mapping_foresee_back(&after, foresight->rel,
													  column,
													  &foresight->inverse);
	else if ((follow = find_double(after.rd_att, column)) > 0)
	{
		pgm_column_rename_inverse(&foresight->inverse, names);
		foresight->mapping = pgm_mapping_within_back(&after, follow, column,
													 &foresight->inverse);
	}
	PopActiveSnapshot();
}

/* ---- what is told of it */

static void
add_unfit(PgmWayBack *back, char *what)
{
	back->unfit = back->unfit == NULL ? what :
		psprintf("%s, %s", back->unfit, what);
}

/* Text of any length takes what there is. */
static bool
takes_all(Form_pg_attribute att)
{
	return att->atttypid == TEXTOID ||
		(att->atttypid == VARCHAROID && att->atttypmod < 0);
}

static void
tell_unproven(const Foresight *foresight, bool said)
{
	const char *name = foresight->command->name;

	add_unfit(foresight->back, said ?
			  psprintf("what is written to column \"%s\", where the USING of the downgrade cannot be used",
					   name) :
			  psprintf("what is written to column \"%s\", where the downgrade does not say by USING what becomes of it",
					   name));
}

/* What the author says may fail, and of a key it has to be the way back. */
static void
tell_said(const Foresight *foresight, AttrNumber column)
{
	const PgmMappingText *mapping = foresight->mapping;
	const char *name = foresight->command->name;

	if (bms_is_member(column, foresight->inverse.key))
		add_unfit(foresight->back, psprintf("a key of column \"%s\" that is not the same again after both USING",
											name));
	else if (mapping->narrows || mapping->may_fail)
		add_unfit(foresight->back, psprintf("a value of column \"%s\" that the USING of the downgrade fails for",
											name));
}

static void
tell_cast(const Foresight *foresight, Form_pg_attribute att)
{
	const PgmMappingText *mapping = foresight->mapping;
	const char *name = foresight->command->name;
	char	   *type = format_type_with_typemod(att->atttypid, att->atttypmod);

	if (takes_all(att))
		return;
	if (mapping->narrows || mapping->may_fail)
		add_unfit(foresight->back, psprintf("a value of column \"%s\" that does not fit type %s",
											name, type));
	else if (mapping->may_collide)
		add_unfit(foresight->back, psprintf("values of column \"%s\" that type %s cannot tell apart",
											name, type));
}

static Node *
said_of(const Foresight *foresight)
{
	AlterTableCmd *command = pgm_retyping(foresight->inverse.commands,
										  foresight->command->name);

	return command == NULL ? NULL :
		castNode(ColumnDef, command->def)->raw_default;
}

/* A text of no revision has a downgrade that nobody here knows. */
static char *
missing_way(const Foresight *foresight, AttrNumber column)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(foresight->rel),
										  column - 1);
	char	   *missing = foresight->mapping->missing;

	return missing == NULL || att->attgenerated != '\0' ||
		foresight->of->source->revision != NULL ? missing :
		psprintf("%s, unless the downgrade says by USING what becomes of new values",
				 missing);
}

/* Of what the author says, and nobody here may read, nothing is told. */
static void
foresee_type(Foresight *foresight)
{
	Oid			relid = RelationGetRelid(foresight->rel);
	AttrNumber	column = get_attnum(relid, foresight->command->name);
	bool		said = said_of(foresight) != NULL;
	PgmMappingText *mapping;

	if (column <= 0 || (said && foresight->inverse.unread))
		return;
	foresight->mapping = NULL;
	if (pgm_txn_look(map_back, foresight) != NULL ||
		foresight->mapping == NULL)
		return;
	mapping = foresight->mapping;
	mapping->missing = missing_way(foresight, column);
	foresight->back->none = foresight->of->by_column ?
		pgm_column_no_way_back(mapping, 0, relid, column) : mapping->missing;
	if (!bms_is_empty(mapping->unproven))
		tell_unproven(foresight, said);
	else if (mapping->by_author)
		tell_said(foresight, column);
	else
		tell_cast(foresight,
				  TupleDescAttr(RelationGetDescr(foresight->rel), column - 1));
}

static void
foresee(Foresight *foresight, const AlterTableStmt *stmt)
{
	PgmWayBack *back = foresight->back;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (back->none != NULL)
			break;
		foresight->command = command;
		if (command->subtype == AT_AlterColumnType)
			foresee_type(foresight);
		else if (command->subtype == AT_DropNotNull)
			add_unfit(back, psprintf("a null in column \"%s\"", command->name));
		else if (command->subtype == AT_DropConstraint)
			add_unfit(back, psprintf("what constraint \"%s\" refuses",
									 command->name));
	}
}

/* ---- what is known of the change */

/* Those next to the statement go along, unless it says something else. */
static List *
with_neighbours(const PgmWayBackOf *of, List *commands, int step)
{
	List	   *result = commands;
	ListCell   *lc;

	for (int i = of->n + step; i >= 0 && i < of->source->nstatements &&
		 pgm_shadow_altered_by(of->source, i) == of->relid; i += step)
		foreach(lc, castNode(AlterTableStmt,
							 of->source->statements[i].raw->stmt)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddColumn ||
			(command->subtype == AT_AlterColumnType &&
			 pgm_retyping(result, command->name) == NULL))
			result = lappend(list_copy(result), command);
	}
	return result;
}

/* May the texts be analyzed by the reader? */
static bool
is_readable(const PgmWayBackOf *of, const PgmSource *opposite)
{
	if (!OidIsValid(of->reader))
		return false;
	for (int i = 0; opposite != NULL && i < opposite->nstatements; i++)
		if (pgm_shadow_altered_by(opposite, i) == of->relid &&
			pgm_strange_code(opposite->statements[i].raw->stmt, NULL,
							 of->reader, of->authored) != NULL)
			return false;
	return true;
}

static void
know(Foresight *foresight, const AlterTableStmt *stmt)
{
	const PgmWayBackOf *of = foresight->of;
	PgmInverse *inverse = &foresight->inverse;
	const PgmSource *opposite = pgm_source_opposite(of->source);
	Oid			key = of->by_column ? InvalidOid :
		pgm_layout_key(foresight->rel);

	inverse->change = stmt->cmds;
	if (!of->by_column)
		inverse->change = with_neighbours(of,
										  with_neighbours(of, stmt->cmds, -1),
										  1);
	inverse->change_text = of->source->text;
	inverse->text = "";
	if (opposite != NULL)
	{
		inverse->commands = pgm_inverse_commands(opposite, of->relid);
		inverse->text = opposite->text;
	}
	inverse->foreseen = true;
	inverse->unread = !is_readable(of, opposite);
	if (OidIsValid(key))
		inverse->key = pgm_key_columns(key);
}

static void
foresee_as_reader(Foresight *foresight, const AlterTableStmt *stmt)
{
	Oid			reader = foresight->of->reader;
	PgmOwnerScope scope;

	know(foresight, stmt);
	if (foresight->inverse.unread || reader == GetUserId())
	{
		foresee(foresight, stmt);
		return;
	}
	pgm_owner_enter(&scope, reader);
	foresee(foresight, stmt);
	pgm_owner_leave(&scope);
}

/* Of a table that others have locked nothing is told. */
void
pgm_shadow_foresee_back(const PgmWayBackOf *of, PgmWayBack *back)
{
	Foresight	foresight = {of, back};
	Node	   *stmt = of->source->statements[of->n].raw->stmt;

	if (!IsA(stmt, AlterTableStmt) ||
		!ConditionalLockRelationOid(of->relid, AccessShareLock))
		return;
	foresight.rel = try_relation_open(of->relid, NoLock);
	if (foresight.rel != NULL)
	{
		foresee_as_reader(&foresight, castNode(AlterTableStmt, stmt));
		relation_close(foresight.rel, NoLock);
	}
	UnlockRelationOid(of->relid, AccessShareLock);
}
