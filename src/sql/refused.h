/*-------------------------------------------------------------------------
 *
 * refused.h
 *	  What a revision must not contain, whatever it is for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_REFUSED_H
#define PGM_SQL_REFUSED_H

#include "nodes/parsenodes.h"

typedef enum PgmRefusal
{
	PGM_REFUSED_NOT,
	PGM_REFUSED_TRANSACTION,	/* BEGIN, COMMIT and the like */
	PGM_REFUSED_COPY_FROM,		/* STDIN */
	PGM_REFUSED_COPY_TO,		/* STDOUT */
	PGM_REFUSED_DISCARD,		/* ALL */
	PGM_REFUSED_AUTHORIZATION,	/* SET SESSION AUTHORIZATION */
	PGM_REFUSED_LISTEN,
	PGM_REFUSED_MODE,			/* SET TRANSACTION and its settings */
	PGM_REFUSED_LEXING,			/* a setting that decides how text is read */
	PGM_REFUSED_EXIT			/* a setting: errors end the process */
} PgmRefusal;

extern PgmRefusal pgm_statement_refusal(Node *stmt);

/* What it is called, for messages; NULL for PGM_REFUSED_NOT. */
extern const char *pgm_refusal_words(PgmRefusal refusal);

/* Raise an error for what is refused. */
extern void pgm_statement_refuse(Node *stmt);

/* What of it ends with its transaction, in words, or NULL. */
extern const char *pgm_statement_ends_alone(Node *stmt);

/*
 * Of a statement that will be committed by itself: raise an error where the
 * server would have one outside of a transaction block, and a warning where
 * the statement has no effect beyond its own end.
 */
extern void pgm_statement_refuse_alone(Node *stmt);

#endif							/* PGM_SQL_REFUSED_H */
