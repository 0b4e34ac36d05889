/*-------------------------------------------------------------------------
 *
 * revision_change.c
 *	  Who amended, removed and approved revisions, and what they were before.
 *
 * Rows are only ever added.  What was read by a reviewer, or ran before a
 * downgrade, can be told from what is stored now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "base/spi.h"
#include "store/authors.h"
#include "store/revision_change.h"

static PgmQuery keep_query = {
	"INSERT INTO pgmigrate.revision_change (revision, change, changed_by, "
	"changed_by_oid, digest, author, coauthors, author_oid, coauthor_oids, "
	"message, upgrade, downgrade, verify, transactional, down_revision) "
	"SELECT r.id, $2, $3, $4, r.digest, r.author, r.coauthors, "
	"(" PGM_AUTHOR_ROLE ")::oid, (" PGM_COAUTHOR_ROLES ")::oid[], "
	"x.message, x.upgrade, x.downgrade, x.verify, x.transactional, "
	"CASE $2 WHEN 'remove' THEN x.down_revision END "
	"FROM pgmigrate.revision r LEFT JOIN pgmigrate.revision x ON x.id = r.id "
	"AND $2 <> 'approve' WHERE r.id = $1",
	4, {TEXTOID, TEXTOID, TEXTOID, OIDOID}
};

/* Of a removal, what was stored under the id before. */
static PgmQuery texts_query = {
	"SELECT c.upgrade, c.downgrade, c.verify, c.transactional, c.digest "
	"FROM pgmigrate.revision_change c "
	"WHERE c.revision = $1 AND c.upgrade IS NOT NULL "
	"AND CASE WHEN $2 IS NULL THEN c.id > coalesce((SELECT max(d.id) "
	"FROM pgmigrate.revision_change d "
	"WHERE d.revision = $1 AND d.change = 'remove'), 0) "
	"ELSE c.digest = $2 END ORDER BY c.id LIMIT 1",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery approval_query = {
	"SELECT c.digest, c.changed_by FROM pgmigrate.revision_change c "
	"WHERE c.revision = $1 AND c.change = 'approve' "
	"ORDER BY c.id DESC LIMIT 1",
	1, {TEXTOID}
};

static void
keep(const PgmRevision *revision, const char *change)
{
	PgmSpiScope scope;
	Datum		values[4];
	Oid			role = GetUserId();

	values[0] = pgm_text_datum(revision->id);
	values[1] = pgm_text_datum(change);
	values[2] = pgm_text_datum(GetUserNameFromId(role, false));
	values[3] = ObjectIdGetDatum(role);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&keep_query, values, NULL);
	pgm_spi_end(&scope);
}

void
pgm_change_keep_texts(const PgmRevision *before, const char *change)
{
	keep(before, change);
}

void
pgm_change_keep_approval(const PgmRevision *revision)
{
	keep(revision, "approve");
}

PgmRevision *
pgm_change_texts(const char *id, const char *digest)
{
	PgmSpiScope scope;
	PgmRevision *result = NULL;
	Datum		values[2];
	bool		nulls[2] = {false};

	values[0] = pgm_text_datum(id);
	pgm_set_text(values, nulls, 1, digest);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&texts_query, values, nulls) > 0)
	{
		result = MemoryContextAllocZero(scope.outer, sizeof(PgmRevision));
		result->upgrade = pgm_spi_text(1, 1);
		result->downgrade = pgm_spi_text(1, 2);
		result->verify = pgm_spi_text(1, 3);
		result->transactional = pgm_spi_isnull(1, 4) ? PGM_UNSET :
			pgm_spi_bool(1, 4) ? PGM_TRUE : PGM_FALSE;
		result->digest = pgm_spi_text(1, 5);
	}
	pgm_spi_end(&scope);
	return result;
}

bool
pgm_change_last_approval(const char *id, char **digest, char **role)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		found;

	values[0] = pgm_text_datum(id);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&approval_query, values, NULL) > 0;
	if (found)
	{
		*digest = pgm_spi_text(1, 1);
		*role = pgm_spi_text(1, 2);
	}
	pgm_spi_end(&scope);
	return found;
}
