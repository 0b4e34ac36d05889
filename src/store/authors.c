/*-------------------------------------------------------------------------
 *
 * authors.c
 *	  Whose SQL a revision is, and for whom it may run.
 *
 * To run a revision lends the rights of the caller to those who wrote it.  So
 * all of them must have these rights, or one who approved it.  They are told
 * by OID: a name may be given to another role.  What is made for a schema is
 * theirs too who can have something found there before what the server has.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "store/authors.h"
#include "store/schema_trust.h"

/* One row for each set of authors and approver that the revisions have. */
static PgmQuery authors_query = {
	"SELECT DISTINCT ON (author, coauthors, approver) "
	"name, author, coauthors, approver, id FROM ("
	"SELECT array_to_string(r.author || r.coauthors, ', ') AS name, "
	PGM_AUTHOR_ROLE " AS author, " PGM_COAUTHOR_ROLES " AS coauthors, "
	"CASE WHEN r.approved_digest = r.digest THEN " PGM_APPROVER_ROLE
	" ELSE 0 END AS approver, r.id "
	"FROM unnest($1) AS u (id) JOIN pgmigrate.revision r ON r.id = u.id) AS a",
	1, {TEXTARRAYOID}
};

/* The schemas that they are made for. */
static PgmQuery schemas_query = {
	"SELECT DISTINCT r.for_schema FROM unnest($1) AS u (id) "
	"JOIN pgmigrate.revision r ON r.id = u.id "
	"WHERE r.for_schema IS NOT NULL ORDER BY 1",
	1, {TEXTARRAYOID}
};

bool
pgm_text_is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n\f\v")] == '\0';
}

static bool
is_kept(const char *now, const char *before)
{
	return !pgm_text_is_blank(before) && now != NULL &&
		strcmp(now, before) == 0;
}

static void
add_coauthor(PgmRevision *revision, char *name, Oid role)
{
	int			n = revision->ncoauthors;

	for (int i = 0; i < n; i++)
		if (revision->coauthor_roles[i] == role &&
			strcmp(revision->coauthors[i], name) == 0)
			return;
	revision->coauthors[n] = name;
	revision->coauthor_roles[n] = role;
	revision->ncoauthors++;
}

void
pgm_author_changes(PgmRevision *revision, const PgmRevision *before, Oid role)
{
	bool		any_kept = is_kept(revision->upgrade, before->upgrade) ||
		is_kept(revision->downgrade, before->downgrade) ||
		is_kept(revision->verify, before->verify);

	revision->ncoauthors = 0;
	revision->coauthors = palloc(sizeof(char *) * (before->ncoauthors + 1));
	revision->coauthor_roles = palloc(sizeof(Oid) * (before->ncoauthors + 1));
	revision->author = GetUserNameFromId(role, false);
	revision->author_role = role;
	if (!any_kept)
		return;
	if (before->author_role != role)
		add_coauthor(revision, before->author, before->author_role);
	for (int i = 0; i < before->ncoauthors; i++)
		if (before->coauthor_roles[i] != role)
			add_coauthor(revision, before->coauthors[i],
						 before->coauthor_roles[i]);
}

/* A role that was dropped has no rights. */
bool
pgm_role_has_rights_of(Oid role, Oid runner)
{
	return OidIsValid(role) &&
		SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)) &&
		has_privs_of_role(role, runner);
}

static bool
is_trusted(const PgmRevision *revision, Oid runner)
{
	if (pgm_role_has_rights_of(revision->approver_role, runner))
		return true;
	for (int i = 0; i < revision->ncoauthors; i++)
		if (!pgm_role_has_rights_of(revision->coauthor_roles[i], runner))
			return false;
	return pgm_role_has_rights_of(revision->author_role, runner);
}

static void
refuse_author(const char *revision, const char *names, bool several,
			  Oid runner)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("revision \"%s\" was written by a role that does not have the privileges of role \"%s\"",
				   revision, GetUserNameFromId(runner, false)),
			several ?
			errdetail("Its authors are \"%s\"; its SQL would run with rights that one of them does not have.",
					  names) :
			errdetail("Its author is \"%s\"; its SQL would run with rights that its author does not have.",
					  names),
			errhint("Read it with pgmigrate.show(), then let it run with pgmigrate.approve(), or run it as a role whose privileges its author has."));
}

/* The names of those who wrote it. */
static char *
names_of(const PgmRevision *revision)
{
	StringInfoData names;

	initStringInfo(&names);
	appendStringInfoString(&names, revision->author);
	for (int i = 0; i < revision->ncoauthors; i++)
		appendStringInfo(&names, ", %s", revision->coauthors[i]);
	return names.data;
}

char *
pgm_revision_why_not_trusted(const PgmRevision *revision)
{
	if (!is_trusted(revision, GetUserId()))
		return psprintf("its author \"%s\" does not have the privileges of role \"%s\"",
						revision->author,
						GetUserNameFromId(GetUserId(), false));
	return revision->for_schema == NULL ? NULL :
		pgm_schema_why_not_trusted(revision->for_schema, GetUserId());
}

bool
pgm_revision_is_trusted(const PgmRevision *revision)
{
	return pgm_revision_why_not_trusted(revision) == NULL;
}

void
pgm_revision_check_trusted(const PgmRevision *revision)
{
	if (!is_trusted(revision, GetUserId()))
		refuse_author(revision->id, names_of(revision),
					  revision->ncoauthors > 0, GetUserId());
	if (revision->for_schema != NULL)
		pgm_schema_check_trusted(revision->for_schema, GetUserId(), false);
}

static void
check_schemas(int n, char **ids, Oid role)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	char	  **schemas;

	values[0] = pgm_text_array_datum(n, ids);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&schemas_query, values, NULL);
	schemas = MemoryContextAlloc(scope.outer, sizeof(char *) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
		schemas[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	for (uint64 i = 0; i < rows; i++)
		pgm_schema_check_trusted(schemas[i], role, false);
}

void
pgm_authors_check(int n, char **ids, Oid role)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	PgmRevision *revisions;

	values[0] = pgm_text_array_datum(n, ids);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&authors_query, values, NULL);
	revisions = MemoryContextAllocZero(scope.outer, sizeof(PgmRevision) *
									   Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
	{
		revisions[i].author = pgm_spi_text(i + 1, 1);
		revisions[i].author_role = (Oid) pgm_spi_int64(i + 1, 2);
		revisions[i].coauthor_roles = pgm_spi_oid_array(i + 1, 3,
														&revisions[i].ncoauthors);
		revisions[i].approver_role = (Oid) pgm_spi_int64(i + 1, 4);
		revisions[i].id = pgm_spi_text(i + 1, 5);
	}
	pgm_spi_end(&scope);

	/* after the scope: inside of it the current user is another */
	for (uint64 i = 0; i < rows; i++)
		if (!is_trusted(&revisions[i], role))
			refuse_author(revisions[i].id, revisions[i].author,
						  revisions[i].ncoauthors > 0, role);
	check_schemas(n, ids, role);
}
