/*-------------------------------------------------------------------------
 *
 * spi.h
 *	  Our own queries: constant text, kept plans, a pinned environment.
 *
 * A scope connects to SPI, switches to the owner of our schema and pins
 * search_path; inside of it only constant SQL of ours may run.  An error needs
 * no clean-up by the caller: the abort of the (sub)transaction restores user,
 * settings and SPI.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_SPI_H
#define PGM_BASE_SPI_H

#include "executor/spi.h"

#define PGM_QUERY_MAX_ARGS 20

/* A query of ours: static storage, planned at first use. */
typedef struct PgmQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[PGM_QUERY_MAX_ARGS];
	SPIPlanPtr	plan;
	bool		generic;		/* planned once: others wait meanwhile */
	bool		first;			/* no more than its first row is read */
} PgmQuery;

typedef struct PgmSpiScope
{
	Oid			save_user;
	int			save_sec_context;
	int			guc_level;
	bool		save_read_only;
	MemoryContext outer;
	MemoryContext save_result_context;
} PgmSpiScope;

extern void pgm_spi_begin(PgmSpiScope *scope);
extern void pgm_spi_without_schema(void);	/* as the current user */

/* For what a run writes of itself, whatever a revision has SET. */
extern void pgm_spi_begin_ledger(PgmSpiScope *scope);
extern void pgm_spi_limit_ledger(int ms);	/* its waits, for this xact */

/*
 * The same as another role, that cannot do more than read and write tables:
 * for tables that are not ours.
 */
extern void pgm_spi_begin_as(PgmSpiScope *scope, Oid role);
extern void pgm_spi_end(PgmSpiScope *scope);

/* For the rest of the scope: use an index, however small the table was. */
extern void pgm_spi_prefer_index(void);

/* Rows processed; an unexpected kind of result is an internal error. */
extern uint64 pgm_spi_execute(PgmQuery *query, const Datum *values,
							  const bool *nulls);

/*
 * A SELECT that sees what is committed now, whatever the transaction's
 * isolation level: for what goes on in other sessions.
 */
extern uint64 pgm_spi_execute_latest(PgmQuery *query, const Datum *values,
									 const bool *nulls);

/* A SELECT with the snapshot that the scope began with. */
extern uint64 pgm_spi_execute_snapshot(PgmQuery *query, const Datum *values);

/*
 * A query that is built for a table that is not ours; its text must be built
 * with the quoting functions of the server.  All parameters are text, NULL for
 * null.
 */
extern uint64 pgm_spi_execute_built(const char *sql, bool read_only,
									int nargs, char **args);

/*
 * Columns of result row n of the last query, counted from 1.  What is not
 * passed by value is copied into the context that was current when the scope
 * began, so it outlives the scope.  A column of another type is an error.
 */
extern bool pgm_spi_isnull(uint64 row, int column);
extern char *pgm_spi_text(uint64 row, int column);	/* NULL for null */
extern int64 pgm_spi_int64(uint64 row, int column);
extern int32 pgm_spi_int32(uint64 row, int column);
extern bool pgm_spi_bool(uint64 row, int column);
extern TimestampTz pgm_spi_timestamp(uint64 row, int column);	/* null: 0 */
extern char **pgm_spi_text_array(uint64 row, int column, int *n);
extern Oid *pgm_spi_oid_array(uint64 row, int column, int *n);
extern char *pgm_spi_output(uint64 row, int column);	/* of any type */

/* What they are called. */
extern int	pgm_spi_columns(void);
extern char *pgm_spi_column_name(int column);

/*
 * A scope of its own for a query whose only column is OIDs as int8; the list
 * is in the caller's context.
 */
extern List *pgm_spi_oids(PgmQuery *query, const Datum *values);

/* For the rest of a scope: rows that queries find before any table. */
extern void pgm_spi_offer(const char *name, TupleDesc tupdesc,
						  Tuplestorestate *store, int64 rows);

/* Result rows as they are, into a tuplestore of the same row type. */
extern void pgm_spi_store(Tuplestorestate *store, TupleDesc tupdesc);

/* Arguments.  A NULL pointer is not an argument: flag it in nulls. */
extern Datum pgm_text_datum(const char *text);
extern void pgm_set_text(Datum *values, bool *nulls, int i, const char *text);
extern Datum pgm_array_datum(Oid type, int n, Datum *elements);
extern Datum pgm_oid_array_datum(const List *oids);
extern Datum pgm_text_array_datum(int n, char **texts);
extern char **pgm_text_array_values(Datum array, int *n);

/* A command of ours without a plan, as the current user, with quoted names. */
extern void pgm_spi_utility(const char *command);

/* In a subtransaction.  False with the error; a cancel goes on. */
extern bool pgm_spi_try(void (*action) (void *arg), void *arg,
						ErrorData **error);

/*
 * Ask the data of a user's table, as the current user and read-only: a query
 * with a count and a text.  False if it fails, with the message in *text.  Its
 * text must be built with the quoting functions of the server.
 */
extern bool pgm_spi_probe(const char *query, int64 *count, char **text);

/*
 * Ask a view that is not ours and may not work, as the current user, read-only
 * and with search_path pinned: all rows as text, or the error; for "limit" ms.
 */
extern bool pgm_spi_probe_rows(const char *query, int columns, int limit,
							   char ***values, uint64 *n, ErrorData **error);

/* The same of an EXPLAIN, as found. */
extern bool pgm_spi_explain(const char *explain, int limit, char **plan,
							char **message);

extern Oid	pgm_schema_owner(void);
extern Oid	pgm_extension_oid(void);
extern char *pgm_extension_schema(const char *name);	/* quoted, or NULL */

#endif							/* PGM_BASE_SPI_H */
