/*-------------------------------------------------------------------------
 *
 * way_back.c
 *	  Whether a change can be taken back, told before it is made.
 *
 * What can go wrong with it is that there is no cast from the new type to the
 * old one, which is known, and that rows written after the switch have values
 * that the old type has no place for, which is a possibility.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "online/column_internal.h"
#include "online/shadow_table.h"

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
foresee_type(Relation rel, AlterTableCmd *command, bool by_column,
			 PgmWayBack *back)
{
	AttrNumber	column = get_attnum(RelationGetRelid(rel), command->name);
	PgmMappingText mapping;
	Form_pg_attribute att;

	if (column <= 0)
		return;
	pgm_mapping_foresee_back(rel, command, &mapping);
	back->none = by_column ?
		pgm_column_no_way_back(&mapping, 0, RelationGetRelid(rel), column) :
		mapping.missing;
	att = TupleDescAttr(RelationGetDescr(rel), column - 1);
	if (!bms_is_empty(mapping.unproven))
		add_unfit(back, psprintf("what is written to \"%s\", where the downgrade does not say by USING what becomes of it",
								 command->name));
	if (takes_all(att) || !bms_is_empty(mapping.unproven))
		return;
	if (mapping.narrows || mapping.may_fail)
		add_unfit(back, psprintf("a value of \"%s\" that is no %s",
								 command->name,
								 format_type_with_typemod(att->atttypid,
														  att->atttypmod)));
	else if (mapping.may_collide)
		add_unfit(back, psprintf("what %s cannot tell apart in \"%s\"",
								 format_type_with_typemod(att->atttypid,
														  att->atttypmod),
								 command->name));
}

static void
foresee(Relation rel, const AlterTableStmt *stmt, bool by_column,
		PgmWayBack *back)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (back->none != NULL)
			break;
		if (command->subtype == AT_AlterColumnType)
			foresee_type(rel, command, by_column, back);
		else if (command->subtype == AT_DropNotNull)
			add_unfit(back, psprintf("a null in \"%s\"", command->name));
		else if (command->subtype == AT_DropConstraint)
			add_unfit(back, psprintf("what constraint \"%s\" refuses",
									 command->name));
	}
}

/* Of a table that others have locked nothing is told. */
void
pgm_shadow_foresee_back(Oid relid, const PgmSource *source, int n,
						bool by_column, PgmWayBack *back)
{
	Relation	rel;

	if (!IsA(source->statements[n].raw->stmt, AlterTableStmt) ||
		!ConditionalLockRelationOid(relid, AccessShareLock))
		return;
	rel = try_relation_open(relid, NoLock);
	if (rel != NULL)
	{
		foresee(rel, castNode(AlterTableStmt,
							  source->statements[n].raw->stmt),
				by_column, back);
		relation_close(rel, NoLock);
	}
	UnlockRelationOid(relid, AccessShareLock);
}
