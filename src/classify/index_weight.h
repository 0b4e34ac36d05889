/*-------------------------------------------------------------------------
 *
 * index_weight.h
 *	  How much work the indexes are that a statement builds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_INDEX_WEIGHT_H
#define PGM_CLASSIFY_INDEX_WEIGHT_H

#include "nodes/parsenodes.h"

/*
 * In builds of one btree over the rows of this table: of the statement's
 * index, of all that are added, of all that are built anew; 0 if none is.
 * In a transaction.
 */
extern double pgm_index_weight(Node *stmt, Oid relid);

#endif							/* PGM_CLASSIFY_INDEX_WEIGHT_H */
