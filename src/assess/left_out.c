/*-------------------------------------------------------------------------
 *
 * left_out.c
 *	  What is told of relations that were not cloned for being like others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "assess/left_out.h"
#include "classify/related_relations.h"
#include "clone/clone_sql.h"

/* The indexes of one fare like those of the other. */
static void
note_alike_indexes(PgmVerdict *verdict, Oid relid, Oid like)
{
	LOCKMODE	mode = NoLock;
	ListCell   *lc;

	foreach(lc, pgm_related_indexes(like))
	{
		const PgmEffect *effect = pgm_verdict_find(verdict, lfirst_oid(lc));

		if (effect != NULL && effect->tried)
			mode = Max(mode, effect->mode);
	}
	if (mode == NoLock)
		return;
	foreach(lc, pgm_related_indexes(relid))
		pgm_verdict_effect(verdict, lfirst_oid(lc), mode)->tried = true;
}

/* Tables that refer to one of the statement's, and were left out. */
static void
note_alike(const PgmClones *clones, PgmVerdict *verdict)
{
	List	   *alike = clones->alike;
	int			left_out = 0;
	List	   *kinds = NIL;

	for (int i = 0; i < list_length(alike); i += 2)
	{
		Oid			relid = list_nth_oid(alike, i);
		PgmEffect  *like = pgm_verdict_find(verdict,
											list_nth_oid(alike, i + 1));
		PgmEffect  *effect;

		if (like == NULL || !like->tried || like->mode == NoLock ||
			like->named)
			continue;
		effect = pgm_verdict_effect(verdict, relid, like->mode);
		effect->tried = true;
		effect->rewrites = like->rewrites;
		effect->scans = like->scans;
		note_alike_indexes(verdict, relid, like->relid);
		left_out++;
		kinds = list_append_unique_oid(kinds, like->relid);
	}

	/* their keys and triggers are locked as well, each of them */
	if (kinds != NIL)
		verdict->nobjects += (int64) verdict->nobjects * left_out /
			(list_length(kinds) * PGM_CLONE_OF_KIND);
}

/* Partitions that were left out fare like the one that stands for them. */
static void
note_partitions(const PgmClones *clones, PgmVerdict *verdict)
{
	List	   *effects = list_copy(verdict->effects);
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, effects)
	{
		PgmEffect  *like = lfirst(lc);

		if (!like->tried || like->mode == NoLock)
			continue;
		foreach(other, pgm_sample_alike(clones->sample, like->relid))
		{
			PgmEffect  *effect = pgm_verdict_effect(verdict, lfirst_oid(other),
													like->mode);

			effect->tried = true;
			effect->like = like->relid;
			effect->rewrites = like->rewrites;
			effect->scans = like->scans;
		}
	}
}

void
pgm_note_left_out(const PgmClones *clones, PgmVerdict *verdict)
{
	note_partitions(clones, verdict);
	note_alike(clones, verdict);
}
