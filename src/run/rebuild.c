/*-------------------------------------------------------------------------
 *
 * rebuild.c
 *	  A run that rebuilds one table, with no revision.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/transaction.h"
#include "lint/lint.h"
#include "online/layout.h"
#include "online/shadow_table.h"
#include "run/rebuild.h"
#include "store/ledger.h"
#include "store/run_bracket.h"

typedef struct Rebuild
{
	const PgmRebuildRequest *request;
	char	   *name;
	int64		run;
	int			nheads;
	char	  **heads;
	TimestampTz started;
	int64		clock;
} Rebuild;

/* By which a later call knows what it is to go on with. */
static char *
digest_of(const Rebuild *rebuild)
{
	PgmDigest	digest;

	pgm_digest_init(&digest, "pgmigrate rebuild 1");
	pgm_digest_text(&digest, rebuild->request->definition);
	if (rebuild->request->column_order != NULL)
		pgm_digest_text(&digest, rebuild->request->column_order);
	if (rebuild->request->order_by != NULL)
		pgm_digest_text(&digest,
						psprintf("ORDER BY %s", rebuild->request->order_by));
	return pgm_digest_final(&digest);
}

/* In a transaction: the run. */
static void
begin(Rebuild *rebuild)
{
	PgmRunRecord record = {0};

	rebuild->name = pgm_layout_name(rebuild->request->relid);
	if (rebuild->name == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table with OID %u does not exist", rebuild->request->relid));
	pgm_run_open(PGM_UNTIL_END_OF_SESSION);
	rebuild->heads = pgm_ledger_heads(&rebuild->nheads);
	pgm_run_describe(&record, "rebuild", "worker",
					 rebuild->request->session_role);
	record.target = rebuild->name;
	record.direction = "up";
	record.nheads = rebuild->nheads;
	record.heads = rebuild->heads;
	rebuild->run = pgm_journal_begin(&record);
}

/* They were quoted by us. */
static List *
column_names(const char *quoted)
{
	List	   *result = NIL;
	List	   *names = NIL;
	ListCell   *lc;

	if (quoted == NULL)
		return NIL;
	(void) SplitIdentifierString(pstrdup(quoted), ',', &names);
	foreach(lc, names)
		result = lappend(result, makeString(lfirst(lc)));
	return result;
}

/*
 * Refused as it would be later, with what can be done about it; not while
 * others have locked the table, for this is a look only.
 */
static void
refuse_for_views(const Rebuild *rebuild, const PgmShadowRequest *shadow)
{
	const AlterTableStmt *stmt =
		castNode(AlterTableStmt, shadow->source->statements[0].raw->stmt);
	char	   *reason;
	ListCell   *lc;

	if (!ConditionalLockRelationOid(shadow->relid, AccessShareLock))
		return;
	reason = get_rel_name(shadow->relid) == NULL ? NULL :
		pgm_shadow_refusal(shadow->relid, shadow->source, 0, GetUserId());
	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		char	   *cure = reason == NULL ||
			cmd->subtype != AT_AlterColumnType ? NULL :
			pgm_lint_without_views(shadow->relid, cmd->name,
								   psprintf("SELECT pgmigrate.rebuild(%s, %s)",
											quote_literal_cstr(rebuild->name),
											quote_literal_cstr(rebuild->request->definition)));

		if (cure != NULL)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot change table %s online", rebuild->name),
					errdetail("The reason is that %s.", reason),
					errhint("%s", cure));
	}
}

static void
finish(void *arg)
{
	Rebuild    *rebuild = arg;

	pgm_journal_end(rebuild->run, rebuild->nheads, rebuild->heads);
}

static void
work(void *arg)
{
	Rebuild    *rebuild = arg;
	PgmExec		exec = {0};
	PgmShadowRequest shadow = {0};

	pgm_txn_begin();
	begin(rebuild);
	shadow.digest = digest_of(rebuild);
	pgm_txn_commit_begun();
	if (rebuild->request->accepted != NULL)
		rebuild->request->accepted(rebuild->run);

	exec.worker = true;
	exec.guard = rebuild->request->guard;
	exec.label = "rebuild";
	shadow.exec = &exec;
	shadow.wait = pgm_lockwait_create(&exec);
	shadow.run = rebuild->run;
	shadow.direction = "up";
	shadow.relid = rebuild->request->relid;
	shadow.column_order = column_names(rebuild->request->column_order);
	shadow.order_by = rebuild->request->order_by;
	if (rebuild->request->partitions)
	{
		pgm_txn_begin();
		shadow.partitioning = pgm_source_parse(rebuild->request->definition,
											   PGM_SOURCE_OTHER, NULL);
		pgm_txn_commit();
	}
	else if (rebuild->request->definition != NULL)
	{
		pgm_txn_begin();
		shadow.source =
			pgm_source_parse(psprintf("ALTER TABLE %s%s %s",
									  get_rel_relkind(shadow.relid) ==
									  RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
									  rebuild->name,
									  rebuild->request->definition),
							 PGM_SOURCE_OTHER, NULL);
		pgm_txn_commit();
		if (shadow.source->nstatements != 1)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("definition is more than subcommands of ALTER TABLE"));
		pgm_txn_begin();
		refuse_for_views(rebuild, &shadow);
		pgm_txn_commit();
	}
	(void) pgm_shadow_statement(&shadow);

	pgm_run_end(finish, rebuild);
}

static void
locate(const void *arg, PgmRunPosition *position)
{
	const Rebuild *rebuild = arg;

	position->run = rebuild->run;
	position->started = rebuild->started;
	position->clock = rebuild->clock;
}

void
pgm_rebuild_work(const PgmRebuildRequest *request)
{
	static const PgmRunKind kind = {work, locate, NULL, NULL};
	Rebuild		rebuild = {request};
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate rebuild",
												  ALLOCSET_DEFAULT_SIZES);

	rebuild.started = GetCurrentTimestamp();
	rebuild.clock = pgm_clock_monotonic();
	pgm_run_carry_out(&kind, &rebuild, context);
}
