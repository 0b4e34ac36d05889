/*-------------------------------------------------------------------------
 *
 * afterwards.c
 *	  Go back from an operation, or make it final.
 *
 * Partitions that were switched together go back together.
 *
 * An operation that a restore has brought from another cluster is not looked
 * for here, where its OIDs are those of other tables: it can be forgotten.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "online/column_since.h"
#include "online/internal.h"
#include "online/kept_internal.h"
#include "online/leftover.h"
#include "online/sequences.h"
#include "online/since.h"
#include "online/with_locks.h"
#include "store/run_lock.h"

/* What would drop the columns of operation $1 that a restore has left. */
static PgmQuery left_query = {
	"SELECT format('ALTER TABLE %I.%I DROP COLUMN %I', n.nspname, c.relname, "
	"a.attname) FROM pgmigrate.operation o "
	"JOIN pg_namespace n ON n.nspname = o.schema_name "
	"JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = o.relation_name "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped "
	"AND a.attname ~ format('^pgmigrate_%s_[0-9]+$', o.id) "
	"WHERE o.id = $1 AND o.method = 'column' "
	"AND (o.system_identifier <> pgmigrate.system_identifier() "
	"OR NOT EXISTS (SELECT FROM pg_class x WHERE x.oid = o.relid)) "
	"ORDER BY a.attnum",
	1, {INT8OID}
};

/*
 * A restore has the columns, and not the trigger.  They are told by their
 * names only, so that to drop them is for the user.
 */
static void
warn_of_left_columns(const PgmOperation *operation)
{
	Datum		values[1] = {Int64GetDatum(operation->id)};
	ListCell   *lc;

	foreach(lc, pgm_spi_texts(&left_query, values))
		ereport(WARNING,
				errmsg("operation " INT64_FORMAT " has left a column in table \"%s\"",
					   operation->id, operation->relation),
				errdetail("A restore brings no trigger that writes to it, and an INSERT without names of columns writes to it what is meant for another one."),
				errhint("Drop it, unless you have made it yourself: %s", (char *) lfirst(lc)));
}

/* It ends as if it had been dealt with; no table is touched. */
static const char *
forget(const PgmExec *exec, int64 id)
{
	PgmOperation *operation = pgm_operation_lock(id);
	bool		over = operation->state == PGM_OPERATION_FINALIZED ||
		operation->state == PGM_OPERATION_REVERTED ||
		operation->state == PGM_OPERATION_CANCELLED;

	if (!over)
		pgm_operation_set_state(operation,
								operation->state == PGM_OPERATION_SWITCHED ?
								PGM_OPERATION_FINALIZED :
								PGM_OPERATION_CANCELLED, NULL);
	if (!over)
		warn_of_left_columns(operation);
	if (exec->worker)
		pgm_txn_commit();
	return over ? NULL : "forgotten";
}

static void
refuse_elsewhere(int64 id)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("cannot revert operation " INT64_FORMAT, id),
			errdetail("It was carried out in another cluster; a restore has brought its row here."),
			errhint("Use pgmigrate.finalize(" INT64_FORMAT ") to forget it; no table is touched.",
					id));
}

void
pgm_shadow_refuse_finalized(const PgmOperation *operation)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("operation " INT64_FORMAT " is finalized", operation->id),
			errhint("What it kept for the way back is gone; change the table once more."));
}

void
pgm_shadow_refuse_unswitched(const PgmOperation *operation)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("operation " INT64_FORMAT " is not switched",
				   operation->id),
			errdetail("It is %s.",
					  pgm_operation_state_name(operation->state)));
}

static void
check_owner(const PgmOperation *operation)
{
	if (get_rel_name(operation->relid) != NULL)
		pgm_shadow_check_owner(operation->relid);
}

static PgmShadow *
open_one(const PgmShadowRequest *request, int64 id)
{
	PgmShadow  *shadow = palloc0(sizeof(PgmShadow));
	PgmOperation *operation = pgm_operation_lock(id);

	if (operation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("operation " INT64_FORMAT " does not exist", id),
				errhint("View \"%s\" has the operations of this database.",
						"pgmigrate.operations"));
	if (operation->method == PGM_METHOD_IN_PLACE)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("operation " INT64_FORMAT " has nothing to go back to",
					   id));
	pgm_shadow_init(shadow, request, operation->relid);
	shadow->operation = operation;
	shadow->root = pgm_shadow_root(operation);
	shadow->family = list_make1(shadow);
	check_owner(operation);
	pgm_shadow_load(shadow);
	return shadow;
}

static PgmShadow *
open_operation(PgmShadowRequest *request, const PgmExec *exec, int64 id)
{
	PgmShadow  *shadow;

	request->exec = exec;
	request->wait = pgm_lockwait_create(exec);
	shadow = open_one(request, id);
	request->run = shadow->operation->run;
	request->relid = shadow->operation->relid;
	return shadow;
}

/* All that are, or are to be, switched with the one that was asked for. */
static void
open_family(PgmShadow *shadow)
{
	List	   *family = NIL;
	ListCell   *lc;

	foreach(lc, shadow->operation->state == PGM_OPERATION_SWITCHED ?
			pgm_shadow_family(shadow->operation) :
			pgm_operations_unfinished(shadow->operation->revision))
	{
		const PgmOperation *operation = lfirst(lc);

		if (!pgm_shadow_are_one(operation, shadow->operation))
			continue;
		family = lappend(family, operation->id == shadow->operation->id ?
						 shadow : open_one(shadow->request, operation->id));
	}
	foreach(lc, family)
		((PgmShadow *) lfirst(lc))->family = family;
}

/* With the locks: meanwhile another owner may have got a table. */
static void
check_family_owner(const PgmShadow *shadow)
{
	ListCell   *lc;

	foreach(lc, shadow->family)
		check_owner(((PgmShadow *) lfirst(lc))->operation);
}

static void
revert_locked(PgmShadow *shadow, void *arg)
{
	ListCell   *lc;

	check_family_owner(shadow);
	if (!pgm_shadow_is_whole(shadow))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot revert operation " INT64_FORMAT,
					   shadow->operation->id),
				shadow->nroots > 1 ?
				errdetail("One of the tables that were switched together is finalized.") :
				errdetail("The partitions of table \"%s\" are not the ones that were switched together, or one of them is finalized.",
						  get_rel_name(shadow->root)));
	pgm_shadow_switch_back(shadow, *(bool *) arg);
	foreach(lc, shadow->family)
	{
		PgmShadow  *member = lfirst(lc);
		bool		left = pgm_leftover_keep(member);

		if (!left)
			pgm_shadow_clear(member);
		pgm_operation_set_state(member->operation, PGM_OPERATION_REVERTED,
								left ? "dropping the copy" : NULL);
	}
	pgm_shadow_completed(shadow->request);
}

static void
cancel_locked(PgmShadow *shadow, void *arg)
{
	ListCell   *lc;

	check_family_owner(shadow);
	foreach(lc, shadow->family)
	{
		pgm_shadow_clear(lfirst(lc));
		pgm_operation_set_state(((PgmShadow *) lfirst(lc))->operation,
								PGM_OPERATION_CANCELLED, NULL);
	}
}

static void
finalize_locked(PgmShadow *shadow, void *arg)
{
	check_family_owner(shadow);
	warn_of_left_columns(shadow->operation);
	pgm_shadow_clear(shadow);
	pgm_operation_set_state(shadow->operation, PGM_OPERATION_FINALIZED, NULL);
}

/* What would take its time under the lock. */
static void
look_ahead(PgmShadow *shadow)
{
	ListCell   *lc;

	if (shadow->request->exec->worker)
	{
		pgm_lockwait_begin(shadow->request->wait, shadow->request->revision);
		if (pgm_is_column(shadow))
			pgm_column_build_since(shadow);
		else
			foreach(lc, shadow->family)
				pgm_since_build_indexes(lfirst(lc));
	}
	if (shadow->request->exec->worker)
		pgm_txn_begin();
	pgm_shadow_look_at_sequences(shadow);
	pgm_shadow_look_at_reach(shadow);
	if (shadow->request->exec->worker)
		pgm_txn_commit();
}

const char *
pgm_shadow_revert(const PgmShadowRequest *asked, int64 id, bool without_unfit)
{
	const PgmExec *exec = asked->exec;
	PgmShadowRequest request = {0};
	PgmOperation *operation;
	PgmShadow  *shadow;

	if (exec->worker)
		pgm_txn_begin();
	operation = pgm_operation_get(id);
	if (operation != NULL && operation->elsewhere)
		refuse_elsewhere(id);
	if (operation != NULL && pgm_is_kept(operation))
		return pgm_kept_revert(asked, id, without_unfit);
	shadow = open_operation(&request, exec, id);
	if (exec->worker)
		pgm_txn_commit();
	switch (shadow->operation->state)
	{
		case PGM_OPERATION_FINALIZED:
			pgm_shadow_refuse_finalized(shadow->operation);
			break;
		case PGM_OPERATION_REVERTED:
		case PGM_OPERATION_CANCELLED:
			return NULL;
		case PGM_OPERATION_SWITCHED:
			if (exec->worker)
				pgm_txn_begin();
			open_family(shadow);
			if (exec->worker)
				pgm_txn_commit();
			if (pgm_shadow_no_way_back(shadow->family) != NULL)
				ereport(ERROR,
						errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("operation " INT64_FORMAT " cannot be reverted",
							   id),
						errdetail("The reason is that %s.",
								  pgm_shadow_no_way_back(shadow->family)));
			if (asked->run != 0)
				request.run = asked->run;
			request.source = asked->source;
			request.n = asked->n;
			request.last = asked->last;
			request.completed = asked->completed;
			request.completed_arg = asked->completed_arg;
			look_ahead(shadow);
			shadow->exchanges = true;
			pgm_shadow_locked(shadow, AccessExclusiveLock, true,
							  revert_locked, &without_unfit);
			if (exec->worker)
				pgm_shadow_note_held(shadow, "back_held");
			return "reverted";
		default:
			pgm_run_lock(PGM_UNTIL_END_OF_TRANSACTION);
			open_family(shadow);
			shadow->together = true;
			pgm_shadow_locked(shadow, AccessExclusiveLock, false,
							  cancel_locked, NULL);
			return "cancelled";
	}
	return NULL;				/* keep compiler quiet */
}

const char *
pgm_shadow_finalize(const PgmExec *exec, int64 id)
{
	PgmShadowRequest request = {0};
	PgmOperation *operation;
	PgmShadow  *shadow;

	if (exec->worker)
		pgm_txn_begin();
	operation = pgm_operation_get(id);
	if (operation != NULL && operation->elsewhere)
		return forget(exec, id);
	if (operation != NULL && pgm_is_kept(operation))
		return pgm_kept_finalize(exec, id);
	if (operation != NULL && pgm_is_leftover(operation))
		return pgm_leftover_drop(exec, id);
	shadow = open_operation(&request, exec, id);
	if (exec->worker)
		pgm_txn_commit();
	if (shadow->operation->state == PGM_OPERATION_FINALIZED)
		return NULL;
	if (shadow->operation->state != PGM_OPERATION_SWITCHED)
		pgm_shadow_refuse_unswitched(shadow->operation);
	pgm_shadow_locked(shadow, AccessExclusiveLock, false, finalize_locked,
					  NULL);
	return "finalized";
}

void
pgm_shadow_warn_unfinalized(const PgmOperation *operation,
							const ErrorData *edata)
{
	ereport(WARNING,
			errmsg("operation " INT64_FORMAT " on table \"%s\" is not finalized",
				   operation->id, operation->relation),
			errdetail_internal("%s", edata->detail != NULL ? edata->detail :
							   edata->message),
			edata->hint != NULL ? errhint("%s", edata->hint) : 0);
}
