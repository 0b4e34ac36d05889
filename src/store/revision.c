/*-------------------------------------------------------------------------
 *
 * revision.c
 *	  The store of revisions: rows of pgmigrate.revision.
 *
 * A revision names its parents and dependencies by full id; labels are
 * resolved when it is stored, so a label that moves does not move old edges.
 * is_head is kept with each insert and delete so that storing costs the same
 * for the first revision and for the hundred thousandth; writers take SHARE
 * ROW EXCLUSIVE on the table first, so the flag and the uniqueness of labels
 * do not race.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "store/authors.h"
#include "store/ledger.h"
#include "store/revision.h"
#include "store/store_wait.h"

#define REVISION_COLUMNS \
	"r.id, r.message, r.upgrade, r.downgrade, r.verify, r.transactional, " \
	"r.down_revision, r.depends_on, r.branch_labels, r.is_head, r.digest, " \
	"r.author, " PGM_AUTHOR_ROLE ", r.coauthors, " PGM_COAUTHOR_ROLES ", " \
	"CASE WHEN r.approved_digest = r.digest THEN r.approved_by END, " \
	"CASE WHEN r.approved_digest = r.digest THEN " PGM_APPROVER_ROLE \
	" ELSE 0 END, r.source ->> 'file', r.template, r.template_digest, " \
	"r.for_schema "

/* The column after those. */
#define AFTER_REVISION_COLUMNS 22

static PgmQuery get_query = {
	"SELECT " REVISION_COLUMNS "FROM pgmigrate.revision r WHERE r.id = $1",
	1, {TEXTOID}
};

static PgmQuery get_many_query = {
	"SELECT " REVISION_COLUMNS
	"FROM unnest($1) WITH ORDINALITY AS u (wanted, n) "
	"JOIN pgmigrate.revision r ON r.id = u.wanted ORDER BY u.n",
	1, {TEXTARRAYOID}
};

static PgmQuery digests_query = {
	"SELECT r.digest FROM unnest($1) WITH ORDINALITY AS u (id, n) "
	"JOIN pgmigrate.revision r ON r.id = u.id ORDER BY u.n",
	1, {TEXTARRAYOID}
};

static PgmQuery get_for_share_query = {
	"SELECT " REVISION_COLUMNS "FROM pgmigrate.revision r WHERE r.id = $1 "
	"FOR KEY SHARE",
	1, {TEXTOID}
};

static PgmQuery digest_for_share_query = {
	"SELECT digest FROM pgmigrate.revision WHERE id = $1 FOR KEY SHARE",
	1, {TEXTOID}
};

/* Another one with each change; a lock changes neither. */
#define ROW_VERSION "r.ctid::text || ' ' || r.xmin::text"

/* octet_length does not fetch what is stored out of line. */
#define GET_SMALL \
	"SELECT " REVISION_COLUMNS ", u.n, " ROW_VERSION " " \
	"FROM unnest($1) WITH ORDINALITY AS u (revision, n) " \
	"JOIN pgmigrate.revision r ON r.id = u.revision " \
	"WHERE octet_length(upgrade) + coalesce(octet_length(downgrade), 0) " \
	"< 65536"

static PgmQuery get_small_query = {GET_SMALL, 1, {TEXTARRAYOID}};

static PgmQuery get_small_for_share_query = {
	GET_SMALL " FOR KEY SHARE OF r",
	1, {TEXTARRAYOID}
};

static PgmQuery version_for_share_query = {
	"SELECT " ROW_VERSION " FROM pgmigrate.revision r WHERE r.id = $1 "
	"FOR KEY SHARE",
	1, {TEXTOID}
};

static PgmQuery lock_row_query = {
	"SELECT FROM pgmigrate.revision WHERE id = $1 FOR UPDATE",
	1, {TEXTOID}
};

static PgmQuery insert_query = {
	"INSERT INTO pgmigrate.revision (id, message, upgrade, downgrade, verify, "
	"transactional, down_revision, depends_on, branch_labels, author, "
	"only_head, source, author_oid, coauthors, coauthor_oids, template, "
	"template_digest, for_schema) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, "
	"$14, $15::oid[], $16, $17, $18)",
	18, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, BOOLOID, TEXTOID,
	OIDOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID}
};

/* By id: the index of the heads is full of dead rows during a bulk load. */
static PgmQuery unhead_query = {
	"UPDATE pgmigrate.revision SET is_head = false "
	"WHERE id = $1 AND is_head IS NOT FALSE",
	1, {TEXTOID}
};

static PgmQuery update_query = {
	"UPDATE pgmigrate.revision r SET message = $2, upgrade = $3, "
	"downgrade = $4, verify = $5, transactional = $6, author = $7, "
	"author_oid = $8, coauthors = $9, coauthor_oids = $10::oid[], "
	"source = CASE WHEN upgrade = $3 THEN source ELSE $12::jsonb END, "
	"amended_by = pg_get_userbyid($11), amended_by_oid = $11, "
	"amended_at = now(), template_digest = $13, "
	"approved_by_oid = (" PGM_APPROVER_ROLE ")::oid, "
	"roles_of = pgmigrate.system_identifier() WHERE r.id = $1",
	13, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID,
	OIDOID, TEXTARRAYOID, TEXTARRAYOID, OIDOID, TEXTOID, TEXTOID}
};

/* Of another text than the digest says, nothing. */
static PgmQuery approve_query = {
	"UPDATE pgmigrate.revision r SET approved_by = $2, approved_by_oid = $3, "
	"approved_at = now(), approved_digest = digest, "
	"author_oid = (" PGM_AUTHOR_ROLE ")::oid, "
	"coauthor_oids = (" PGM_COAUTHOR_ROLES ")::oid[], "
	"roles_of = pgmigrate.system_identifier() "
	"WHERE r.id = $1 AND r.digest = $4",
	4, {TEXTOID, TEXTOID, OIDOID, TEXTOID}
};

/* Others that its id is the beginning of. */
static PgmQuery longer_id_query = {
	"SELECT id FROM pgmigrate.revision "
	"WHERE starts_with(id, $1) AND id <> $1 ORDER BY seq LIMIT 1",
	1, {TEXTOID}
};

static PgmQuery delete_query = {
	"WITH v AS (DELETE FROM pgmigrate.verification WHERE revision = $1) "
	"DELETE FROM pgmigrate.revision WHERE id = $1",
	1, {TEXTOID}
};

static PgmQuery rehead_query = {
	"UPDATE pgmigrate.revision p SET is_head = true "
	"WHERE p.id = ANY ($1) AND NOT EXISTS (SELECT FROM pgmigrate.revision c "
	"WHERE c.down_revision @> ARRAY[p.id])",
	1, {TEXTARRAYOID}
};

static PgmQuery heads_query = {
	"SELECT id FROM pgmigrate.revision WHERE is_head AND template IS NULL "
	"ORDER BY seq"
};

/* Those of them that do not stand on what is made for a schema. */
static PgmQuery own_heads_query = {
	"SELECT h.id FROM pgmigrate.revision h WHERE h.is_head "
	"AND h.template IS NULL AND NOT EXISTS ("
	"WITH RECURSIVE line (id) AS (SELECT h.id UNION SELECT p.parent "
	"FROM line JOIN pgmigrate.revision r ON r.id = line.id "
	"CROSS JOIN unnest(r.down_revision) AS p (parent)) "
	"SELECT FROM line JOIN pgmigrate.revision m ON m.id = line.id "
	"WHERE m.template IS NOT NULL) AND EXISTS (SELECT "
	"FROM pgmigrate.revision WHERE for_schema IS NOT NULL) ORDER BY h.seq"
};

static PgmQuery only_head_query = {
	"SELECT id FROM pgmigrate.revision WHERE only_head AND is_head "
	"AND seq = (SELECT max(seq) FROM pgmigrate.revision)"
};

static PgmQuery is_head_query = {
	"SELECT is_head FROM pgmigrate.revision WHERE id = $1",
	1, {TEXTOID}
};

static PgmQuery name_query = {
	"SELECT id FROM pgmigrate.revision WHERE id = $1 UNION ALL "
	"SELECT id FROM pgmigrate.revision "
	"WHERE branch_labels <> '{}' AND branch_labels @> ARRAY[$1] LIMIT 1",
	1, {TEXTOID}
};

static PgmQuery children_query = {
	"SELECT id FROM pgmigrate.revision "
	"WHERE down_revision @> ARRAY[$1] ORDER BY seq",
	1, {TEXTOID}
};

static PgmQuery dependents_query = {
	"SELECT id FROM pgmigrate.revision "
	"WHERE depends_on <> '{}' AND depends_on @> ARRAY[$1] ORDER BY seq",
	1, {TEXTOID}
};

static PgmQuery made_from_query = {
	"SELECT id FROM pgmigrate.revision WHERE template = $1 ORDER BY seq",
	1, {TEXTOID}
};

static PgmQuery graph_query = {
	"SELECT id, down_revision, depends_on, branch_labels, seq "
	"FROM pgmigrate.revision ORDER BY seq"
};

/* Those whose rows were lost come first, with 0 for their place. */
static PgmQuery holes_query = {
	"SELECT l.id, '{}'::text[], '{}'::text[], '{}'::text[], 0::bigint AS seq "
	"FROM (SELECT u.id FROM pgmigrate.revision r CROSS JOIN LATERAL "
	"unnest(r.down_revision || r.depends_on) AS u (id) "
	"UNION SELECT h.revision FROM pgmigrate.head h) AS l (id) "
	"WHERE NOT EXISTS (SELECT FROM pgmigrate.revision r WHERE r.id = l.id) "
	"UNION ALL SELECT id, down_revision, depends_on, branch_labels, seq "
	"FROM pgmigrate.revision ORDER BY seq, 1"
};

/* Has it ever been run, or been recorded as applied? */
static PgmQuery known_query = {
	"SELECT FROM pgmigrate.applied WHERE revision = $1 UNION ALL "
	"SELECT FROM pgmigrate.run_step WHERE revision = $1 LIMIT 1",
	1, {TEXTOID}
};

static PgmQuery lost_child_query = {
	"SELECT c.id FROM pgmigrate.revision c "
	"WHERE c.down_revision @> ARRAY[$1] "
	"AND NOT EXISTS (SELECT FROM pgmigrate.revision r WHERE r.id = $1) "
	"ORDER BY c.seq LIMIT 1",
	1, {TEXTOID}
};

void
pgm_graph_raise(const PgmGraphError *error)
{
	int			sqlstate = ERRCODE_INTERNAL_ERROR;

	switch (error->code)
	{
		case PGM_GRAPH_OK:
			break;
		case PGM_GRAPH_BAD_ID:
			sqlstate = ERRCODE_INVALID_NAME;
			break;
		case PGM_GRAPH_DUPLICATE:
			sqlstate = ERRCODE_DUPLICATE_OBJECT;
			break;
		case PGM_GRAPH_SYNTAX:
			sqlstate = ERRCODE_SYNTAX_ERROR;
			break;
		case PGM_GRAPH_MISSING:
		case PGM_GRAPH_UNKNOWN:
			sqlstate = ERRCODE_UNDEFINED_OBJECT;
			break;
		case PGM_GRAPH_UNKNOWN_LABEL:
			sqlstate = PGM_ERRCODE_UNKNOWN_LABEL;
			break;
		case PGM_GRAPH_CYCLE:
		case PGM_GRAPH_UNKNOWN_ROW:
			sqlstate = PGM_ERRCODE_BROKEN_GRAPH;
			break;
		case PGM_GRAPH_AMBIGUOUS_PREFIX:
		case PGM_GRAPH_AMBIGUOUS_WALK:
		case PGM_GRAPH_MULTIPLE_HEADS:
			sqlstate = ERRCODE_AMBIGUOUS_ALIAS;
			break;
		case PGM_GRAPH_NOT_ON_BRANCH:
		case PGM_GRAPH_OUT_OF_RANGE:
		case PGM_GRAPH_OVERLAP:
		case PGM_GRAPH_NOT_APPLIED:
		case PGM_GRAPH_NOT_A_RANGE:
			sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
			break;
	}
	ereport(ERROR,
			errcode(sqlstate),
			errmsg_internal("%s", error->message),
			error->detail ? errdetail_internal("%s", error->detail) : 0,
			error->hint ? errhint("%s", error->hint) : 0);
}

/* Until the end of the transaction: one writer of the store at a time. */
void
pgm_revision_lock_store(void)
{
	pgm_ledger_refuse_subscriber();
	pgm_store_wait_lock(ShareRowExclusiveLock);
}

/* Result row n, in the context that was current when the scope began. */
static PgmRevision *
revision_of_row(const PgmSpiScope *scope, uint64 row)
{
	PgmRevision *revision = MemoryContextAllocZero(scope->outer,
												   sizeof(PgmRevision));

	revision->id = pgm_spi_text(row, 1);
	revision->message = pgm_spi_text(row, 2);
	revision->upgrade = pgm_spi_text(row, 3);
	revision->downgrade = pgm_spi_text(row, 4);
	revision->verify = pgm_spi_text(row, 5);
	revision->transactional = pgm_spi_isnull(row, 6) ? PGM_UNSET :
		pgm_spi_bool(row, 6) ? PGM_TRUE : PGM_FALSE;
	revision->parents = pgm_spi_text_array(row, 7, &revision->nparents);
	revision->depends = pgm_spi_text_array(row, 8, &revision->ndepends);
	revision->labels = pgm_spi_text_array(row, 9, &revision->nlabels);
	revision->is_head = pgm_spi_bool(row, 10);
	revision->digest = pgm_spi_text(row, 11);
	revision->author = pgm_spi_text(row, 12);
	revision->author_role = (Oid) pgm_spi_int64(row, 13);
	revision->coauthors = pgm_spi_text_array(row, 14, &revision->ncoauthors);
	revision->coauthor_roles = pgm_spi_oid_array(row, 15,
												 &revision->ncoauthors);
	revision->approved_by = pgm_spi_text(row, 16);
	revision->approver_role = (Oid) pgm_spi_int64(row, 17);
	revision->file = pgm_spi_text(row, 18);
	revision->template_id = pgm_spi_text(row, 19);
	revision->template_digest = pgm_spi_text(row, 20);
	revision->for_schema = pgm_spi_text(row, 21);
	return revision;
}

PgmRevision *
pgm_revision_get(const char *id)
{
	PgmSpiScope scope;
	PgmRevision *revision = NULL;
	Datum		values[1];

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&get_query, values, NULL) > 0)
		revision = revision_of_row(&scope, 1);
	pgm_spi_end(&scope);
	return revision;
}

/* Of ids that the graph had, which was read before. */
static void
refuse_removed(void)
{
	ereport(ERROR,
			errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("a revision was removed meanwhile"),
			errhint("Repeat the call."));
}

/* Stored ones, in the order asked for. */
PgmRevision **
pgm_revision_get_many(int n, char **ids)
{
	PgmSpiScope scope;
	PgmRevision **revisions = palloc(sizeof(PgmRevision *) * Max(n, 1));
	Datum		values[1];

	values[0] = pgm_text_array_datum(n, ids);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&get_many_query, values, NULL) != n)
		refuse_removed();
	for (int i = 0; i < n; i++)
		revisions[i] = revision_of_row(&scope, i + 1);
	pgm_spi_end(&scope);
	return revisions;
}

char	  **
pgm_revision_digests(int n, char **ids)
{
	PgmSpiScope scope;
	char	  **digests = palloc(sizeof(char *) * Max(n, 1));
	Datum		values[1];

	values[0] = pgm_text_array_datum(n, ids);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&digests_query, values, NULL) != n)
		refuse_removed();
	for (int i = 0; i < n; i++)
		digests[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	return digests;
}

/*
 * Nobody can amend or remove it until the end of this transaction.  A child
 * can be stored: that changes no more than is_head.
 */
PgmRevision *
pgm_revision_get_for_share(const char *id)
{
	PgmSpiScope scope;
	PgmRevision *revision = NULL;
	Datum		values[1];

	values[0] = pgm_text_datum(id);
	pgm_spi_begin_ledger(&scope);
	if (pgm_store_wait_execute(&get_for_share_query, values) > 0)
		revision = revision_of_row(&scope, 1);
	pgm_spi_end(&scope);
	return revision;
}

/* The same, without its texts, which may be long. */
char *
pgm_revision_digest_for_share(const char *id)
{
	Datum		value = pgm_text_datum(id);

	return pgm_store_wait_text(&digest_for_share_query, &value);
}

/* The same for one that was read before: is it the same row still? */
bool
pgm_revision_lock_for_share(const PgmRevision *revision)
{
	Datum		value = pgm_text_datum(revision->id);
	char	   *version = pgm_store_wait_text(&version_for_share_query,
											  &value);

	return version != NULL && strcmp(version, revision->row_version) == 0;
}

/* The whole of several, of which the large ones are left out: NULL. */
PgmRevision **
pgm_revision_get_small(int n, char **ids, bool for_share)
{
	PgmRevision **revisions = palloc0(sizeof(PgmRevision *) * Max(n, 1));
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	values[0] = pgm_text_array_datum(n, ids);
	if (for_share)
		pgm_spi_begin_ledger(&scope);
	else
		pgm_spi_begin(&scope);
	rows = pgm_store_wait_execute(for_share ? &get_small_for_share_query :
								  &get_small_query, values);
	for (uint64 i = 1; i <= rows; i++)
	{
		int64		n = pgm_spi_int64(i, AFTER_REVISION_COLUMNS);

		revisions[n - 1] = revision_of_row(&scope, i);
		revisions[n - 1]->row_version =
			pgm_spi_text(i, AFTER_REVISION_COLUMNS + 1);
	}
	pgm_spi_end(&scope);
	return revisions;
}

/* Waits for a step that is running it. */
void
pgm_revision_lock_row(const char *id)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	pgm_store_wait_execute(&lock_row_query, values);
	pgm_spi_end(&scope);
}

static Datum
oid_array_datum(int n, const Oid *oids)
{
	char	  **texts = palloc(sizeof(char *) * Max(n, 1));

	for (int i = 0; i < n; i++)
		texts[i] = psprintf("%u", oids[i]);
	return pgm_text_array_datum(n, texts);
}

/* The caller holds the lock on the store and has checked the names. */
void
pgm_revision_insert(const PgmRevision *revision)
{
	PgmSpiScope scope;
	Datum		values[18];
	bool		nulls[18] = {false};

	values[0] = pgm_text_datum(revision->id);
	values[1] = pgm_text_datum(revision->message);
	values[2] = pgm_text_datum(revision->upgrade);
	nulls[3] = revision->downgrade == NULL;
	values[3] = nulls[3] ? (Datum) 0 : pgm_text_datum(revision->downgrade);
	nulls[4] = revision->verify == NULL;
	values[4] = nulls[4] ? (Datum) 0 : pgm_text_datum(revision->verify);
	nulls[5] = revision->transactional == PGM_UNSET;
	values[5] = BoolGetDatum(revision->transactional == PGM_TRUE);
	values[6] = pgm_text_array_datum(revision->nparents, revision->parents);
	values[7] = pgm_text_array_datum(revision->ndepends, revision->depends);
	values[8] = pgm_text_array_datum(revision->nlabels, revision->labels);
	values[9] = pgm_text_datum(revision->author);
	values[10] = BoolGetDatum(revision->only_head);
	nulls[11] = revision->source == NULL;
	values[11] = nulls[11] ? (Datum) 0 : pgm_text_datum(revision->source);
	values[12] = ObjectIdGetDatum(revision->author_role);
	values[13] = pgm_text_array_datum(revision->ncoauthors,
									  revision->coauthors);
	values[14] = oid_array_datum(revision->ncoauthors,
								 revision->coauthor_roles);
	pgm_set_text(values, nulls, 15, revision->template_id);
	pgm_set_text(values, nulls, 16, revision->template_digest);
	pgm_set_text(values, nulls, 17, revision->for_schema);

	pgm_spi_begin(&scope);
	pgm_spi_execute(&insert_query, values, nulls);
	for (int i = 0; i < revision->nparents; i++)
	{
		values[0] = pgm_text_datum(revision->parents[i]);
		pgm_spi_execute(&unhead_query, values, NULL);
	}
	pgm_spi_end(&scope);
}

/* Texts, message, flag and authors; other SQL makes an approval void. */
void
pgm_revision_update_texts(const PgmRevision *revision, Oid role)
{
	PgmSpiScope scope;
	Datum		values[13];
	bool		nulls[13] = {false};

	pgm_set_text(values, nulls, 0, revision->id);
	pgm_set_text(values, nulls, 1, revision->message);
	pgm_set_text(values, nulls, 2, revision->upgrade);
	pgm_set_text(values, nulls, 3, revision->downgrade);
	pgm_set_text(values, nulls, 4, revision->verify);
	nulls[5] = revision->transactional == PGM_UNSET;
	values[5] = BoolGetDatum(revision->transactional == PGM_TRUE);
	pgm_set_text(values, nulls, 6, revision->author);
	values[7] = ObjectIdGetDatum(revision->author_role);
	values[8] = pgm_text_array_datum(revision->ncoauthors,
									 revision->coauthors);
	values[9] = oid_array_datum(revision->ncoauthors,
								revision->coauthor_roles);
	values[10] = ObjectIdGetDatum(role);
	pgm_set_text(values, nulls, 11, revision->source);
	pgm_set_text(values, nulls, 12, revision->template_digest);

	pgm_spi_begin(&scope);
	pgm_spi_execute(&update_query, values, nulls);
	pgm_spi_end(&scope);
}

bool
pgm_revision_approve(const char *id, const char *digest, Oid role)
{
	PgmSpiScope scope;
	Datum		values[4];
	uint64		rows;

	values[0] = pgm_text_datum(id);
	values[1] = pgm_text_datum(GetUserNameFromId(role, false));
	values[2] = ObjectIdGetDatum(role);
	values[3] = pgm_text_datum(digest);
	pgm_spi_begin(&scope);
	rows = pgm_store_wait_execute(&approve_query, values);
	pgm_spi_end(&scope);
	return rows > 0;
}

/* The caller holds the lock on the store and knows that it has no children. */
void
pgm_revision_delete(const PgmRevision *revision)
{
	PgmSpiScope scope;
	Datum		values[1];

	pgm_spi_begin(&scope);
	values[0] = pgm_text_datum(revision->id);
	pgm_spi_execute(&delete_query, values, NULL);
	if (revision->nparents > 0)
	{
		values[0] = pgm_text_array_datum(revision->nparents,
										 revision->parents);
		pgm_spi_execute(&rehead_query, values, NULL);
	}
	pgm_spi_end(&scope);
}

static char **
get_ids(PgmQuery *query, const char *argument, int *n)
{
	PgmSpiScope scope;
	char	  **ids;
	uint64		rows;
	Datum		values[1];

	if (argument != NULL)
		values[0] = pgm_text_datum(argument);
	pgm_spi_begin(&scope);
	if (argument != NULL)
		pgm_spi_prefer_index();
	rows = pgm_spi_execute(query, values, NULL);
	ids = MemoryContextAlloc(scope.outer, sizeof(char *) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
		ids[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	*n = (int) rows;
	return ids;
}

/*
 * The only head without a template, if that is known without a search, else
 * NULL.  What was the only head when it was stored is so while nothing is
 * stored after it: all others are its ancestors, and those cannot be removed
 * before it.
 */
char *
pgm_revision_only_head(void)
{
	int			n;
	char	  **ids = get_ids(&only_head_query, NULL, &n);

	return n > 0 ? ids[0] : NULL;
}

/*
 * Those that nobody has as parent, in load order, without those of schemas.
 * The search passes all that the current transaction made heads and no heads
 * again.
 */
char	  **
pgm_revision_heads(int *n)
{
	char	  **heads = get_ids(&only_head_query, NULL, n);
	char	  **own;
	int			nown;

	if (*n == 0)
		heads = get_ids(&heads_query, NULL, n);
	if (*n < 2)
		return heads;
	own = get_ids(&own_heads_query, NULL, &nown);
	if (nown == 0)
		return heads;
	*n = nown;
	return own;
}

bool
pgm_revision_is_head(const char *id)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		is_head;

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	is_head = pgm_spi_execute(&is_head_query, values, NULL) > 0 &&
		pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	return is_head;
}

/* Another one whose id begins with this id, or NULL. */
char *
pgm_revision_longer_id(const char *id)
{
	int			n;
	char	  **ids = get_ids(&longer_id_query, id, &n);

	return n > 0 ? ids[0] : NULL;
}

char	  **
pgm_revision_children(const char *id, int *n)
{
	return get_ids(&children_query, id, n);
}

char	  **
pgm_revision_dependents(const char *id, int *n)
{
	return get_ids(&dependents_query, id, n);
}

char	  **
pgm_revision_made_from(const char *id, int *n)
{
	return get_ids(&made_from_query, id, n);
}

/* Is this text an id or a label already, and of which revision? */
bool
pgm_revision_name_used(const char *name, char **revision)
{
	int			n;
	char	  **ids = get_ids(&name_query, name, &n);

	*revision = n > 0 ? ids[0] : NULL;
	return n > 0;
}

static bool
read_graph(PgmQuery *query, PgmGraph **result, int64 **seqs,
		   PgmGraphError *error)
{
	PgmSpiScope scope;
	MemoryContext old;
	PgmGraph   *graph;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(query, NULL, NULL);
	old = MemoryContextSwitchTo(scope.outer);
	graph = pgm_graph_create((int) rows);
	*seqs = palloc(sizeof(int64) * Max(rows, 1));
	for (uint64 i = 1; i <= rows; i++)
	{
		int			nparents;
		int			ndepends;
		int			nlabels;
		char	   *id = pgm_spi_text(i, 1);
		char	  **parents = pgm_spi_text_array(i, 2, &nparents);
		char	  **depends = pgm_spi_text_array(i, 3, &ndepends);
		char	  **labels = pgm_spi_text_array(i, 4, &nlabels);

		(*seqs)[i - 1] = pgm_spi_int64(i, 5);
		pgm_graph_add(graph, id, nparents, parents, ndepends, depends,
					  nlabels, labels);
	}
	MemoryContextSwitchTo(old);
	pgm_spi_end(&scope);
	*result = graph;
	return pgm_graph_seal(graph, error);
}

/* In load order, so ranks in the graph follow it. */
PgmGraph *
pgm_revision_graph(int64 **seqs)
{
	PgmGraph   *graph;
	PgmGraphError error = {PGM_GRAPH_OK};

	if (!read_graph(&graph_query, &graph, seqs, &error))
		pgm_graph_raise(&error);
	return graph;
}

/* The same to be looked at, with what is missing in it as revisions. */
PgmGraph *
pgm_revision_graph_with_holes(int64 **seqs)
{
	PgmGraph   *graph;
	PgmGraphError error = {PGM_GRAPH_OK};

	if (!read_graph(&holes_query, &graph, seqs, &error))
		pgm_graph_raise(&error);
	return graph;
}

/* Who names as a parent what is not stored?  Then its row was lost. */
char *
pgm_revision_child_of_lost(const char *id, bool thorough)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *child = NULL;

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	if (thorough || pgm_spi_execute(&known_query, values, NULL) > 0)
	{
		if (pgm_spi_execute(&lost_child_query, values, NULL) > 0)
			child = pgm_spi_text(1, 1);
	}
	pgm_spi_end(&scope);
	return child;
}

/* It is loaded again below revisions that are stored. */
void
pgm_revision_unhead(const char *id)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&unhead_query, values, NULL);
	pgm_spi_end(&scope);
}
