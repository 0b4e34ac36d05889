/*-------------------------------------------------------------------------
 *
 * expressions.h
 *	  Expressions in the form that survives a dump and restore.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_EXPRESSIONS_H
#define PGM_SCHEMA_EXPRESSIONS_H

/* The text of an expression after a dump and restore. */
extern char *pgm_schema_settled_text(char *text);

#endif							/* PGM_SCHEMA_EXPRESSIONS_H */
