/*-------------------------------------------------------------------------
 *
 * relsize.h
 *	  Sizes of relations, without locks.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/relsize.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RELSIZE_H
#define PGM_RELSIZE_H

/* What a relation has in files now, 0 if it has none.  In a transaction. */
extern int64 pgm_heap_bytes(Oid relid);

/* The same with TOAST, indexes and the maps of free and visible space. */
extern int64 pgm_total_bytes(Oid relid);

#endif							/* PGM_RELSIZE_H */
