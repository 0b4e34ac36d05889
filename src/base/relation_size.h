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

/*
 * For the rest of the transaction a relation, whose rows are not in its files,
 * has these sizes; rows -1: not known.
 */
extern void pgm_size_note(Oid relid, int64 heap, int64 total, double rows);
extern bool pgm_size_is_noted(Oid relid);

/* As noted, or -1. */
extern double pgm_size_rows(Oid relid);

/* The same with TOAST, indexes and the maps of free and visible space. */
extern int64 pgm_total_bytes(Oid relid);

/* What is free on the disk of a relation, -1 if that cannot be told. */
extern int64 pgm_free_bytes(Oid relid);

/* Rows as the statistics have them, 0 if they were never counted. */
extern double pgm_counted_rows(Oid relid);

#endif							/* PGM_BASE_RELATION_SIZE_H */
