/*-------------------------------------------------------------------------
 *
 * mentions.h
 *	  Texts of statements and functions that mention a relation by its name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_MENTIONS_H
#define PGM_ASSESS_MENTIONS_H

#include "lib/stringinfo.h"

typedef enum PgmMentionKind
{
	PGM_MENTION_STATEMENT,		/* of pg_stat_statements */
	PGM_MENTION_PREPARED,		/* in this session */
	PGM_MENTION_FUNCTION
} PgmMentionKind;

typedef struct PgmMentions PgmMentions;

/*
 * Read and scan the texts, once for all relations.  In a transaction; lives in
 * the current memory context.
 */
extern PgmMentions *pgm_mentions_load(void);

/*
 * Texts of that kind which mention the relation, those that take the most time
 * first, as a JSON array; NULL if there are none.  With "returning" only those
 * that may return its column of that name, or all columns of something; the
 * column may be NULL.
 */
extern char *pgm_mentions_json(PgmMentions *mentions, PgmMentionKind kind,
							   const char *schema, const char *name,
							   bool returning, const char *column);

/* Why there are no statements although the extension is there, or NULL. */
extern const char *pgm_mentions_trouble(const PgmMentions *mentions);

#endif							/* PGM_ASSESS_MENTIONS_H */
