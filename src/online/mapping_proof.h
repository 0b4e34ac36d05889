/*-------------------------------------------------------------------------
 *
 * mapping_proof.h
 *	  Does what becomes of a new value make that value again?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_MAPPING_PROOF_H
#define PGM_ONLINE_MAPPING_PROOF_H

#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "utils/relcache.h"

#include "online/mapping.h"

/* An expression of USING: is it a cast of that column, and nothing more? */
extern bool pgm_using_is_cast(Node *using, const char *column);

/* Which of the subcommands changes the type of the column, or NULL. */
extern AlterTableCmd *pgm_retyping(List *commands, const char *column);

/*
 * "again" makes the new value of a row as it was: for its columns it gets what
 * the list has for them.  Is that what "made" has?  Where the list has NULL for
 * one the column stays itself, if "stays", or there is no proof: NULL.  Nor is
 * there where values of the type cannot be compared.
 */
extern Node *pgm_mapping_proof(Node *again, List *columns, bool stays,
							   Var *made);

/*
 * As text, and from it: the expressions of the columns, and their proofs, NIL
 * where there are none.
 */
extern char *pgm_mapping_to_text(List *columns, List *proofs);
extern List *pgm_mapping_columns(const char *text);
extern List *pgm_mapping_proofs(const char *text);

/*
 * mapping.c: what the way back of one column of the target would be like, as
 * pgm_mapping_make_back finds it.
 */
extern PgmMappingText *pgm_mapping_foresee_back(Relation source,
												Relation target,
												AttrNumber column,
												const PgmInverse *inverse);

/* May it raise an error, as it is planned now? */
extern bool pgm_mapping_may_fail(Node *planned);

#endif							/* PGM_ONLINE_MAPPING_PROOF_H */
