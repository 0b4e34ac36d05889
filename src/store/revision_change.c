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
#include "store/revision_change.h"

static PgmQuery keep_query = {
	"INSERT INTO pgmigrate.revision_change (revision, change, changed_by, "
	"changed_by_oid, digest, author, coauthors, message, upgrade, downgrade, "
	"verify, transactional, down_revision) "
	"SELECT r.id, $2, $3, $4, r.digest, r.author, r.coauthors, "
	"x.message, x.upgrade, x.downgrade, x.verify, x.transactional, "
	"CASE $2 WHEN 'remove' THEN x.down_revision END "
	"FROM pgmigrate.revision r LEFT JOIN pgmigrate.revision x ON x.id = r.id "
	"AND $2 <> 'approve' WHERE r.id = $1",
	4, {TEXTOID, TEXTOID, TEXTOID, OIDOID}
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
