/*-------------------------------------------------------------------------
 *
 * message.c
 *	  Revisions and rows of a rehearsal as parts of messages.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "rehearse/internal.h"

void
pgm_rehearse_put_optional(StringInfo message, const char *text)
{
	pq_sendbyte(message, text != NULL);
	pgm_scratch_put_text(message, text == NULL ? "" : text);
}

char *
pgm_rehearse_get_optional(StringInfo message)
{
	bool		there = pq_getmsgbyte(message) != 0;
	char	   *text = pgm_scratch_get_text(message);

	return there ? text : NULL;
}

void
pgm_rehearse_put_revision(StringInfo message, const PgmRevision *revision)
{
	pgm_scratch_put_text(message, revision->id);
	pgm_scratch_put_text(message, revision->upgrade);
	pgm_rehearse_put_optional(message, revision->downgrade);
	pgm_rehearse_put_optional(message, revision->verify);
	pq_sendint32(message, (int) revision->transactional);
	pgm_rehearse_put_optional(message, revision->for_schema);
}

PgmRevision *
pgm_rehearse_get_revision(StringInfo message)
{
	PgmRevision *revision = palloc0(sizeof(PgmRevision));

	revision->id = pgm_scratch_get_text(message);
	revision->upgrade = pgm_scratch_get_text(message);
	revision->downgrade = pgm_rehearse_get_optional(message);
	revision->verify = pgm_rehearse_get_optional(message);
	revision->transactional = (PgmTristate) (int) pq_getmsgint(message, 4);
	revision->for_schema = pgm_rehearse_get_optional(message);
	return revision;
}

void
pgm_rehearse_put_watched(StringInfo message, const PgmWatched *watched)
{
	pgm_scratch_put_text(message, watched->name);
	pgm_scratch_put_text(message, watched->query);
	pgm_scratch_put_text(message, watched->search_path);
	pq_sendint32(message, watched->role);
	pq_sendint32(message, watched->nparameters);
	for (int i = 0; i < watched->nparameters; i++)
		pgm_rehearse_put_optional(message, watched->parameters[i]);
}

PgmWatched *
pgm_rehearse_get_watched(StringInfo message)
{
	PgmWatched *watched = palloc0(sizeof(PgmWatched));

	watched->name = pgm_scratch_get_text(message);
	watched->query = pgm_scratch_get_text(message);
	watched->search_path = pgm_scratch_get_text(message);
	watched->role = (Oid) pq_getmsgint(message, 4);
	watched->nparameters = pq_getmsgint(message, 4);
	watched->parameters = palloc(sizeof(char *) *
								 Max(watched->nparameters, 1));
	for (int i = 0; i < watched->nparameters; i++)
		watched->parameters[i] = pgm_rehearse_get_optional(message);
	return watched;
}

void
pgm_rehearse_put_row(StringInfo message, const PgmRehearsalRow *row)
{
	pq_sendint32(message, row->step);
	pgm_rehearse_put_optional(message, row->revision);
	pgm_rehearse_put_optional(message, row->direction);
	pgm_scratch_put_text(message, row->state);
	pq_sendint64(message, row->duration);
	pgm_rehearse_put_optional(message, row->fingerprint);
	pq_sendbyte(message, row->ok);
	pgm_rehearse_put_optional(message, row->detail);
}

void
pgm_rehearse_get_row(StringInfo message, PgmRehearsalRow *row)
{
	row->step = pq_getmsgint(message, 4);
	row->revision = pgm_rehearse_get_optional(message);
	row->direction = pgm_rehearse_get_optional(message);
	row->state = pgm_scratch_get_text(message);
	row->duration = pq_getmsgint64(message);
	row->fingerprint = pgm_rehearse_get_optional(message);
	row->ok = pq_getmsgbyte(message) != 0;
	row->detail = pgm_rehearse_get_optional(message);
}
