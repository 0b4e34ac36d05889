/*-------------------------------------------------------------------------
 *
 * announcement.c
 *	  What is about to be run is announced, and somebody acknowledges that.
 *
 * An announcement is an event about the digest of a plan, as an attestation
 * is about one: with any change of the revisions it stands for nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "gate/announcement.h"
#include "gate/consumers.h"
#include "gate/outbox.h"

/*
 * The newest announcement of the plan, and who has acknowledged it: what is
 * older than the first open event of a consumer is settled.  That a command
 * was told is not that somebody has read it.
 */
static PgmQuery announcement_query = {
	"SELECT e.role, e.time::text, a.consumer, a.role "
	"FROM pgmigrate.event e LEFT JOIN LATERAL ("
	"SELECT c.consumer, c.role FROM pgmigrate.event_consumer c "
	"WHERE c.consumer <> '" PGM_COMMAND_CONSUMER "' AND (e.xid < c.settled "
	"OR EXISTS (SELECT FROM pgmigrate.event_delivery d "
	"WHERE d.consumer = c.consumer AND d.event = e.id AND d.acknowledged)) "
	"ORDER BY c.consumer LIMIT 1) AS a ON true "
	"WHERE e.kind = 'announcement' AND e.payload ->> 'digest' = $1 "
	"ORDER BY a.consumer IS NULL, e.id DESC LIMIT 1",
	1, {TEXTOID}
};

bool
pgm_announcement_acknowledged(const char *digest, const char **detail)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *by = NULL;
	char	   *when = NULL;
	char	   *consumer = NULL;
	char	   *role = NULL;

	values[0] = pgm_text_datum(digest);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&announcement_query, values, NULL) > 0)
	{
		by = pgm_spi_text(1, 1);
		when = pgm_spi_text(1, 2);
		consumer = pgm_spi_text(1, 3);
		role = pgm_spi_text(1, 4);
	}
	pgm_spi_end(&scope);
	if (by == NULL)
		*detail = "nobody has acknowledged an announcement of it, nor attested it";
	else if (consumer == NULL)
		*detail = psprintf("%s announced it at %s, and nobody has acknowledged that",
						   by, when);
	else
		*detail = psprintf("%s announced it at %s, and consumer \"%s\" of %s acknowledged that",
						   by, when, consumer, role);
	return consumer != NULL;
}

int64
pgm_announce(const char *target, const char *note, const PgmPlan *plan)
{
	int			n = plan->steps.nsteps;
	Datum	   *ids = palloc(sizeof(Datum) * Max(n, 1));

	if (n == 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("there is nothing to announce"),
				errdetail("An upgrade to \"%s\" has nothing to do.", target));
	for (int i = 0; i < n; i++)
		ids[i] = pgm_text_datum(pgm_graph_id(plan->graph,
											 plan->steps.steps[i].rev));
	return pgm_outbox_announce(target, pgm_plan_digest(plan),
							   pgm_array_datum(TEXTOID, n, ids), note);
}
