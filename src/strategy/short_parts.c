/*-------------------------------------------------------------------------
 *
 * short_parts.c
 *	  Parts of an ALTER TABLE that are over at once, whatever the rows; and
 *	  those that are not, and have no other form.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "classify/rewrite_scan.h"
#include "compat/command.h"
#include "compat/constraint.h"
#include "compat/parse.h"
#include "strategy/internal.h"

/* Parts that only change the catalog, as far as they are known. */
bool
pgm_strategy_part_is_short(AlterTableCmd *cmd)
{
	switch (pgm_alter_cmd_type(cmd))
	{
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_DropColumn:
		case AT_DropConstraint:
		case AT_AlterConstraint:
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
		case AT_ReplicaIdentity:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_DropIdentity:
		case AT_SetIdentity:
			return true;
		default:
			return false;
	}
}

/* What is said of a partitioned table only, is for partitions to come. */
bool
pgm_strategy_part_is_long(Oid relid, AlterTableCmd *cmd)
{
	char		persistence = get_rel_persistence(relid);

	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE &&
		!pgm_is_set_expression(cmd))
		return false;

	switch (cmd->subtype)
	{
		case AT_SetLogged:
			return persistence != RELPERSISTENCE_PERMANENT;
		case AT_SetUnLogged:
			return persistence != RELPERSISTENCE_UNLOGGED;
		default:
			if (pgm_is_set_expression(cmd))
			{
				AttrNumber	column = get_attnum(relid, cmd->name);

				/* a statement before it may have to make it first */
				return column != InvalidAttrNumber &&
					get_attgenerated(relid, column) ==
					ATTRIBUTE_GENERATED_STORED;
			}
			return pgm_is_set_access_method(cmd) &&
				pgm_changes_access_method(relid, cmd);
	}
}
