/*-------------------------------------------------------------------------
 *
 * relation_size.h
 *	  Sizes of relations, without locks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_RELATION_SIZE_H
#define PGM_BASE_RELATION_SIZE_H

/* What a relation has in files now, 0 if it has none.  In a transaction. */
extern int64 pgm_heap_bytes(Oid relid);

/* The same with TOAST, indexes and the maps of free and visible space. */
extern int64 pgm_total_bytes(Oid relid);

#endif							/* PGM_BASE_RELATION_SIZE_H */
