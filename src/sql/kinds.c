/*-------------------------------------------------------------------------
 *
 * kinds.c
 *	  What is known of a statement by its kind alone.
 *
 * One row for each kind of statement that the grammar of the server has.  What
 * depends on more than the kind says so, and is decided by who asks.  A kind
 * without a row, of a later server, is expected to do whatever can be done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/lockdefs.h"

#include "compat/parse.h"
#include "compat/repack.h"
#include "sql/kinds.h"

/*
 * What a row does not say is: a transaction block, effects of any kind, no
 * trial, and no flag.
 */
static const PgmStatementKind kinds[] = {
	[T_AlterCollationStmt] = {AccessExclusiveLock},
	[PGM_T_REFRESH_COLLATION] = {AccessExclusiveLock},
	[T_AlterDatabaseSetStmt] = {AccessExclusiveLock},
	[T_AlterDatabaseStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT
	},
	[T_AlterDefaultPrivilegesStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS
	},
	[T_AlterDomainStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.flags = PGM_REACHES_FURTHER
	},
	[T_AlterEnumStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_REACHES_FURTHER
	},
	[T_AlterEventTrigStmt] = {AccessExclusiveLock},
	[T_AlterExtensionContentsStmt] = {AccessExclusiveLock},
	[T_AlterExtensionStmt] = {
		AccessExclusiveLock,
		.flags = PGM_RUNS_CODE
	},
	[T_AlterFdwStmt] = {AccessExclusiveLock},
	[T_AlterForeignServerStmt] = {AccessExclusiveLock},
	[T_AlterFunctionStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_AlterObjectDependsStmt] = {AccessExclusiveLock},
	[T_AlterObjectSchemaStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE_BY_STATEMENT,
		.flags = PGM_REACHES_FURTHER |
		PGM_ONLY_NAMES_CODE
	},
	[T_AlterOpFamilyStmt] = {AccessExclusiveLock},
	[T_AlterOperatorStmt] = {AccessExclusiveLock},
	[T_AlterOwnerStmt] = {AccessExclusiveLock},
	[T_AlterPolicyStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_AlterPublicationStmt] = {ShareUpdateExclusiveLock},
	[T_AlterRoleSetStmt] = {AccessExclusiveLock},
	[T_AlterRoleStmt] = {AccessExclusiveLock},
	[T_AlterSeqStmt] = {
		ShareRowExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE_BY_STATEMENT
	},
	[T_AlterStatsStmt] = {AccessExclusiveLock},
	[T_AlterSubscriptionStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT
	},
	[T_AlterSystemStmt] = {
		AccessExclusiveLock,
		.block = PGM_OUTSIDE_OF_BLOCK
	},
	[T_AlterTSConfigurationStmt] = {AccessExclusiveLock},
	[T_AlterTSDictionaryStmt] = {AccessExclusiveLock},
	[T_AlterTableMoveAllStmt] = {AccessExclusiveLock},
	[T_AlterTableSpaceOptionsStmt] = {AccessExclusiveLock},
	[T_AlterTableStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE_BY_STATEMENT
	},
	[T_AlterTypeStmt] = {
		AccessExclusiveLock,
		.flags = PGM_REACHES_FURTHER
	},
	[T_AlterUserMappingStmt] = {AccessExclusiveLock},
	[T_CallStmt] = {
		AccessExclusiveLock,
		.flags = PGM_RUNS_CODE | PGM_REACHES_FURTHER |
		PGM_MAY_LOOK
	},
	[T_CheckPointStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_ClosePortalStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_ClusterStmt] = {
		PGM_MODE_BY_STATEMENT,
		.block = PGM_BLOCK_BY_STATEMENT,
		.triable = PGM_TRIABLE_BY_STATEMENT,
		.flags = PGM_REACHES_FURTHER
	},
	[T_CommentStmt] = {
		PGM_MODE_BY_STATEMENT,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE_BY_STATEMENT
	},
	[T_CompositeTypeStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_ConstraintsSetStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK | PGM_ONLY_IN_TRANSACTION
	},
	[T_CopyStmt] = {
		RowExclusiveLock,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK |
		PGM_CHANGES_ROWS | PGM_TIMED_BY_ROWS
	},
	[T_CreateAmStmt] = {AccessExclusiveLock},
	[T_CreateCastStmt] = {AccessExclusiveLock,.triable = PGM_TRIABLE},
	[T_CreateConversionStmt] = {AccessExclusiveLock},
	[T_CreateDomainStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_CreateEnumStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_CreateEventTrigStmt] = {AccessExclusiveLock},
	[T_CreateExtensionStmt] = {
		AccessExclusiveLock,
		.flags = PGM_RUNS_CODE
	},
	[T_CreateFdwStmt] = {AccessExclusiveLock},
	[T_CreateForeignServerStmt] = {AccessExclusiveLock},
	[T_CreateForeignTableStmt] = {AccessExclusiveLock},
	[T_CreateFunctionStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_CreateOpClassStmt] = {AccessExclusiveLock,.triable = PGM_TRIABLE},
	[T_CreateOpFamilyStmt] = {AccessExclusiveLock,.triable = PGM_TRIABLE},
	[T_CreatePLangStmt] = {AccessExclusiveLock},
	[T_CreatePolicyStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_CreatePublicationStmt] = {ShareUpdateExclusiveLock},
	[T_CreateRangeStmt] = {
		AccessExclusiveLock,
		.triable = PGM_TRIABLE
	},
	[T_CreateRoleStmt] = {AccessExclusiveLock},
	[T_CreateSchemaStmt] = {
		AccessExclusiveLock,
		.effects = PGM_EFFECTS_BY_STATEMENT,
		.triable = PGM_TRIABLE
	},
	[T_CreateSeqStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_CreateStatsStmt] = {
		ShareUpdateExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_CreateStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_CreateSubscriptionStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT
	},
	[T_CreateTableAsStmt] = {
		AccessExclusiveLock,
		.effects = PGM_EFFECTS_BY_STATEMENT,
		.triable = PGM_TRIABLE_BY_STATEMENT,
		.flags = PGM_MAY_LOOK |
		PGM_TIMED_BY_ROWS
	},
	[T_CreateTableSpaceStmt] = {
		AccessExclusiveLock,
		.block = PGM_OUTSIDE_OF_BLOCK
	},
	[T_CreateTransformStmt] = {AccessExclusiveLock},
	[T_CreateTrigStmt] = {
		ShareRowExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_CreateUserMappingStmt] = {AccessExclusiveLock},
	[T_CreatedbStmt] = {
		AccessExclusiveLock,
		.block = PGM_OUTSIDE_OF_BLOCK
	},
	[T_DeallocateStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_DeclareCursorStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK | PGM_ONLY_IN_TRANSACTION
	},
	[T_DefineStmt] = {
		AccessExclusiveLock,
		.triable = PGM_TRIABLE_BY_STATEMENT
	},
	[T_DeleteStmt] = {
		RowExclusiveLock,
		.effects = PGM_ROW_EFFECTS,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK | PGM_CHANGES_ROWS | PGM_TIMED_BY_ROWS
	},
	[T_DiscardStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT,
		.flags = PGM_MAY_LOOK
	},
	[T_DoStmt] = {
		AccessExclusiveLock,
		.flags = PGM_RUNS_CODE | PGM_REACHES_FURTHER |
		PGM_MAY_LOOK
	},
	[T_DropOwnedStmt] = {
		AccessExclusiveLock,
		.flags = PGM_REACHES_FURTHER
	},
	[T_DropRoleStmt] = {AccessExclusiveLock},
	[T_DropStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT,
		.effects = PGM_EFFECTS_BY_STATEMENT,
		.triable = PGM_TRIABLE_BY_STATEMENT,
		.flags = PGM_REACHES_FURTHER |
		PGM_ONLY_NAMES_CODE
	},
	[T_DropSubscriptionStmt] = {
		AccessExclusiveLock,
		.block = PGM_OUTSIDE_OF_BLOCK
	},
	[T_DropTableSpaceStmt] = {
		AccessExclusiveLock,
		.block = PGM_OUTSIDE_OF_BLOCK
	},
	[T_DropUserMappingStmt] = {AccessExclusiveLock},
	[T_DropdbStmt] = {
		AccessExclusiveLock,
		.block = PGM_OUTSIDE_OF_BLOCK
	},
	[T_ExecuteStmt] = {
		AccessExclusiveLock,
		.flags = PGM_RUNS_CODE | PGM_REACHES_FURTHER |
		PGM_MAY_LOOK
	},
	[T_ExplainStmt] = {
		AccessExclusiveLock,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK
	},
	[T_FetchStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_GrantRoleStmt] = {AccessExclusiveLock},
	[T_GrantStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_NEEDLESS,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_ImportForeignSchemaStmt] = {AccessExclusiveLock},
	[T_IndexStmt] = {
		PGM_MODE_BY_STATEMENT,
		.block = PGM_BLOCK_BY_STATEMENT,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE
	},
	[T_InsertStmt] = {
		RowExclusiveLock,
		.effects = PGM_ROW_EFFECTS,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK | PGM_CHANGES_ROWS | PGM_TIMED_BY_ROWS
	},
	[T_ListenStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_LoadStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_LockStmt] = {
		PGM_MODE_BY_STATEMENT,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK |
		PGM_ONLY_IN_TRANSACTION
	},
	[PGM_T_MERGE] = {
		RowExclusiveLock,
		.effects = PGM_ROW_EFFECTS,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK | PGM_CHANGES_ROWS | PGM_TIMED_BY_ROWS
	},
	[T_NotifyStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_PrepareStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_ReassignOwnedStmt] = {AccessExclusiveLock},
	[T_RefreshMatViewStmt] = {
		PGM_MODE_BY_STATEMENT,
		.triable = PGM_NEEDLESS,
		.flags = PGM_REACHES_FURTHER | PGM_MAY_LOOK
	},
	[T_ReindexStmt] = {
		AccessExclusiveLock,
		.block = PGM_BLOCK_BY_STATEMENT,
		.triable = PGM_TRIABLE_BY_STATEMENT,
		.flags = PGM_REACHES_FURTHER |
		PGM_MAY_LOOK
	},
	[T_RenameStmt] = {
		PGM_MODE_BY_STATEMENT,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE_BY_STATEMENT,
		.flags = PGM_REACHES_FURTHER |
		PGM_ONLY_NAMES_CODE
	},
	[T_ReplicaIdentityStmt] = {AccessExclusiveLock},
	[T_RuleStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_ONLY_NAMES_CODE
	},
	[T_SecLabelStmt] = {
		AccessExclusiveLock,
		.triable = PGM_NEEDLESS
	},
	[T_SelectStmt] = {
		RowShareLock,
		.effects = PGM_ROW_EFFECTS,
		.flags = PGM_REACHES_FURTHER | PGM_MAY_LOOK | PGM_TIMED_BY_ROWS
	},
	[T_TransactionStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_TruncateStmt] = {
		AccessExclusiveLock,
		.effects = PGM_ROW_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_REACHES_FURTHER | PGM_MAY_LOOK
	},
	[T_UnlistenStmt] = {
		AccessExclusiveLock,
		.flags = PGM_MAY_LOOK
	},
	[T_UpdateStmt] = {
		RowExclusiveLock,
		.effects = PGM_ROW_EFFECTS,
		.triable = PGM_NEEDLESS,
		.flags = PGM_MAY_LOOK | PGM_CHANGES_ROWS | PGM_TIMED_BY_ROWS
	},
	[T_VacuumStmt] = {
		PGM_MODE_BY_STATEMENT,
		.block = PGM_BLOCK_BY_STATEMENT,
		.triable = PGM_NEEDLESS,
		.flags = PGM_REACHES_FURTHER | PGM_MAY_LOOK
	},
	[T_VariableSetStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_NEEDLESS
	},
	[T_VariableShowStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.flags = PGM_MAY_LOOK
	},
	[T_ViewStmt] = {
		AccessExclusiveLock,
		.effects = PGM_CATALOG_EFFECTS,
		.triable = PGM_TRIABLE,
		.flags = PGM_ONLY_NAMES_CODE
	},
};

static const PgmStatementKind any_kind = {
	AccessExclusiveLock,
	.flags = PGM_RUNS_CODE | PGM_REACHES_FURTHER | PGM_MAY_LOOK
};

const PgmStatementKind *
pgm_statement_kind(const Node *stmt)
{
	const PgmStatementKind *kind;

	if ((Size) nodeTag(stmt) >= lengthof(kinds))
		return &any_kind;
	kind = &kinds[nodeTag(stmt)];
	return kind->target_mode == NoLock ? &any_kind : kind;
}

bool
pgm_statement_is(const Node *stmt, PgmKindFlag flag)
{
	return (pgm_statement_kind(stmt)->flags & flag) != 0;
}
