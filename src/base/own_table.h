/*-------------------------------------------------------------------------
 *
 * own_table.h
 *	  Tables of ours that nothing was written to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_OWN_TABLE_H
#define PGM_BASE_OWN_TABLE_H

/*
 * Has the table of this name no block, so that no snapshot finds a row in it?
 * For what most databases have none of, and each step asks for.
 */
extern bool pgm_own_table_is_blank(const char *name);

#endif							/* PGM_BASE_OWN_TABLE_H */
