/*-------------------------------------------------------------------------
 *
 * proof_rows.h
 *	  The lists of a generated verification, and their queries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_PROOF_ROWS_H
#define PGM_RUN_PROOF_ROWS_H

#include "lib/stringinfo.h"

typedef enum PgmProofClass
{
	PGM_PROOF_SCHEMA,
	PGM_PROOF_TYPE,
	PGM_PROOF_FUNCTION,
	PGM_PROOF_RELATION,
	PGM_PROOF_SEQUENCE,
	PGM_PROOF_COLUMN,
	PGM_PROOF_INDEX,
	PGM_PROOF_CONSTRAINT,
	PGM_PROOF_TRIGGER,
	PGM_PROOF_POLICY,
	PGM_PROOF_PRIVILEGES,
	PGM_PROOF_COLUMN_PRIVILEGES,
	PGM_PROOF_FUNCTION_PRIVILEGES,
	PGM_PROOF_SCHEMA_PRIVILEGES,
	PGM_PROOF_COMMENT
} PgmProofClass;

#define PGM_PROOF_CLASSES (PGM_PROOF_COMMENT + 1)

/* By class; zero is none. */
typedef struct PgmProofLists
{
	StringInfoData rows[PGM_PROOF_CLASSES];
	int			total;			/* bytes of all */
} PgmProofLists;

/* A row, its values in the order of its class; NULL if the list is full. */
extern StringInfo pgm_proof_begin_row(PgmProofLists *lists,
									  PgmProofClass class, const char *title);
extern void pgm_proof_text(StringInfo row, const char *text);
extern void pgm_proof_bool(StringInfo row, bool value);
extern void pgm_proof_char(StringInfo row, char c);
extern void pgm_proof_end_row(PgmProofLists *lists, StringInfo row);

/*
 * The queries for what is to be there, which may be NULL, and for what is not;
 * NULL if there is nothing in the lists.
 */
extern char *pgm_proof_compose(const PgmProofLists *there,
							   const PgmProofLists *gone);

#endif							/* PGM_RUN_PROOF_ROWS_H */
