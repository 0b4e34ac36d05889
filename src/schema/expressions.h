/*-------------------------------------------------------------------------
 *
 * expressions.h
 *	  Expressions in the forms that survive a dump and restore.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_EXPRESSIONS_H
#define PGM_SCHEMA_EXPRESSIONS_H

/* The text of an expression after a dump and restore. */
extern char *pgm_schema_settled_text(char *text);

/* The text that is read as what is put out as this one. */
extern char *pgm_schema_written_text(char *text);

#endif							/* PGM_SCHEMA_EXPRESSIONS_H */
