/*-------------------------------------------------------------------------
 *
 * pgmigrate.c
 *	  Module entry points.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/pgmigrate.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	pgm_guc_init();
}
