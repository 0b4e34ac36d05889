/*-------------------------------------------------------------------------
 *
 * trial.c
 *	  What a statement really does: run on empty clones, and taken back.
 *
 *	outer subtransaction: clones, effects of the statements so far; rolled
 *	back in the end
 *	   └─ one subtransaction for each statement
 *
 * After each statement the locks it took on relations and objects are read
 * from the lock table and given back, so that the next statement is seen to
 * take them anew: all of them are on clones, which nobody else can see, or
 * ACCESS SHARE.  A rewrite shows as a new file, a scan in the counters of this
 * backend.
 *
 * A statement CONCURRENTLY is tried in its plain form, for its errors and its
 * effect on later statements; its locks are those of the lock table.
 *
 * A statement runs with the rights of the owner of the tables it names if the
 * caller has them, security-restricted, and not at all where that would run
 * the code of another owner, or role, with them; statements that run code,
 * and those that would lock a live relation, are not run at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "assess/left_out.h"
#include "assess/trial.h"
#include "assess/trial_role.h"
#include "assess/type_change.h"
#include "assess/work_seen.h"
#include "base/cancel.h"
#include "base/settings.h"
#include "base/spi.h"
#include "citus/nodes.h"
#include "classify/foreign_code.h"
#include "classify/indirect_locks.h"
#include "classify/rewrite_scan.h"
#include "clone/clone_sql.h"
#include "clone/freed_names.h"
#include "clone/trial_method.h"
#include "clone/trial_scope.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lock/held.h"
#include "sql/relation_names.h"

/* ---- looks at the clones */

static bool
is_table(char relkind)
{
	return relkind == RELKIND_RELATION ||
		relkind == RELKIND_PARTITIONED_TABLE || relkind == RELKIND_MATVIEW;
}

static void
look_at(PgmClone *clone)
{
	clone->filenode = pgm_seen_filenode(clone->clone, &clone->gone);
	if (!clone->gone && is_table(clone->relkind))
		clone->scans = pgm_seen_scans(clone->clone);
}

static void
look_at_all(PgmClones *clones)
{
	HASH_SEQ_STATUS seq;
	PgmClone   *clone;

	hash_seq_init(&seq, clones->by_clone);
	while ((clone = hash_seq_search(&seq)) != NULL)
	{
		if (!clone->gone)
			look_at(clone);
	}
}

static bool
is_index(char relkind)
{
	return relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX;
}

static void
note_change(PgmVerdict *verdict, PgmClone *clone, bool rewritten, bool scanned)
{
	PgmEffect  *effect = pgm_verdict_effect(verdict, clone->live, NoLock);

	effect->tried = true;
	if (rewritten)
		effect->rewrites = PGM_TRUE;
	if (scanned)
		effect->scans = PGM_TRUE;
}

/* An index made again under its name: with its old file, or with a new one? */
static void
note_remade(PgmClones *clones, PgmVerdict *verdict, PgmClone *old,
			Oid filenode)
{
	PgmClone   *now = pgm_clones_renew(clones, old->live);

	if (now == NULL || now == old)
		return;
	look_at(now);
	if (!now->gone && OidIsValid(filenode) && now->filenode != filenode)
		note_change(verdict, old, true, false);
}

/* Nothing happens to a relation that was not locked for it. */
static void
note_changes(PgmClones *clones, PgmVerdict *verdict, List *locked)
{
	ListCell   *lc;

	foreach(lc, locked)
	{
		PgmClone   *clone = lfirst(lc);
		PgmClone	was = *clone;

		if (was.gone)
			continue;
		look_at(clone);
		if (clone->gone)
		{
			if (is_index(clone->relkind))
				note_remade(clones, verdict, clone, was.filenode);
		}
		else if (clone->filenode != was.filenode || clone->scans > was.scans)
			note_change(verdict, clone, clone->filenode != was.filenode,
						clone->scans > was.scans);
	}
}

/* ---- locks into the verdict */

/* OIDs are given in order: what the trial has made comes after its begin. */
static bool
made_in_trial(const PgmTrial *trial, Oid oid)
{
	return (int32) (oid - trial->first_oid) >= 0;
}

static void
note_lock(PgmTrial *trial, PgmVerdict *verdict, const PgmHeld *entry,
		  LOCKMODE mode)
{
	Oid			relid = entry->tag.locktag_field2;
	PgmClone   *clone = pgm_clones_find(trial->clones, relid);
	Oid			namespace;

	if (clone != NULL)
	{
		pgm_verdict_effect(verdict, clone->live, mode)->tried = true;
		return;
	}
	if (relid < FirstNormalObjectId || made_in_trial(trial, relid))
		return;
	namespace = get_rel_namespace(relid);
	if (namespace == PG_TOAST_NAMESPACE || !OidIsValid(namespace))
		return;

	/* of a row type, for as long as it is not in a cache */
	if (mode == AccessShareLock &&
		get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		return;
	if (mode > AccessShareLock &&
		get_rel_persistence(relid) != RELPERSISTENCE_TEMP)
	{
		trial->took_live = true;
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("it takes %s on %s, which is not a part of the trial",
					   pgm_lock_mode_name(mode),
					   quote_qualified_identifier(get_namespace_name(namespace),
												  get_rel_name(relid))));
	}
	pgm_verdict_effect(verdict, relid, mode)->tried = true;
}

/* The clones among what was locked since. */
static List *
locked_clones(PgmTrial *trial, HTAB *before, HTAB *after)
{
	HASH_SEQ_STATUS seq;
	PgmHeld    *entry;
	List	   *locked = NIL;

	hash_seq_init(&seq, after);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		PgmClone   *clone;

		if (entry->tag.locktag_type != LOCKTAG_RELATION ||
			pgm_held_new_modes(before, entry) == 0)
			continue;
		clone = pgm_clones_find(trial->clones, entry->tag.locktag_field2);
		if (clone != NULL)
			locked = lappend(locked, clone);
	}
	return locked;
}

static void
note_locks(PgmTrial *trial, PgmVerdict *verdict, HTAB *before, HTAB *after)
{
	HASH_SEQ_STATUS seq;
	PgmHeld    *entry;

	hash_seq_init(&seq, after);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		LOCKMASK	modes = pgm_held_new_modes(before, entry);
		LOCKMODE	mode = pgm_held_strongest(modes);

		if (mode == NoLock || entry->tag.locktag_field1 != MyDatabaseId)
			continue;
		if (entry->tag.locktag_type == LOCKTAG_RELATION)
			note_lock(trial, verdict, entry, mode);
		else if (mode > AccessShareLock)
			verdict->nobjects++;
		if (entry->tag.locktag_type != LOCKTAG_RELATION &&
			mode > AccessShareLock &&
			!made_in_trial(trial, entry->tag.locktag_field3))
		{
			PgmObject  *object = palloc(sizeof(PgmObject));

			object->classid = entry->tag.locktag_field2;
			object->objid = entry->tag.locktag_field3;
			object->mode = mode;
			verdict->objects = lappend(verdict->objects, object);
		}
	}
}

/*
 * A foreign key that is checked reads both tables; an empty one at the near
 * end makes the server skip the far end.
 */
static void
note_checked_keys(PgmVerdict *verdict)
{
	bool		scans = false;
	ListCell   *lc;

	if (!IsA(verdict->source->statements[verdict->n].raw->stmt,
			 AlterTableStmt))
		return;
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		scans |= effect->tried && effect->scans == PGM_TRUE;
	}
	if (!scans)
		return;
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		Oid			table;
		PgmEffect  *far;

		if (effect->relkind != RELKIND_INDEX || !effect->tried ||
			effect->mode != AccessShareLock)
			continue;
		table = IndexGetRelation(effect->relid, true);
		far = pgm_verdict_find(verdict, table);
		if (far != NULL && far->relkind == RELKIND_RELATION &&
			far->mode >= RowShareLock && !far->subject)
			far->scans = PGM_TRUE;
	}
}

static int
effect_rank(const PgmEffect *effect)
{
	if (effect->named)
		return 0;
	return is_table(effect->relkind) ? 1 : is_index(effect->relkind) ? 3 : 2;
}

/* Named ones first, then tables, indexes last; else by their names. */
static int
compare_effects(const ListCell *a, const ListCell *b)
{
	const PgmEffect *left = lfirst(a);
	const PgmEffect *right = lfirst(b);
	int			result = effect_rank(left) - effect_rank(right);

	if (result == 0 && left->named)
		return left->position - right->position;
	if (result == 0)
		result = strcmp(left->schema ? left->schema : "",
						right->schema ? right->schema : "");
	return result != 0 ? result : strcmp(left->name, right->name);
}

/*
 * Would the trial have seen it?  Foreign keys between tables of different
 * owners may not have been cloned.
 */
static bool
is_known(const PgmTrial *trial, const PgmEffect *effect, Oid role)
{
	if (pgm_sample_is_exact(trial->clones->sample, effect->relid))
		return true;
	return OidIsValid(pgm_clones_of(trial->clones, effect->relid)) &&
		pgm_relation_owner(effect->relid) == role;
}

/* The modes that were guessed give way to those that are seen. */
static void
forget_guesses(PgmTrial *trial, PgmVerdict *verdict)
{
	Oid			role = pgm_trial_role(verdict);
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (OidIsValid(effect->relid) && is_known(trial, effect, role))
			effect->mode = NoLock;
	}
}

/*
 * What the trial has not seen is not so: it corrects what was guessed.  Only
 * a scan that an empty table makes needless stays as it was told, and what is
 * told of a relation that was not cloned.
 */
static void
settle(PgmTrial *trial, PgmVerdict *verdict)
{
	Oid			role = pgm_trial_role(verdict);
	List	   *effects = NIL;
	ListCell   *lc;

	verdict->tried = true;
	verdict->rewrites = PGM_FALSE;
	verdict->scans = PGM_FALSE;
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (!effect->tried && !effect->created_here &&
			is_known(trial, effect, role))
			continue;
		/* without those that could not be cloned */
		if (!list_member_oid(trial->clones->failed, effect->relid))
			pgm_work_deny(effect);
		if (effect->rewrites == PGM_TRUE)
			verdict->rewrites = PGM_TRUE;
		if (effect->scans == PGM_TRUE)
			verdict->scans = PGM_TRUE;
		effect->position = list_length(effects);
		effects = lappend(effects, effect);
	}
	list_sort(effects, compare_effects);
	pgm_verdict_set_effects(verdict, effects);
}

/* A temporary table cannot be made in a restricted operation. */
static bool
makes_temporary(Node *stmt)
{
	const RangeVar *name;

	if (!IsA(stmt, CreateStmt))
		return false;
	name = castNode(CreateStmt, stmt)->relation;
	return name->relpersistence == RELPERSISTENCE_TEMP ||
		(name->schemaname != NULL && strcmp(name->schemaname, "pg_temp") == 0);
}

/*
 * With "plain" it is not the statement itself but what stands for it in a
 * transaction: its locks tell nothing.
 */
static void
run_on_clones(PgmTrial *trial, PgmVerdict *verdict, Node *stmt, bool plain)
{
	HTAB	   *before = pgm_held_read();
	HTAB	   *after;
	List	   *locked;
	List	   *earlier = pgm_seen_earlier(verdict);
	Oid			save_user;
	int			save_sec_context;
	Oid			role = pgm_trial_role(verdict);
	int			guc_level = NewGUCNestLevel();

	(void) set_config_option("client_min_messages", "error",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("session_replication_role", "replica",
							 PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pgm_trial_method_default();
	if (trial->stale)
		look_at_all(trial->clones);
	trial->stale = false;
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(role, save_sec_context |
						   (makes_temporary(stmt) ? 0 :
							SECURITY_RESTRICTED_OPERATION) |
						   SECURITY_LOCAL_USERID_CHANGE);
	if (trial->carries)
		pgm_type_change_aside(trial, stmt);
	pgm_clones_utility(stmt, verdict->source->text);
	SetUserIdAndSecContext(save_user, save_sec_context);
	AtEOXact_GUC(true, guc_level);

	after = pgm_held_read();
	locked = locked_clones(trial, before, after);
	if (plain)
	{
		PgmVerdict	nobodys = {0};

		note_changes(trial->clones, &nobodys, locked);
	}
	else
	{
		forget_guesses(trial, verdict);
		note_locks(trial, verdict, before, after);
		note_changes(trial->clones, verdict, locked);
		note_checked_keys(verdict);
		pgm_note_left_out(trial->clones, verdict);
		pgm_seen_note(earlier);
		settle(trial, verdict);
	}
	pgm_held_release(before, after);
}

/* Messages speak of the live schemas, not of ours. */
static char *
without_clone_schemas(const PgmClones *clones, const char *message)
{
	char	   *result = pstrdup(message);
	ListCell   *lc;

	foreach(lc, clones->namespaces)
	{
		char	   *name = psprintf("%s%u", clones->prefix, lfirst_oid(lc));
		const char *live = get_namespace_name(lfirst_oid(lc));

		result = TextDatumGetCString(DirectFunctionCall3Coll(replace_text,
															 C_COLLATION_OID,
															 CStringGetTextDatum(result),
															 CStringGetTextDatum(name),
															 CStringGetTextDatum(live ? live : "")));
	}
	return result;
}

/*
 * Is an enum value added in the transaction of this statement, before it?  One
 * that a revision before has added is committed by then, here it is not.
 */
static bool
adds_enum_value(const PgmSource *source, int n)
{
	if (source->top_level)
		return false;
	if (!pgm_transaction_per_migration)
		return true;
	for (int i = 0; i < n; i++)
		if (IsA(source->statements[i].raw->stmt, AlterEnumStmt))
			return true;
	return false;
}

void
pgm_trial_note_failure(PgmTrial *trial, PgmVerdict *verdict,
					   const ErrorData *edata)
{
	verdict->reason = without_clone_schemas(trial->clones,
											pgm_type_change_failure(verdict,
																	edata));
	verdict->position = edata->cursorpos;

	/*
	 * Missing objects may be the work of a statement that was not tried, and
	 * missing rights those of a caller who is more than the owner.
	 */
	if (edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		pgm_trial_role(verdict) != GetUserId())
		verdict->sqlerrcode = 0;
	else if (edata->sqlerrcode == ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE &&
			 !adds_enum_value(verdict->source, verdict->n))
		verdict->sqlerrcode = 0;
	else if (edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		verdict->sqlerrcode = 0;	/* the run will wait */
	else if (trial->incomplete || trial->took_live)
		verdict->sqlerrcode = 0;
	else
		verdict->sqlerrcode = edata->sqlerrcode;
	trial->took_live = false;
	trial->incomplete = true;
}

static void
try_on_clones(PgmTrial *trial, PgmVerdict *verdict, Node *stmt, bool plain)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	List	   *effects = pgm_verdict_copy_effects(verdict->effects);
	int			naside = list_length(trial->aside);

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		run_on_clones(trial, verdict, stmt, plain);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(old);
		edata = CopyErrorData();
		if (pgm_error_is_cancel(edata) ||
			edata->sqlerrcode == ERRCODE_INTERNAL_ERROR)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old);
		pgm_verdict_set_effects(verdict, effects);

		/* what this statement put aside is back where it was */
		trial->aside = list_truncate(trial->aside, naside);

		/* a scan is counted even if it is taken back */
		trial->stale = true;
		pgm_trial_note_failure(trial, verdict, edata);
		pgm_type_change_name(trial, verdict, stmt);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* Errors of the form CONCURRENTLY that the plain one does not have. */
static bool
refused_concurrently(PgmVerdict *verdict, Node *stmt)
{
	PgmEffect  *effect = verdict->effects == NIL ? NULL :
		linitial(verdict->effects);

	if (effect == NULL)
		return false;
	if (IsA(stmt, IndexStmt) &&
		effect->relkind == RELKIND_PARTITIONED_TABLE)
	{
		verdict->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
		verdict->reason = psprintf("cannot create index on partitioned table \"%s\" concurrently",
								   effect->name);
	}
	else if (IsA(stmt, AlterTableStmt) &&
			 OidIsValid(pgm_default_partition(effect->relid)))
	{
		verdict->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
		verdict->reason = pstrdup("cannot detach partitions concurrently when a default partition exists");
	}
	return verdict->sqlerrcode != 0;
}

void
pgm_trial_try(PgmTrial *trial, PgmVerdict *verdict, Node *stmt, bool plain)
{
	PgmRedirect redirect;
	Node	   *live = stmt;
	char	   *strange;
	const RoleSpec *new_owner;
	PgmEffect  *subject = verdict->effects == NIL ? NULL :
		linitial(verdict->effects);

	stmt = copyObject(stmt);
	pgm_make_quiet(stmt);
	new_owner = pgm_without_owner(stmt);
	pgm_trial_method_redirect(stmt, subject == NULL ? '\0' :
							  subject->relkind);
	pgm_freed_names(trial->clones, stmt);
	redirect = pgm_clones_redirect(trial->clones, stmt);
	if (redirect == PGM_REDIRECT_DENIED)
	{
		verdict->sqlerrcode = ERRCODE_INSUFFICIENT_PRIVILEGE;
		verdict->reason = psprintf("permission denied for schema %s",
								   trial->clones->denied);
		trial->incomplete = true;
		return;
	}
	if (redirect == PGM_REDIRECT_LIVE)
	{
		verdict->reason = trial->clones->refusal != NULL ?
			psprintf("a relation it names cannot be cloned: %s",
					 without_clone_schemas(trial->clones,
										   trial->clones->refusal)) :
			pstrdup("a relation it names cannot be cloned");
		trial->incomplete = true;
		return;
	}
	strange = pgm_strange_code(live, stmt, pgm_trial_role(verdict),
							   trial->authored);
	if (strange != NULL)
	{
		verdict->reason = psprintf("it may run code of another role: %s",
								   strange);
		trial->incomplete = true;
		return;
	}
	try_on_clones(trial, verdict, stmt, plain);
	if (new_owner != NULL && verdict->tried && subject != NULL)
		pgm_reach_owned(verdict, subject->relid, new_owner);
}

void
pgm_trial_run(PgmTrial *trial, PgmVerdict *verdict)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	const char *reason;
	PgmTriable	may = pgm_triable(stmt, &reason);
	Node	   *plain = NULL;

	/* a query that does nothing need not be run */
	if (IsA(stmt, SelectStmt) && (!verdict->opaque || verdict->plain))
		may = PGM_NEEDLESS;
	if (may == PGM_TRIABLE &&
		(verdict->top_level || IsA(stmt, CreateTableAsStmt)))
	{
		plain = pgm_plain_form(stmt);
		if (plain == NULL)
			may = PGM_NOT_TRIABLE;
		reason = "it cannot run inside a transaction block";
	}
	if (trial->off)
		reason = trial->why;
	if (may != PGM_TRIABLE || trial->off)
	{
		verdict->reason = may == PGM_NEEDLESS ? NULL : pstrdup(reason);
		verdict->by_kind = may == PGM_NOT_TRIABLE && !trial->off;
		if (may == PGM_NOT_TRIABLE)
			trial->incomplete = true;
		return;
	}
	if (pgm_trial_runs_foreign_code(verdict, stmt))
	{
		verdict->reason = pstrdup("it would evaluate expressions of another owner");
		trial->incomplete = true;
	}
	else if (verdict->top_level && refused_concurrently(verdict, stmt))
		trial->incomplete = true;
	else
		pgm_trial_try(trial, verdict, plain ? plain : stmt, plain != NULL);
}

/* ---- begin and end */

typedef struct Want
{
	PgmClones  *clones;
	Node	   *stmt;
	bool		entire;
} Want;

static bool
want_name(RangeVar *name, PgmNameRole role, void *arg)
{
	Want	   *want = arg;
	Oid			relid = pgm_lookup_relation(name);

	if (OidIsValid(relid) && role != PGM_NAME_READ)
		pgm_clones_want(want->clones, relid, want->stmt, want->entire);
	return false;
}

static void
want_tables(PgmTrial *trial, List *sources)
{
	ListCell   *lc;

	foreach(lc, sources)
	{
		PgmSource  *source = lfirst(lc);
		int			guc_level = NewGUCNestLevel();

		for (int i = 0; i < source->nstatements; i++)
		{
			const char *reason;
			Node	   *stmt = source->statements[i].raw->stmt;

			pgm_source_follow(source, i);
			if (pgm_triable(stmt, &reason) == PGM_TRIABLE)
			{
				Want		want = {trial->clones, stmt};

				want.entire = !pgm_parts_learn(&trial->clones->parts, stmt,
											   pgm_statement_text(source, i));
				pgm_names_visit(stmt, want_name, &want);
			}
		}
		AtEOXact_GUC(false, guc_level);
	}
}

PgmTrial *
pgm_trial_begin(List *sources, bool whole)
{
	PgmTrial   *trial = palloc0(sizeof(PgmTrial));
	HTAB	   *before;

	trial->context = CurrentMemoryContext;
	trial->clones = pgm_clones_new();
	trial->clones->parts.whole = whole;
	if (RecoveryInProgress() || XactReadOnly)
	{
		trial->off = true;
		trial->why = pstrdup("nothing can be tried in a read-only transaction");
		return trial;
	}
	want_tables(trial, sources);
	trial->first_oid = GetNewObjectId();
	before = pgm_held_read();
	BeginInternalSubTransaction("pgmigrate trial");
	MemoryContextSwitchTo(trial->context);
	pgm_trial_method_allow();
	pgm_citus_keep_local();
	pgm_clones_build(trial->clones);
	pgm_held_release(before, pgm_held_read());
	trial->stale = true;
	return trial;
}

void
pgm_trial_end(PgmTrial *trial)
{
	if (RecoveryInProgress() || XactReadOnly)
		return;
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(trial->context);
}
