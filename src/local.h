/*-------------------------------------------------------------------------
 *
 * local.h
 *	  Statements that have no effect outside of this database.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/local.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCAL_H
#define PGM_LOCAL_H

#include "statement.h"

/*
 * Is all that statement n does undone when its commit is lost?  False where
 * that cannot be told.  In a transaction, before the statement runs.
 */
extern bool pgm_statement_is_local(const PgmSource *source, int n);

#endif							/* PGM_LOCAL_H */
