/*-------------------------------------------------------------------------
 *
 * checklist.h
 *	  What must be true before a launch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_CHECKLIST_H
#define PGM_GATE_CHECKLIST_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "assess/assess.h"

typedef enum PgmItemState
{
	PGM_ITEM_OK,
	PGM_ITEM_MISSING,
	PGM_ITEM_EXPIRED,
	PGM_ITEM_FAILED
} PgmItemState;

typedef struct PgmChecklistItem
{
	const char *item;
	PgmItemState state;
	const char *detail;
	const char *attested_by;	/* NULL if it is not attested */
	TimestampTz attested_at;
	TimestampTz valid_until;
} PgmChecklistItem;

extern const char *pgm_item_state_name(PgmItemState state);

/*
 * Of PgmChecklistItem *, for what the plan would run.  With "impact" it is
 * assessed; else that item is left out.  In a transaction.
 */
extern List *pgm_checklist(const PgmPlan *plan, bool impact);

/* Raises an error for an item that there is not. */
extern void pgm_attest(const char *item, const char *note,
					   TimestampTz valid_until, const PgmPlan *plan);

/*
 * Somebody reads the metrics; false where that cannot be written, or was just
 * now.
 */
extern bool pgm_scrape_record(void);

/* An item of the team: a query that must be true; NULL takes it away. */
extern void pgm_checklist_require(const char *item, const char *query);

/*
 * The one question of a run: may this plan run here?  Raises an error if not.
 * The reason for which the checklist was overridden, else NULL.
 */
extern const char *pgm_gate_check(const PgmPlan *plan,
								  const PgmAllowance *allowance, bool online);

#endif							/* PGM_GATE_CHECKLIST_H */
