/*-------------------------------------------------------------------------
 *
 * changes.c
 *	  What became of the SQL of a revision.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/printable.h"
#include "monitor/changes.h"
#include "monitor/line_diff.h"
#include "store/revision_change.h"

/* Digits of a digest that tell it from others of the revision. */
#define PGM_DIGEST_SHOWN 12

static void
put_text(StringInfo out, const char *what, const char *before,
		 const char *after, const char *origin, const PgmRevision *then,
		 const PgmRevision *now)
{
	StringInfoData hunks;

	initStringInfo(&hunks);
	pgm_line_diff(&hunks, before ? before : "", after ? after : "");
	if (hunks.len == 0 && (before == NULL) == (after == NULL))
		return;
	appendStringInfo(out, "--- %s%s, %.*s%s\n+++ %s%s, %.*s\n%s",
					 what, before ? "" : " (none)",
					 PGM_DIGEST_SHOWN, then->digest, origin,
					 what, after ? "" : " (none)",
					 PGM_DIGEST_SHOWN, now->digest, hunks.data);
}

static const char *
transactional(const PgmRevision *revision)
{
	switch (revision->transactional)
	{
		case PGM_TRUE:
			return "true\n";
		case PGM_FALSE:
			return "false\n";
		case PGM_UNSET:
			break;
	}
	return "as the statements allow\n";
}

static char *
difference(const PgmRevision *then, const PgmRevision *now,
		   const char *origin)
{
	StringInfoData out;

	initStringInfo(&out);
	put_text(&out, "upgrade", then->upgrade, now->upgrade, origin, then, now);
	put_text(&out, "downgrade", then->downgrade, now->downgrade, origin, then,
			 now);
	put_text(&out, "verify", then->verify, now->verify, origin, then, now);
	put_text(&out, "transactional", transactional(then), transactional(now),
			 origin, then, now);
	return out.data;
}

char *
pgm_changes_since(const PgmRevision *now, const char *digest)
{
	const PgmRevision *then = strcmp(now->digest, digest) == 0 ? now :
		pgm_change_texts(now->id, digest);

	if (then == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("revision \"%s\" never had the digest \"%s\"",
					   now->id, digest),
				errhint("Table \"%s\" has the digests that it had.",
						"pgmigrate.revision_change"));
	return difference(then, now, "");
}

char *
pgm_changes_since_approval(const PgmRevision *now)
{
	char	   *digest;
	char	   *role;
	const PgmRevision *then;

	if (!pgm_change_last_approval(now->id, &digest, &role))
		return NULL;
	then = strcmp(now->digest, digest) == 0 ? now :
		pgm_change_texts(now->id, digest);
	if (then == NULL)
		return NULL;
	return difference(then, now,
					  psprintf(", approved by %s", pgm_printable_line(role)));
}

char *
pgm_changes_since_stored(const PgmRevision *now)
{
	const PgmRevision *then = pgm_change_texts(now->id, NULL);

	return then == NULL ? pstrdup("") :
		difference(then, now, ", as it was stored");
}
