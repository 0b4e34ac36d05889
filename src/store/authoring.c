/*-------------------------------------------------------------------------
 *
 * authoring.c
 *	  What may be stored as a revision, changed and removed.
 *
 * A revision is refused when it is stored, not when it runs: SQL that does not
 * parse or that no run could carry out, names that cannot be told apart, edges
 * that lead nowhere.  Parents and dependencies must be stored before, so no
 * cycle can come into being here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/digest.h"
#include "base/printable.h"
#include "base/sqlstate.h"
#include "sql/statements.h"
#include "store/authoring.h"
#include "store/authors.h"
#include "store/content.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/begun_statement.h"
#include "store/revision_change.h"
#include "store/run_lock.h"
#include "store/run_plan.h"

/* A label is a name for people: more of them are of no use. */
#define PGM_LABELS_MAX 100

/* Digits of the digest that make an id. */
#define PGM_ID_DIGITS 12

static void
check_writable(void)
{
	pgm_ledger_refuse_recovery();
	if (XactReadOnly)
		ereport(ERROR,
				errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				errmsg("cannot change revisions in a read-only transaction"),
				DefaultXactReadOnly ?
				errhint("Set \"default_transaction_read_only\" to off for this session.") : 0);
}

/* Check one text; does it have a statement that needs the top level? */
static bool
check_sql(const char *text, PgmSourceKind kind, const char *id,
		  PgmTristate transactional)
{
	static const char *const names[] = {
		[PGM_SOURCE_UPGRADE] = "upgrade",
		[PGM_SOURCE_DOWNGRADE] = "downgrade",
		[PGM_SOURCE_VERIFY] = "verify",
	};
	PgmSource  *source;

	pgm_source_check_size(text, names[kind]);
	source = pgm_source_parse(text, kind, id);
	pgm_source_check(source, kind, kind != PGM_SOURCE_VERIFY &&
					 (source->top_level || transactional == PGM_FALSE));
	if (kind == PGM_SOURCE_VERIFY && source->nstatements == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("verify SQL is empty"),
				errhint("Pass NULL for a revision without verification."));
	return source->top_level;
}

static void
check_texts(const PgmRevision *revision, bool is_merge)
{
	bool		top_level;

	if (pgm_text_is_blank(revision->message))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("message of the revision is empty"),
				errhint("Say in a few words what the revision does."));
	if (strlen(revision->message) > PGM_MESSAGE_MAX)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("message of the revision is too long"),
				errdetail("It has %zu bytes; at most %d are allowed.",
						  strlen(revision->message), PGM_MESSAGE_MAX),
				errhint("Say the rest in a comment of the SQL."));
	if (!is_merge && pgm_text_is_blank(revision->upgrade))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("upgrade SQL is empty"),
				errhint("A revision that does nothing on purpose has a comment that says so."));

	top_level = check_sql(revision->upgrade, PGM_SOURCE_UPGRADE, revision->id,
						  revision->transactional);
	if (revision->downgrade != NULL)
		top_level |= check_sql(revision->downgrade, PGM_SOURCE_DOWNGRADE,
							   revision->id, revision->transactional);
	if (revision->verify != NULL)
		check_sql(revision->verify, PGM_SOURCE_VERIFY, revision->id,
				  revision->transactional);
	if (revision->transactional == PGM_TRUE && top_level)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("revision has a statement that cannot run inside a transaction block"),
				errhint("Leave \"transactional\" null, or move the statement to a revision of its own."));
}

char *
pgm_revision_digest(const char *upgrade, const char *downgrade,
					const char *verify, PgmTristate transactional)
{
	PgmDigest	digest;

	pgm_digest_init(&digest, "revision");
	pgm_digest_text(&digest, upgrade);
	pgm_digest_text(&digest, downgrade);
	pgm_digest_text(&digest, verify);
	pgm_digest_text(&digest, transactional == PGM_UNSET ? NULL :
					transactional == PGM_TRUE ? "true" : "false");
	return pgm_digest_final(&digest);
}

/*
 * Content and place in the graph, so that the same revision loaded into two
 * databases has the same id, and the same SQL at another place another.
 */
char *
pgm_author_id(const PgmRevision *revision)
{
	PgmDigest	digest;
	char	   *id;

	pgm_digest_init(&digest, "id");
	pgm_digest_text(&digest, revision->message);
	pgm_digest_text(&digest, pgm_content_digest(revision->upgrade,
												revision->downgrade,
												revision->verify,
												revision->transactional));
	pgm_digest_array(&digest, revision->nparents, revision->parents);
	pgm_digest_array(&digest, revision->ndepends, revision->depends);
	pgm_digest_array(&digest, revision->nlabels, revision->labels);
	id = pgm_digest_final(&digest);
	id[PGM_ID_DIGITS] = '\0';
	return id;
}

static void
check_name(const char *name, const char *what)
{
	PgmGraphError error = {PGM_GRAPH_OK};
	char	   *revision;

	if (!pgm_graph_check_id(name, what, &error))
		pgm_graph_raise(&error);
	if (pgm_revision_name_used(name, &revision))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				strcmp(name, revision) == 0 ?
				errmsg("revision \"%s\" already exists", name) :
				errmsg("branch label \"%s\" is already used by revision \"%s\"",
					   name, revision),
				errdetail("Identifiers and labels of stored revisions share one space of names."),
				errhint("Choose another name, or change the stored revision with pgmigrate.amend()."));
}

static void
check_names(const PgmRevision *revision)
{
	if (revision->nlabels > PGM_LABELS_MAX)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("revision has too many branch labels"),
				errdetail("It has %d; at most %d are allowed.",
						  revision->nlabels, PGM_LABELS_MAX),
				errhint("A label names the branch that begins here; one is enough."));
	check_name(revision->id, "revision identifier");
	for (int i = 0; i < revision->nlabels; i++)
	{
		check_name(revision->labels[i], "branch label");
		if (strcmp(revision->labels[i], revision->id) == 0)
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("branch label \"%s\" is the identifier of its revision",
						   revision->labels[i]),
					errhint("Choose another label, or leave it out."));
		for (int j = 0; j < i; j++)
			if (strcmp(revision->labels[i], revision->labels[j]) == 0)
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("branch label \"%s\" is given twice",
							   revision->labels[i]),
						errhint("Give it once."));
	}
}

/*
 * Targets to ids.  Ids of stored revisions, the usual case, are looked up one
 * by one; for anything else the graph is loaded, once.
 */
static char **
resolve(int n, char **targets, int *nresolved, PgmPlan **plan)
{
	char	  **ids = palloc(sizeof(char *) * Max(n, 1));
	int			nids = 0;

	for (int i = 0; i < n; i++)
	{
		PgmGraphError error = {PGM_GRAPH_OK};
		PgmRevSet	set;
		char	   *revision;

		if (pgm_revision_name_used(targets[i], &revision))
		{
			ids = repalloc(ids, sizeof(char *) * (nids + 1 + n));
			ids[nids++] = revision;
			continue;
		}
		if (*plan == NULL)
			*plan = pgm_plan_load();
		if (!pgm_graph_resolve((*plan)->graph, (*plan)->rows, targets[i],
							   &set, &error))
			pgm_graph_raise(&error);
		ids = repalloc(ids, sizeof(char *) * (nids + set.n + n));
		for (int j = 0; j < set.n; j++)
			ids[nids++] = unconstify(char *, pgm_graph_id((*plan)->graph,
														  set.rev[j]));
	}

	for (int i = 0; i < nids; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(ids[i], ids[j]) == 0)
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("revision \"%s\" is given twice", ids[i]),
						errhint("Give it once."));
	*nresolved = nids;
	return ids;
}

static void
use_only_head(PgmRevision *revision)
{
	revision->parents = pgm_revision_heads(&revision->nparents);
	if (revision->nparents > 1)
		ereport(ERROR,
				errcode(ERRCODE_AMBIGUOUS_ALIAS),
				errmsg("there are several heads"),
				errdetail("They are \"%s\", \"%s\"%s", revision->parents[0],
						  revision->parents[1],
						  revision->nparents > 2 ? " and others." : "."),
				errhint("Name the parent with down_revision, or join them first with pgmigrate.merge()."));
	revision->only_head = true;
}

static void
check_parents_are_heads(const PgmRevision *revision)
{
	for (int i = 0; i < revision->nparents; i++)
		if (!pgm_revision_is_head(revision->parents[i]))
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("revision \"%s\" is not a head", revision->parents[i]),
					errhint("Pass splice => true to begin a new branch there."));
}

/* Does it replace the only head, where that is known without a search? */
static bool
replaces_only_head(const PgmRevision *revision)
{
	char	   *only_head;

	if (revision->nparents != 1)
		return false;
	only_head = pgm_revision_only_head();
	return only_head != NULL && strcmp(only_head, revision->parents[0]) == 0;
}

static void
store(PgmRevision *revision, bool is_merge)
{
	revision->message = pgm_printable(revision->message);
	check_texts(revision, is_merge);
	if (revision->id == NULL)
		revision->id = pgm_author_id(revision);
	check_names(revision);
	if (!OidIsValid(revision->author_role))
		revision->author_role = GetUserId();
	revision->author = GetUserNameFromId(revision->author_role, false);
	if (!revision->only_head && revision->template_id == NULL)
		revision->only_head = replaces_only_head(revision);
	pgm_revision_insert(revision);
}

/* A head that stands on it cannot be what it stands on. */
static void
refuse_unknown_parents(const char *id, const char *child)
{
	ereport(ERROR,
			errcode(PGM_ERRCODE_BROKEN_GRAPH),
			errmsg("revision \"%s\" must be given its parents", id),
			child != NULL ?
			errdetail("Revision \"%s\" has it as a parent, so it was stored before and its row was lost.",
					  child) :
			errdetail("It is recorded as applied, before a head of today was, so it was stored before and its row was lost."),
			errhint("Pass down_revision, the empty array for none."));
}

void
pgm_author_store(PgmRevision *revision, bool parents_given, bool splice)
{
	PgmPlan    *plan = NULL;
	char	   *child = NULL;

	check_writable();
	pgm_revision_lock_store();
	if (revision->id != NULL)
		child = pgm_revision_child_of_lost(revision->id, !parents_given);
	if (!parents_given && revision->id != NULL &&
		(child != NULL || pgm_ledger_was_before_heads(revision->id)))
		refuse_unknown_parents(revision->id, child);
	if (!parents_given)
		use_only_head(revision);
	else
	{
		revision->parents = resolve(revision->nparents, revision->parents,
									&revision->nparents, &plan);
		if (!splice && child == NULL)
			check_parents_are_heads(revision);
	}
	revision->depends = resolve(revision->ndepends, revision->depends,
								&revision->ndepends, &plan);
	store(revision, false);
	if (child != NULL)
		pgm_revision_unhead(revision->id);
}

void
pgm_author_lock(void)
{
	check_writable();
	pgm_revision_lock_store();
}

void
pgm_author_store_made(PgmRevision *revision)
{
	store(revision, revision->nparents > 1);
}

void
pgm_author_merge(PgmRevision *revision)
{
	PgmPlan    *plan = NULL;
	int			ngiven = revision->nparents;

	check_writable();
	pgm_revision_lock_store();
	if (revision->nparents == 1 && strcmp(revision->parents[0], "heads") == 0)
	{
		revision->parents = pgm_revision_heads(&revision->nparents);
		revision->only_head = true;
	}
	else
		revision->parents = resolve(revision->nparents, revision->parents,
									&revision->nparents, &plan);
	if (revision->nparents < 2)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a merge needs at least two revisions"),
				revision->only_head ?
				errdetail_plural("There is %d head.", "There are %d heads.",
								 revision->nparents, revision->nparents) :
				errdetail_plural("%d was given.", "%d were given.",
								 ngiven, ngiven),
				errhint("Name the revisions to join, as in merge('{one,other}')."));
	if (revision->message == NULL)
	{
		StringInfoData message;

		initStringInfo(&message);
		appendStringInfoString(&message, "merge ");
		for (int i = 0; i < revision->nparents; i++)
			appendStringInfo(&message, "%s%s", i == 0 ? "" :
							 i == revision->nparents - 1 ? " and " : ", ",
							 revision->parents[i]);
		revision->message = pgm_text_cut(message.data, PGM_MESSAGE_MAX);
	}
	store(revision, true);
}

PgmRevision *
pgm_author_look(const char *target, const char **id)
{
	PgmRevision *revision = pgm_revision_get(target);
	PgmPlan    *plan;
	PgmRevSet	set;
	PgmGraphError error = {PGM_GRAPH_OK};

	*id = target;
	if (revision != NULL)
		return revision;
	plan = pgm_plan_load_with_holes();
	if (!pgm_graph_resolve(plan->graph, plan->rows, target, &set, &error))
		pgm_graph_raise(&error);
	if (set.n != 1)
		ereport(ERROR,
				errcode(ERRCODE_AMBIGUOUS_ALIAS),
				errmsg("target \"%s\" does not name one revision", target),
				errdetail_plural("It names %d revision.",
								 "It names %d revisions.", set.n, set.n),
				errhint("Name one by its identifier or label; pgmigrate.history() lists them."));
	*id = pgm_graph_id(plan->graph, set.rev[0]);
	return plan->seqs[set.rev[0]] == 0 ? NULL : pgm_revision_get(*id);
}

PgmRevision *
pgm_author_find(const char *target)
{
	const char *id;
	PgmRevision *revision = pgm_author_look(target, &id);

	if (revision == NULL)
		ereport(ERROR,
				errcode(PGM_ERRCODE_BROKEN_GRAPH),
				errmsg("the row of revision \"%s\" was lost", id),
				errdetail("Others stand on it, or the database is recorded to be there."),
				errhint("Load it again, with its parents."));
	return revision;
}

static PgmRevision *
find_unapplied(const char *id, const char *hint)
{
	PgmRevision *revision;

	/* its own row lock would not keep a revision from taking itself away */
	if (pgm_run_inside() || pgm_run_lock_held())
		ereport(ERROR,
				errcode(PGM_ERRCODE_RUN_IN_PROGRESS),
				errmsg("cannot change or remove a stored revision inside of a run"),
				errhint("Take the call out of the revision."));
	revision = pgm_author_find(id);

	/* a step that runs it now holds the row; wait for it, then look again */
	pgm_revision_lock_row(revision->id);
	if (pgm_ledger_is_applied(revision->id))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("revision \"%s\" is applied", revision->id),
				errhint("%s", hint));
	if (pgm_journal_in_work(revision->id))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("revision \"%s\" is being applied", revision->id),
				errhint("See pgmigrate.status(); wait with pgmigrate.wait(), or stop the run with pgmigrate.cancel()."));
	return revision;
}

const char *
pgm_author_amend(const PgmRevision *change)
{
	PgmRevision *revision;
	PgmRevision before;

	check_writable();
	pgm_revision_lock_store();
	revision = find_unapplied(change->id,
							  "Downgrade it first, or store a new revision.");
	if (revision->template_id != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("revision \"%s\" is made from revision \"%s\"",
					   revision->id, revision->template_id),
				errhint("Amend that one: the next call of pgmigrate.fleet() makes this one anew."));
	before = *revision;
	if (change->message != NULL)
		revision->message = pgm_printable(change->message);
	if (change->upgrade != NULL)
		revision->upgrade = change->upgrade;
	if (change->downgrade != NULL)
		revision->downgrade = change->downgrade;
	if (change->verify != NULL)
		revision->verify = change->verify;
	if (change->transactional != PGM_UNSET)
		revision->transactional = change->transactional;
	check_texts(revision, revision->nparents > 1);
	revision->digest = pgm_revision_digest(revision->upgrade,
										   revision->downgrade,
										   revision->verify,
										   revision->transactional);
	if (strcmp(revision->digest, before.digest) != 0)
		pgm_author_changes(revision, &before, GetUserId());
	revision->source = change->source;
	pgm_change_keep_texts(&before, "amend");
	pgm_revision_update_texts(revision, GetUserId());
	return revision->id;
}

void
pgm_author_make_again(PgmRevision *made)
{
	PgmRevision *before = find_unapplied(made->id,
										 "Downgrade it first, or store a new revision.");

	made->message = pgm_printable(made->message);
	check_texts(made, made->nparents > 1);
	made->author_role = GetUserId();
	made->author = GetUserNameFromId(made->author_role, false);
	pgm_change_keep_texts(before, "amend");
	pgm_revision_update_texts(made, made->author_role);
}

static void
refuse_needed(const char *id, int n, char **others, const char *how)
{
	if (n > 0)
		ereport(ERROR,
				errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				errmsg("cannot remove revision \"%s\" because other revisions need it",
					   id),
				errdetail("Revision \"%s\" %s.", others[0], how),
				errhint("Remove that one first."));
}

const char *
pgm_author_remove(const char *id)
{
	PgmRevision *revision;
	int			n;
	char	  **others;

	check_writable();
	pgm_revision_lock_store();
	revision = find_unapplied(id, "Downgrade it first.");
	others = pgm_revision_children(revision->id, &n);
	refuse_needed(revision->id, n, others, "has it as parent");
	others = pgm_revision_dependents(revision->id, &n);
	refuse_needed(revision->id, n, others, "depends on it");
	others = pgm_revision_made_from(revision->id, &n);
	refuse_needed(revision->id, n, others, "is made from it");
	pgm_change_keep_texts(revision, "remove");
	pgm_begun_forget(revision->id);
	pgm_revision_delete(revision);
	return revision->id;
}

/* The whole id, so that it means now what it meant when it was read. */
static PgmRevision *
find_exactly(const char *id, bool digest_given)
{
	PgmRevision *revision = pgm_revision_get(id);
	char	   *longer;

	if (revision == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("revision \"%s\" does not exist", id),
				errhint("Give the whole identifier of one revision, as pgmigrate.show() prints it."));
	if (digest_given)
		return revision;
	longer = pgm_revision_longer_id(id);
	if (longer != NULL)
		ereport(ERROR,
				errcode(ERRCODE_AMBIGUOUS_ALIAS),
				errmsg("identifier \"%s\" is also the beginning of revision \"%s\"",
					   id, longer),
				errhint("Give the digest that pgmigrate.show() prints as well."));
	return revision;
}

/*
 * The approver vouches with its own rights: the revision may then run for
 * callers whose privileges the approver has.
 */
const char *
pgm_author_approve(const char *id, const char *digest)
{
	PgmRevision *revision;

	check_writable();
	revision = find_exactly(id, digest != NULL);
	if ((digest != NULL && strcmp(digest, revision->digest) != 0) ||
		!pgm_revision_approve(revision->id, revision->digest, GetUserId()))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("revision \"%s\" is not what the digest says", id),
				errdetail("It was changed after it was read, or another one was read."),
				errhint("Read it again with pgmigrate.show(), and approve the digest that is shown."));
	pgm_change_keep_approval(revision);
	if (digest == NULL)
		ereport(NOTICE,
				errmsg("approved revision \"%s\" with digest %s", id,
					   revision->digest),
				errhint("Compare it with the digest that you have read, or pass that to pgmigrate.approve()."));
	return revision->id;
}
