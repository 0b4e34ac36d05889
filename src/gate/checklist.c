/*-------------------------------------------------------------------------
 *
 * checklist.c
 *	  What must be true before a launch.
 *
 * An item is found out where that can be, and attested by a person, with a
 * note and an end, where it cannot.  What was found to be wrong is not made
 * right by an attestation.  Attestations are about one plan: the digest of its
 * revisions, so that they end with any change of it.
 *
 * Queries of a team run read-only and with the rights of the role that set
 * them, the one of the setting with those of the caller; an error is an answer
 * and not an error of the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/error_privacy.h"
#include "base/printable.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "gate/announcement.h"
#include "gate/approvals.h"
#include "gate/checklist.h"
#include "lock/held.h"
#include "monitor/metrics.h"
#include "sql/statements.h"
#include "store/authors.h"

/* The items that everybody has, in the order of a launch. */
static const char *const own_items[] = {
	"backup",
	"impact",
	"rehearsal",
	"metrics",
	"notification",
	"approval",
};

/* What a team has added. */
typedef struct TeamItem
{
	const char *item;
	const char *query;
	const char *author;
	Oid			role;			/* the author; invalid if it is not known */
} TeamItem;

/* Of the archiver of WAL, as the query numbers them. */
enum
{
	ARCHIVER_IDLE, ARCHIVER_FAILS, ARCHIVER_AHEAD, ARCHIVER_WORKS
};

static PgmQuery archiver_query = {
	"SELECT CASE WHEN current_setting('archive_mode') = 'off' THEN 0 "
	"WHEN a.last_failed_time > coalesce(a.last_archived_time, '-infinity') "
	"THEN 1 WHEN a.last_archived_time IS NULL THEN 0 "
	"WHEN a.last_archived_time > clock_timestamp() THEN 2 "
	"ELSE 3 END, coalesce(a.last_archived_time, a.last_failed_time)"
	"::text FROM pg_stat_archiver a"
};

static PgmQuery scrape_query = {
	"SELECT m.at, m.at > clock_timestamp() + interval '1 min', m.at::text "
	"FROM (SELECT greatest(max(s.scraped_at), $1) AS at "
	"FROM pgmigrate.scrape s) m",
	1, {TIMESTAMPTZOID}
};

static PgmQuery scraped_query = {
	"INSERT INTO pgmigrate.scrape AS s (role, role_oid, scraped_at) "
	"VALUES (pg_get_userbyid($1), $1, clock_timestamp()) "
	"ON CONFLICT (role) DO UPDATE "
	"SET scraped_at = excluded.scraped_at, role_oid = excluded.role_oid "
	"WHERE s.scraped_at NOT BETWEEN excluded.scraped_at - interval '30 s' "
	"AND excluded.scraped_at",
	1, {OIDOID}
};

static PgmQuery rehearsal_query = {
	"SELECT r.ok, r.finished::text FROM pgmigrate.rehearsal r "
	"WHERE r.target_digest = $1 AND r.finished IS NOT NULL "
	"ORDER BY r.finished DESC LIMIT 1",
	1, {TEXTOID}
};

static PgmQuery attestation_query = {
	"SELECT a.note, a.attested_by, a.attested_at, a.valid_until "
	"FROM pgmigrate.attestation a "
	"WHERE a.item = $1 AND a.target_digest = $2 "
	"AND a.attested_at <= clock_timestamp() "
	"ORDER BY a.id DESC LIMIT 1",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery attest_query = {
	"INSERT INTO pgmigrate.attestation "
	"(item, target_digest, note, attested_by, attested_by_oid, valid_until) "
	"VALUES ($1, $2, $3, pg_get_userbyid($4), $4, $5)",
	5, {TEXTOID, TEXTOID, TEXTOID, OIDOID, TIMESTAMPTZOID}
};

static PgmQuery items_query = {
	"SELECT r.item, r.query, r.author, " PGM_AUTHOR_ROLE " "
	"FROM pgmigrate.checklist_item r ORDER BY r.item"
};

static PgmQuery item_author_query = {
	"SELECT r.author, " PGM_AUTHOR_ROLE " "
	"FROM pgmigrate.checklist_item r WHERE r.item = $1",
	1, {TEXTOID}
};

static PgmQuery require_query = {
	"INSERT INTO pgmigrate.checklist_item (item, query, author, author_oid) "
	"VALUES ($1, $2, $3, $4) ON CONFLICT (item) DO UPDATE "
	"SET query = excluded.query, author = excluded.author, "
	"author_oid = excluded.author_oid, roles_of = excluded.roles_of",
	4, {TEXTOID, TEXTOID, TEXTOID, OIDOID}
};

static PgmQuery dismiss_query = {
	"DELETE FROM pgmigrate.checklist_item WHERE item = $1",
	1, {TEXTOID}
};

const char *
pgm_item_state_name(PgmItemState state)
{
	switch (state)
	{
		case PGM_ITEM_OK:
			return "ok";
		case PGM_ITEM_MISSING:
			return "missing";
		case PGM_ITEM_EXPIRED:
			return "expired";
		case PGM_ITEM_FAILED:
			return "failed";
	}
	return NULL;				/* keep compiler quiet */
}

/* A semicolon at the end is no part of the query. */
static char *
without_end(const char *query)
{
	char	   *copy = pstrdup(query);
	int			len = strlen(copy);

	while (len > 0 && strchr("; \t\r\n", copy[len - 1]) != NULL)
		copy[--len] = '\0';
	return copy;
}

static bool
role_exists(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/* A query of a team, and its only value as text, NULL for null. */
typedef struct Question
{
	const char *query;
	MemoryContext context;		/* of the answer */
	bool		answered;
	char	   *value;
	ErrorData  *error;
} Question;

static void
put_question(void *arg)
{
	Question   *question = arg;
	MemoryContext old = MemoryContextSwitchTo(question->context);
	char	  **values;
	uint64		rows;

	question->answered = pgm_spi_probe_rows(question->query, 1,
											pgm_checklist_timeout, &values,
											&rows, &question->error);
	if (question->answered && rows == 1)
		question->value = values[0];
	MemoryContextSwitchTo(old);
}

/*
 * No lock that it takes stays with whoever has the checklist looked at, nor is
 * one of his released.
 */
static void
put_unlocked(Question *question)
{
	PgmSetAside *aside = pgm_held_set_aside();
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		error = pgm_txn_look(put_question, question);
	}
	PG_FINALLY();
	{
		pgm_held_give_back(aside);
	}
	PG_END_TRY();
	if (error == NULL)
		return;
	question->answered = false;
	question->error = error;
}

/* False if it fails, with the message, as far as the caller may see it. */
static bool
ask(const char *query, Oid role, char **answer)
{
	Oid			save_user;
	int			save_context;
	bool		save_read_only = XactReadOnly;
	Question	question = {query, CurrentMemoryContext};

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(role, save_context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	XactReadOnly = true;
	put_unlocked(&question);
	XactReadOnly = save_read_only;
	SetUserIdAndSecContext(save_user, save_context);
	if (!question.answered)
		*answer = has_privs_of_role(save_user, role) ?
			question.error->message : pgm_error_for_all(question.error);
	else
		*answer = question.value;
	return question.answered;
}

static void
set_state(PgmChecklistItem *item, PgmItemState state, const char *detail)
{
	item->state = state;
	item->detail = detail;
}

/* The time of the newest backup, as a query of the team tells it. */
static void
ask_backup(PgmChecklistItem *item)
{
	char	   *answer;
	char	   *query;

	query = psprintf("SELECT CASE WHEN b.t IS NULL THEN 'none' "
					 "WHEN b.t > clock_timestamp() THEN 'future ' || b.t "
					 "WHEN b.t < clock_timestamp() - interval '%d s' "
					 "THEN 'old ' || b.t ELSE 'ok ' || b.t END "
					 "FROM (SELECT (%s\n)::timestamptz AS t) AS b",
					 pgm_backup_max_age, without_end(pgm_backup_query));
	if (!ask(query, GetUserId(), &answer))
		set_state(item, PGM_ITEM_FAILED,
				  psprintf("the query of pgmigrate.backup_query failed: %s", answer));
	else if (answer == NULL || strcmp(answer, "none") == 0)
		set_state(item, PGM_ITEM_FAILED,
				  "the query of pgmigrate.backup_query knows no backup");
	else if (strncmp(answer, "future ", 7) == 0)
		set_state(item, PGM_ITEM_FAILED,
				  psprintf("the newest backup is of the future, %s", answer + 7));
	else if (strncmp(answer, "old ", 4) == 0)
		set_state(item, PGM_ITEM_EXPIRED,
				  psprintf("the newest backup is of %s, older than pgmigrate.backup_max_age", answer + 4));
	else
		set_state(item, PGM_ITEM_OK,
				  psprintf("the newest backup is of %s", answer + 3));
}

static void
look_at_archiver(PgmChecklistItem *item)
{
	PgmSpiScope scope;
	int			state;
	const char *when;

	pgm_spi_begin(&scope);
	pgm_spi_execute(&archiver_query, NULL, NULL);
	state = pgm_spi_int32(1, 1);
	when = pgm_spi_text(1, 2);
	pgm_spi_end(&scope);
	switch (state)
	{
		case ARCHIVER_FAILS:
			set_state(item, PGM_ITEM_FAILED,
					  "archiving of WAL has failed since its last success");
			break;
		case ARCHIVER_AHEAD:
			set_state(item, PGM_ITEM_FAILED,
					  psprintf("WAL was archived in the future, at %s", when));
			break;
		case ARCHIVER_WORKS:
			set_state(item, PGM_ITEM_MISSING,
					  psprintf("WAL was archived at %s, but nothing tells of a base backup: set pgmigrate.backup_query", when));
			break;
		default:
			set_state(item, PGM_ITEM_MISSING,
					  "no WAL is archived, and pgmigrate.backup_query is not set");
	}
}

static void
look_at_impact(PgmChecklistItem *item, const PgmPlan *plan)
{
	int			dangers = 0;
	ListCell   *lc;

	foreach(lc, pgm_assess(pgm_assess_plan_items(plan), true, true))
	{
		ListCell   *other;

		foreach(other, ((PgmJudged *) lfirst(lc))->findings)
		{
			if (pgm_finding_level(lfirst(other)) == PGM_LEVEL_DANGER)
				dangers++;
		}
	}
	if (dangers == 0)
		set_state(item, PGM_ITEM_OK, "assess() finds no danger");
	else
		set_state(item, PGM_ITEM_FAILED,
				  psprintf("assess() finds dangers that are not allowed: %d", dangers));
}

static void
look_at_rehearsal(PgmChecklistItem *item, const char *digest)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = pgm_text_datum(digest);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&rehearsal_query, values, NULL) > 0)
		set_state(item, pgm_spi_bool(1, 1) ? PGM_ITEM_OK : PGM_ITEM_FAILED,
				  pgm_spi_text(1, 2));
	pgm_spi_end(&scope);
	if (item->state == PGM_ITEM_OK)
		item->detail = psprintf("rehearsed at %s", item->detail);
	else if (item->state == PGM_ITEM_FAILED)
		item->detail = psprintf("the rehearsal of %s failed", item->detail);
	else
		item->detail = "the same revisions were not rehearsed";
}

/* Is more asked for than that somebody else has seen it? */
static bool
approvals_are_counted(void)
{
	return pgm_approvals > 1 || pgm_approvers[0] != '\0';
}

/* Who wrote a revision cannot approve it, unless a setting says so. */
static void
look_at_approval(PgmChecklistItem *item, const PgmPlan *plan)
{
	set_state(item, PGM_ITEM_OK, pgm_approve_own ?
			  "each revision was approved" :
			  "each revision was approved by another than its author");
	for (int i = 0; i < plan->steps.nsteps; i++)
	{
		const char *id = pgm_graph_id(plan->graph, plan->steps.steps[i].rev);
		PgmRevision *revision = pgm_revision_get(id);
		StringInfoData others;
		int			n;

		initStringInfo(&others);
		n = revision == NULL ? 0 : pgm_approvals_count(revision, &others);
		if (n >= pgm_approvals)
			continue;
		if (approvals_are_counted())
			set_state(item, PGM_ITEM_MISSING,
					  psprintf("revision \"%s\" has %d of %d approvals%s",
							   id, n, pgm_approvals, others.data));
		else
			set_state(item, PGM_ITEM_MISSING,
					  psprintf("revision \"%s\" was not approved%s%s", id,
							   pgm_approve_own ? "" :
							   " by another than its author", others.data));
		return;
	}
}

static void
look_at_metrics(PgmChecklistItem *item)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		nulls[1];
	TimestampTz when = pgm_metrics_read();
	bool		future;
	char	   *text;

	values[0] = TimestampTzGetDatum(when);
	nulls[0] = when == 0;
	pgm_spi_begin(&scope);
	pgm_spi_execute(&scrape_query, values, nulls);
	when = pgm_spi_timestamp(1, 1);
	future = !pgm_spi_isnull(1, 2) && pgm_spi_bool(1, 2);
	text = pgm_spi_text(1, 3);
	pgm_spi_end(&scope);
	if (when == 0)
		return;
	if (future)
		set_state(item, PGM_ITEM_FAILED,
				  psprintf("the metrics were read in the future, at %s", text));
	else if (TimestampDifferenceExceeds(when, GetCurrentTimestamp(),
										pgm_scrape_max_age * 1000))
		set_state(item, PGM_ITEM_EXPIRED,
				  psprintf("the metrics were last read at %s", text));
	else
		set_state(item, PGM_ITEM_OK,
				  psprintf("the metrics were read at %s", text));
}

bool
pgm_scrape_record(void)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		written;

	if (RecoveryInProgress() || XactReadOnly || IsInParallelMode())
		return false;
	values[0] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	written = pgm_spi_execute(&scraped_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return written;
}

/* With the note of a person, if there is one that is about this plan. */
static void
look_at_attestation(PgmChecklistItem *item, const char *digest)
{
	PgmSpiScope scope;
	Datum		values[2];
	char	   *note = NULL;

	values[0] = pgm_text_datum(item->item);
	values[1] = pgm_text_datum(digest);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&attestation_query, values, NULL) > 0)
	{
		note = pgm_spi_text(1, 1);
		item->attested_by = pgm_spi_text(1, 2);
		item->attested_at = pgm_spi_timestamp(1, 3);
		item->valid_until = pgm_spi_timestamp(1, 4);
	}
	pgm_spi_end(&scope);
	if (note == NULL || item->state == PGM_ITEM_OK ||
		item->state == PGM_ITEM_FAILED)
		return;
	set_state(item, item->valid_until > GetCurrentTimestamp() ?
			  PGM_ITEM_OK : PGM_ITEM_EXPIRED, note);
}

static PgmChecklistItem *
own_item(const char *name, const PgmPlan *plan, const char *digest)
{
	PgmChecklistItem *item = palloc0(sizeof(PgmChecklistItem));

	item->item = name;
	set_state(item, PGM_ITEM_MISSING, "nobody has attested it");
	if (strcmp(name, "backup") == 0)
	{
		look_at_archiver(item);

		/* without its WAL the newest backup is no backup */
		if (pgm_backup_query[0] != '\0' && item->state != PGM_ITEM_FAILED)
			ask_backup(item);
	}
	else if (strcmp(name, "impact") == 0)
		look_at_impact(item, plan);
	else if (strcmp(name, "rehearsal") == 0)
		look_at_rehearsal(item, digest);
	else if (strcmp(name, "metrics") == 0)
		look_at_metrics(item);
	else if (strcmp(name, "notification") == 0)
	{
		if (pgm_announcement_acknowledged(digest, &item->detail))
			item->state = PGM_ITEM_OK;
	}
	else if (strcmp(name, "approval") == 0)
		look_at_approval(item, plan);

	/* one note must not stand for several approvals */
	if (strcmp(name, "approval") != 0 || !approvals_are_counted())
		look_at_attestation(item, digest);
	return item;
}

static PgmChecklistItem *
team_item(const TeamItem *team, const char *digest)
{
	PgmChecklistItem *item = palloc0(sizeof(PgmChecklistItem));
	char	   *answer;

	item->item = team->item;
	if (!role_exists(team->role))
		set_state(item, PGM_ITEM_FAILED,
				  psprintf("role \"%s\", which set its query, does not exist any more", team->author));
	else if (!ask(psprintf("SELECT (%s\n)::bool::text", without_end(team->query)),
				  team->role, &answer))
		set_state(item, PGM_ITEM_FAILED,
				  psprintf("its query failed: %s", answer));
	else if (answer != NULL && strcmp(answer, "true") == 0)
		set_state(item, PGM_ITEM_OK, "its query is true");
	else
		set_state(item, PGM_ITEM_FAILED, "its query is not true");
	look_at_attestation(item, digest);
	return item;
}

static TeamItem *
team_items(int *n)
{
	PgmSpiScope scope;
	TeamItem   *items;

	pgm_spi_begin(&scope);
	*n = (int) pgm_spi_execute(&items_query, NULL, NULL);
	items = MemoryContextAlloc(scope.outer, sizeof(TeamItem) * (*n + 1));
	for (int i = 0; i < *n; i++)
	{
		items[i].item = pgm_spi_text(i + 1, 1);
		items[i].query = pgm_spi_text(i + 1, 2);
		items[i].author = pgm_spi_text(i + 1, 3);
		items[i].role = (Oid) pgm_spi_int64(i + 1, 4);
	}
	pgm_spi_end(&scope);
	return items;
}

List *
pgm_checklist(const PgmPlan *plan, bool impact)
{
	char	   *digest = pgm_plan_digest(plan);
	List	   *items = NIL;
	TeamItem   *team;
	int			n;

	for (int i = 0; i < lengthof(own_items); i++)
		if (impact || strcmp(own_items[i], "impact") != 0)
			items = lappend(items, own_item(own_items[i], plan, digest));

	team = team_items(&n);
	for (int i = 0; i < n; i++)
		items = lappend(items, team_item(&team[i], digest));
	return items;
}

static bool
is_own(const char *item)
{
	for (int i = 0; i < lengthof(own_items); i++)
		if (strcmp(own_items[i], item) == 0)
			return true;
	return false;
}

static void
refuse_own_approval(const PgmPlan *plan, Oid role)
{
	for (int i = 0; i < plan->steps.nsteps; i++)
	{
		const char *id = pgm_graph_id(plan->graph, plan->steps.steps[i].rev);
		PgmRevision *revision = pgm_revision_get(id);

		if (revision != NULL && pgm_approvals_is_author(revision, role))
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("role \"%s\" cannot attest the approval of its own revision \"%s\"",
						   GetUserNameFromId(role, false), id));
	}
}

void
pgm_attest(const char *item, const char *note, TimestampTz valid_until,
		   const PgmPlan *plan)
{
	PgmSpiScope scope;
	Datum		values[5];

	if (strcmp(item, "impact") == 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("item \"%s\" cannot be attested, it is found out",
					   item),
				errhint("Allow the findings of pgmigrate.assess(), in the call or in the revision."));
	if (!is_own(item))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("item \"%s\" of the checklist cannot be attested", item),
				errdetail("Only items of our own can, those of a team are queries."),
				errhint("See pgmigrate.checklist()."));
	if (valid_until <= GetCurrentTimestamp())
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"valid_for\" must be longer than zero"));
	if (strcmp(item, "approval") == 0 && approvals_are_counted())
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("item \"%s\" cannot be attested, approvals are counted",
					   item),
				errhint("Call pgmigrate.approve() for each revision."));
	if (strcmp(item, "approval") == 0 && !pgm_approve_own)
		refuse_own_approval(plan, GetUserId());
	values[0] = pgm_text_datum(item);
	values[1] = pgm_text_datum(pgm_plan_digest(plan));
	values[2] = pgm_text_datum(note);
	values[3] = ObjectIdGetDatum(GetUserId());
	values[4] = TimestampTzGetDatum(valid_until);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&attest_query, values, NULL);
	pgm_spi_end(&scope);
}

/* Whoever may not act as the role that set an item must not weaken it. */
static void
check_item_author(const char *item)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *author = NULL;
	Oid			role = InvalidOid;

	values[0] = pgm_text_datum(item);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&item_author_query, values, NULL) > 0)
	{
		author = pgm_spi_text(1, 1);
		role = (Oid) pgm_spi_int64(1, 2);
	}
	pgm_spi_end(&scope);
	if (author == NULL)
		return;
	if (role_exists(role) ? has_privs_of_role(GetUserId(), role) :
		GetUserId() == pgm_schema_owner())
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for item \"%s\" of the checklist", item),
			errdetail("Role \"%s\" has set it.", author));
}

void
pgm_checklist_require(const char *item, const char *query)
{
	PgmSpiScope scope;
	Datum		values[4];

	if (item[0] == '\0' || is_own(item))
		ereport(ERROR,
				errcode(ERRCODE_RESERVED_NAME),
				errmsg("item name \"%s\" is reserved", item));
	if (query != NULL)
		pgm_source_check_size(query, "checklist");
	check_item_author(item);
	values[0] = pgm_text_datum(item);
	values[1] = pgm_text_datum(query ? query : "");
	values[2] = pgm_text_datum(GetUserNameFromId(GetUserId(), false));
	values[3] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	pgm_spi_execute(query ? &require_query : &dismiss_query, values, NULL);
	pgm_spi_end(&scope);
}

/* A line for each item that is not ready. */
static int
list_open(StringInfo lines, const List *items)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, items)
	{
		const PgmChecklistItem *item = lfirst(lc);

		if (item->state == PGM_ITEM_OK)
			continue;
		appendStringInfo(lines, "%s%s: %s: %s", n++ > 0 ? "\n" : "",
						 pgm_printable_line(item->item),
						 pgm_item_state_name(item->state),
						 pgm_printable_line(item->detail));
	}
	return n;
}

const char *
pgm_gate_check(const PgmPlan *plan, const PgmAllowance *allowance,
			   bool online)
{
	StringInfoData lines;
	const char *override = pgm_checklist_override;
	bool		enforced;
	int			n;

	pgm_assess_gate(plan, allowance, online);
	if (pgm_environment != PGM_ENVIRONMENT_PRODUCTION ||
		pgm_checklist_mode == PGM_CHECKLIST_OFF ||
		plan->direction != PGM_UP || plan->steps.nsteps == 0)
		return NULL;

	/* the gate before has said all about the impact */
	initStringInfo(&lines);
	n = list_open(&lines, pgm_checklist(plan, false));
	if (n == 0)
		return NULL;
	enforced = pgm_checklist_mode == PGM_CHECKLIST_ENFORCE;
	if (enforced && override[0] == '\0')
		ereport(ERROR,
				errcode(PGM_ERRCODE_DANGER_REFUSED),
				errmsg_plural("%d item of the checklist is not ready",
							  "%d items of the checklist are not ready", n, n),
				errdetail_internal("%s", lines.data),
				errhint("See pgmigrate.checklist(), and attest by pgmigrate.attest() what cannot be found out.  In an emergency a superuser sets \"pgmigrate.checklist_override\" to the reason."));
	ereport(WARNING,
			errmsg_plural("%d item of the checklist is not ready",
						  "%d items of the checklist are not ready", n, n),
			errdetail_internal("%s", lines.data),
			enforced ? errhint("The checklist is overridden: %s", override) : 0);
	return enforced ? override : NULL;
}
