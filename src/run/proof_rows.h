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

#include "exec/changed_objects.h"

typedef enum PgmProofClass
{
	PGM_PROOF_SCHEMA,
	PGM_PROOF_TYPE,
	PGM_PROOF_ENUM,
	PGM_PROOF_DOMAIN,
	PGM_PROOF_FUNCTION,
	PGM_PROOF_RELATION,
	PGM_PROOF_SEQUENCE,
	PGM_PROOF_COLUMN,
	PGM_PROOF_INDEX,
	PGM_PROOF_OPTIONS,
	PGM_PROOF_CONSTRAINT,
	PGM_PROOF_TRIGGER,
	PGM_PROOF_POLICY,
	PGM_PROOF_RULE,
	PGM_PROOF_STATISTICS,
	PGM_PROOF_EVENT_TRIGGER,
	PGM_PROOF_PUBLICATION,
	PGM_PROOF_PUBLISHED,
	PGM_PROOF_PUBLISHED_SCHEMA,
	PGM_PROOF_PLAIN,
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

typedef struct PgmProofWriter
{
	PgmProofLists there;		/* after the upgrade */
	PgmProofLists gone;			/* after it */
	PgmProofLists undone;		/* gone after the downgrade */
	List	   *objects;		/* titles of what it did something to */
	List	   *made;			/* of undone */
	List	   *before;			/* what was there under another address */
	bool		pinned;			/* the settings */
} PgmProofWriter;

/* Is it among titles? */
extern bool pgm_proof_is_among(const List *titles, const char *title);

/* Names, NULL after the last, of what must not be there. */
extern void pgm_proof_absent(PgmProofLists *lists, PgmProofClass class,
							 const char *title, const char *a, const char *b,
							 const char *c);

/* Something that the revision has made: its downgrade is to take it away. */
extern void pgm_proof_made(PgmProofWriter *writer,
						   const PgmChangedObject *object,
						   PgmProofClass class, char *title, const char *a,
						   const char *b, const char *c);

/* Begin the row of something on a relation, and say that it was made. */
extern StringInfo pgm_proof_on_relation(PgmProofWriter *writer,
										const PgmChangedObject *object,
										PgmProofClass class, char *title,
										Oid relid, const char *name);

/* What an enum or a domain is like, and the options of a relation. */
extern void pgm_proof_type_details(PgmProofWriter *writer, Oid type,
								   const char *title);
extern void pgm_proof_options(PgmProofWriter *writer, HeapTuple class,
							  const char *title);

/* Of the kinds that are no relation, nor a part of one. */
extern void pgm_proof_object(PgmProofWriter *writer,
							 const PgmChangedObject *object, char *title);

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
