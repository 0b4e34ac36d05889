/*-------------------------------------------------------------------------
 *
 * adopt_drift.c
 *	  A revision of what was changed by hand, recorded as applied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/result_rows.h"
#include "base/settings.h"
#include "diff/generate.h"
#include "run/runner.h"
#include "store/authoring.h"
#include "store/kept_model.h"
#include "store/ledger.h"
#include "store/run_holder.h"
#include "store/schema_record.h"

PG_FUNCTION_INFO_V1(pgmigrate_adopt_drift);

/*
 * It stands on what is applied, not on what is stored: the revisions that are
 * still to be applied come after what was changed by hand already.
 */
static void
store(PgmRevision *revision)
{
	revision->transactional = PGM_UNSET;
	revision->parents = pgm_ledger_heads(&revision->nparents);
	pgm_author_store(revision, true, true);
}

static void
stamp(const char *id)
{
	PgmRunRequest request = {0};

	request.direction = PGM_STAMP;
	request.target = id;
	request.session_role = GetSessionUserId();
	request.guard = GetSessionUserId() != GetUserId() ||
		GetAuthenticatedUserId() != GetUserId();
	(void) pgm_runner_stamp(&request, false);
}

/* What no text is made of must not be recorded with what one is made of. */
static void
refuse_local(char *const *values, void *arg)
{
	if (pgm_schema_is_local(pnstrdup(values[0], strcspn(values[0], " "))))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot adopt the change of %s", values[0]),
				errhint("Write a revision that makes the change, and stamp it; or leave it out with \"pgmigrate.drift_ignore\"."));
}

Datum
pgmigrate_adopt_drift(PG_FUNCTION_ARGS)
{
	PgmRevision revision = {0};
	PgmSchema  *present;
	PgmSchema  *kept;
	List	   *ignored;

	revision.message = pgm_arg_text_not_null(fcinfo, 0, "message");
	revision.id = pgm_arg_text(fcinfo, 1);
	pgm_runner_refuse_read_only();
	pgm_run_await_record();
	pgm_schema_record_refuse_missing();

	/* the setting's check has seen that it can be split */
	(void) SplitGUCList(pstrdup(pgm_drift_ignore), ',', &ignored);
	present = pgm_schema_read_all(GetUserId());
	kept = pgm_schema_kept(present);
	(void) pgm_schema_record_drift(refuse_local, NULL);
	if (!pgm_generate_between(kept, present, ignored,
							  &revision.upgrade, &revision.downgrade))
	{
		ereport(NOTICE,
				errmsg("nothing to do, the schema is as the last run has left it"));
		PG_RETURN_NULL();
	}
	store(&revision);
	stamp(revision.id);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}
