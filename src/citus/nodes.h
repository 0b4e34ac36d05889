/*-------------------------------------------------------------------------
 *
 * nodes.h
 *	  Citus: is it at work here, and what the other nodes are told and asked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CITUS_NODES_H
#define PGM_CITUS_NODES_H

/*
 * Is it loaded, and an extension of this database?  In a transaction.  Costs
 * next to nothing where it is not loaded.
 */
extern bool pgm_citus_is_here(void);

/* An error on a node that is not the coordinator.  In a transaction. */
extern void pgm_citus_refuse_worker(void);

/*
 * For the current subtransaction: what is made or dropped stays on this node.
 */
extern void pgm_citus_keep_local(void);

/*
 * Until the caller's GUC nest level ends: tables that are shards do not show,
 * whatever the session says.
 */
extern void pgm_citus_hide_shards(void);

/*
 * Until the end of the current (sub)transaction the other nodes, when they
 * have a part in it, wait for a lock so many ms; 0 for ever.
 */
extern void pgm_citus_limit_waits(int milliseconds);

/*
 * Ask a query of all other nodes, as the current user, in transactions of
 * their own: its only column is a jsonb array.  For each element "v" of it, of
 * the nodes that answer, the columns, expressions that know the row r of
 * run_command_on_all_nodes and n of pg_dist_node too.  False if nobody can be
 * asked.
 */
extern bool pgm_citus_ask_nodes(const char *query, int ncolumns,
								const char *const *columns, const char *order,
								char ***values, uint64 *nrows);

#endif							/* PGM_CITUS_NODES_H */
