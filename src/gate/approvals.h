/*-------------------------------------------------------------------------
 *
 * approvals.h
 *	  How many others than its authors have approved a revision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_APPROVALS_H
#define PGM_GATE_APPROVALS_H

#include "lib/stringinfo.h"

#include "store/revision.h"

/* Of how many roles it counts; tells why approvals of others do not. */
extern int	pgm_approvals_count(const PgmRevision *revision,
								StringInfo others);

/*
 * Could an author have spoken as this role, or who has it as an author?  Of
 * what was made from a template its authors are those of both.
 */
extern bool pgm_approvals_is_author(const PgmRevision *revision, Oid role);

#endif							/* PGM_GATE_APPROVALS_H */
