/*-------------------------------------------------------------------------
 *
 * approvals.c
 *	  How many others than its authors have approved a revision.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/varlena.h"

#include "base/settings.h"
#include "base/spi.h"
#include "gate/approvals.h"

/* Who approved what is stored now; 0 for a role that is gone. */
static PgmQuery approvals_query = {
	"SELECT DISTINCT coalesce(CASE WHEN c.system_identifier = "
	"pgmigrate.system_identifier() "
	"THEN (SELECT a.oid FROM pg_authid a WHERE a.oid = c.changed_by_oid) "
	"ELSE (SELECT a.oid FROM pg_authid a WHERE a.rolname = c.changed_by) "
	"END, 0)::int8, c.changed_by FROM pgmigrate.revision_change c "
	"WHERE c.revision = $1 AND c.change = 'approve' AND c.digest = $2 "
	"ORDER BY 2",
	2, {TEXTOID, TEXTOID}
};

/* Is it one of the roles that may approve, or a member of one? */
static bool
may_approve(Oid role)
{
	List	   *names;
	ListCell   *lc;

	if (pgm_approvers[0] == '\0')
		return true;
	if (!SplitIdentifierString(pstrdup(pgm_approvers), ',', &names))
		return false;
	foreach(lc, names)
	{
		Oid			approver = get_role_oid(lfirst(lc), true);

		if (OidIsValid(approver) && is_member_of_role_nosuper(role, approver))
			return true;
	}
	return false;
}

/* Is it, or can it speak as, one of the roles, or one of them as it? */
static bool
is_same(Oid role, const Oid *others, int n)
{
	for (int i = 0; i < n; i++)
		if (is_member_of_role_nosuper(others[i], role) ||
			is_member_of_role_nosuper(role, others[i]))
			return true;
	return false;
}

static bool
is_author(const PgmRevision *revision, Oid role)
{
	return is_same(role, &revision->author_role, 1) ||
		is_same(role, revision->coauthor_roles, revision->ncoauthors);
}

bool
pgm_approvals_is_author(const PgmRevision *revision, Oid role)
{
	const PgmRevision *from = revision->template_id == NULL ? NULL :
		pgm_revision_get(revision->template_id);

	return is_author(revision, role) ||
		(from != NULL && is_author(from, role));
}

/* Of how many roles the approval counts; tells why those of others do not. */
static int
count_approvals(const PgmRevision *revision, StringInfo others)
{
	PgmSpiScope scope;
	Datum		values[2];
	uint64		rows;
	Oid		   *roles;
	char	  **names;
	int			n = 0;

	values[0] = pgm_text_datum(revision->id);
	values[1] = pgm_text_datum(revision->digest);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&approvals_query, values, NULL);
	roles = MemoryContextAlloc(scope.outer, sizeof(Oid) * (rows + 1));
	names = MemoryContextAlloc(scope.outer, sizeof(char *) * (rows + 1));
	for (uint64 i = 0; i < rows; i++)
	{
		roles[i] = (Oid) pgm_spi_int64(i + 1, 1);
		names[i] = pgm_spi_text(i + 1, 2);
	}
	pgm_spi_end(&scope);
	for (uint64 i = 0; i < rows; i++)
	{
		const char *why = NULL;

		if (!OidIsValid(roles[i]))
			why = "does not exist any more";
		else if (!may_approve(roles[i]) ||
				 (!pgm_approve_own && roles[i] == revision->author_role))
			continue;
		else if (!pgm_approve_own &&
				 pgm_approvals_is_author(revision, roles[i]))
			why = "is one with an author of it by membership";
		else if (is_same(roles[i], roles, n))
			why = "is one with another by membership";
		else
			roles[n++] = roles[i];
		if (why != NULL)
			appendStringInfo(others, "; role \"%s\", which approved it, %s",
							 names[i], why);
	}
	return n;
}

/*
 * Of a revision that was made from another one for a schema those of that one
 * count too, while it is what it was made from: it adds nothing but the
 * search_path, which its author could have set for the other one as well.
 */
int
pgm_approvals_count(const PgmRevision *revision, StringInfo others)
{
	int			n = count_approvals(revision, others);
	PgmRevision *from;

	if (n >= pgm_approvals || revision->template_id == NULL)
		return n;
	from = pgm_revision_get(revision->template_id);
	if (from == NULL || strcmp(from->digest, revision->template_digest) != 0)
		return n;
	return Max(n, count_approvals(from, others));
}
