/*-------------------------------------------------------------------------
 *
 * datacheck.h
 *	  Look for the rows that will make a statement fail.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/datacheck.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DATACHECK_H
#define PGM_DATACHECK_H

#include "lint.h"

/*
 * Adds a finding for each kind of row that is in the way.  "before" are the
 * judged statements that run earlier, those of other revisions too.
 */
extern void pgm_datacheck_statement(PgmJudged *judged, List *before);

#endif							/* PGM_DATACHECK_H */
