/*-------------------------------------------------------------------------
 *
 * load_sample.c
 *	  Put a sample of rows into the tables of the scratch database.
 *
 * The rows were in such tables before, so that neither triggers nor checks are
 * to see them again: they go into the table as they are, and its indexes are
 * built anew.  That runs what the owner of a table has written in types and
 * expressions of indexes, as him and under the restrictions for code of
 * others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "executor/tuptable.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "process/report.h"
#include "rehearse/internal.h"
#include "rehearse/sample.h"
#include "schema/model.h"

/* How a value of the message becomes one of a column. */
typedef struct Input
{
	AttrNumber	attnum;
	FmgrInfo	function;
	Oid			param;
	int32		typmod;
} Input;

/* Until the end of the transaction at the latest. */
typedef struct OwnerScope
{
	Oid			user;
	int			sec_context;
} OwnerScope;

static void
become_owner(OwnerScope *scope, Relation rel)
{
	GetUserIdAndSecContext(&scope->user, &scope->sec_context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, scope->sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
}

static void
leave_owner(const OwnerScope *scope)
{
	SetUserIdAndSecContext(scope->user, scope->sec_context);
}

/* A domain whose constraint is not validated takes what was there. */
static void
find_input(Relation rel, const char *column, Input *input)
{
	Form_pg_attribute att;
	Oid			type;
	Oid			function;

	input->attnum = get_attnum(RelationGetRelid(rel), column);
	if (input->attnum == InvalidAttrNumber)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("column \"%s\" of relation \"%s\" does not exist",
					   column, RelationGetRelationName(rel)));
	att = TupleDescAttr(RelationGetDescr(rel), input->attnum - 1);
	input->typmod = att->atttypmod;
	type = getBaseTypeAndTypmod(att->atttypid, &input->typmod);
	getTypeInputInfo(type, &function, &input->param);
	fmgr_info(function, &input->function);
}

static void
load_row(Relation rel, TupleTableSlot *slot, int ncolumns, Input *inputs,
		 StringInfo message)
{
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < ncolumns; i++)
	{
		char	   *text = pgm_rehearse_get_optional(message);
		int			n = inputs[i].attnum - 1;

		if (text == NULL)
			continue;
		slot->tts_values[n] = InputFunctionCall(&inputs[i].function, text,
												inputs[i].param,
												inputs[i].typmod);
		slot->tts_isnull[n] = false;
	}
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_insert(rel, slot);
}

static int64
load_rows(Relation rel, StringInfo message)
{
	int			ncolumns = pq_getmsgint(message, 4);
	Input	   *inputs = palloc(sizeof(Input) * (ncolumns + 1));
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate sample row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	int64		rows = 0;

	for (int i = 0; i < ncolumns; i++)
		find_input(rel, pgm_scratch_get_text(message), &inputs[i]);
	old = MemoryContextSwitchTo(context);
	while (pq_getmsgbyte(message) != 0)
	{
		pgm_process_check_cancel();
		load_row(rel, slot, ncolumns, inputs, message);
		rows++;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(slot);
	return rows;
}

static void
load_context(void *arg)
{
	errcontext("copying a sample of rows of %s", (char *) arg);
}

static void
load_table(StringInfo message)
{
	char	   *schema = pgm_scratch_get_text(message);
	char	   *name = pgm_scratch_get_text(message);
	Relation	rel = table_openrv(makeRangeVar(schema, name, -1),
								   AccessExclusiveLock);
	ErrorContextCallback callback;
	OwnerScope	scope;

	name = quote_qualified_identifier(schema, name);
	callback.callback = load_context;
	callback.arg = name;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	become_owner(&scope, rel);
	heap_truncate_one_rel(rel);
	if (load_rows(rel, message) > 0)
	{
		CommandCounterIncrement();
		relation_close(rel, NoLock);
		pgm_spi_utility(psprintf("REINDEX TABLE %s", name));
	}
	else
		relation_close(rel, NoLock);
	leave_owner(&scope);
	error_context_stack = callback.previous;
}

static void
load_sequence(StringInfo message)
{
	char	   *schema = pgm_scratch_get_text(message);
	char	   *name = pgm_scratch_get_text(message);
	int64		value = pq_getmsgint64(message);
	Relation	rel = relation_openrv(makeRangeVar(schema, name, -1),
									  RowExclusiveLock);
	OwnerScope	scope;

	become_owner(&scope, rel);
	DirectFunctionCall2(setval_oid, ObjectIdGetDatum(RelationGetRelid(rel)),
						Int64GetDatum(value));
	leave_owner(&scope);
	relation_close(rel, NoLock);
}

void
pgm_rehearse_load_sample(StringInfo message)
{
	int			guc_level;

	pgm_txn_begin_block();
	guc_level = NewGUCNestLevel();
	pgm_schema_pin_settings();
	PushActiveSnapshot(GetTransactionSnapshot());
	while (pq_getmsgbyte(message) != 0)
		load_table(message);
	while (pq_getmsgbyte(message) != 0)
		load_sequence(message);
	PopActiveSnapshot();
	AtEOXact_GUC(false, guc_level);
	pgm_txn_commit();
}
