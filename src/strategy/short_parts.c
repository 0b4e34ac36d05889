/*-------------------------------------------------------------------------
 *
 * short_parts.c
 *	  Parts of an ALTER TABLE that are over at once, whatever the rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat/command.h"
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
