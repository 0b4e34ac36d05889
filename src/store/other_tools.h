/*-------------------------------------------------------------------------
 *
 * other_tools.h
 *	  Other migration tools: how their ledgers look and how to read them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_OTHER_TOOLS_H
#define PGM_STORE_OTHER_TOOLS_H

/* How a ledger is kept in step while both tools are in use. */
typedef enum PgmMirrorKind
{
	PGM_MIRROR_NONE,			/* not supported */
	PGM_MIRROR_HEADS,			/* one row for each head */
	PGM_MIRROR_NEWEST,			/* one row: the newest version */
	PGM_MIRROR_SET				/* one row for each applied version */
} PgmMirrorKind;

/*
 * In the queries %s stands for the ledger, quoted and qualified, and %c for
 * its companion, or a select without rows where there is none.
 *
 * versions: version, message, does it stand for all below it too; in the order
 * of their application.  Further columns go by their names: checksum;
 * parents, an array of versions, for ledgers that are no line; depends, an
 * array of what else it needs; upgrade, the SQL that ran.
 *
 * problem and companion_problem: state and detail, rows only if there is one.
 * up and down: statements with the version as $1, the message as $2 and the
 * checksum as $3; all parameters are text.  Their literals have types, as the
 * server would call the input function of the column's type before it is known
 * which table it found.
 */
typedef struct PgmForeignTool
{
	const char *name;
	const char *table;			/* default name, without schema */
	const char *columns;		/* "a, b:type": it has these, and queries read
								 * no others */
	const char *columns_if_named;	/* the same names, which are those of
									 * another tool too; or NULL */
	const char *without;		/* a column it does not have, or NULL */
	const char *versions;
	const char *problem;		/* or NULL */
	const char *checksum;		/* which one of a file it has, or NULL */
	const char *companion;		/* table of the same schema, or NULL */
	const char *no_companion;	/* what stands for it if it is not there */
	const char *companion_problem;
	bool		heads;			/* rows are heads, in no order */
	PgmMirrorKind mirror;
	const char *digits;			/* what versions are made of; NULL: anything */
	const char *up;
	const char *down;
} PgmForeignTool;

extern const PgmForeignTool *pgm_foreign_tools(int *n);
extern const PgmForeignTool *pgm_foreign_tool_by_name(const char *name);

/*
 * Does a table of these columns look like the ledger of this tool, and could
 * it be, for who says so?
 */
extern bool pgm_foreign_tool_detects(const PgmForeignTool *tool, int ncolumns,
									 char **names, char **types);
extern bool pgm_foreign_tool_matches(const PgmForeignTool *tool, int ncolumns,
									 char **names, char **types);

/* What the queries read, one by one: NULL after the last.  Frees nothing. */
extern char *pgm_foreign_tool_column(const PgmForeignTool *tool, int n);

/* A query above with the tables in their places. */
extern char *pgm_foreign_tool_sql(const char *query, const char *table,
								  const char *companion);

#endif							/* PGM_STORE_OTHER_TOOLS_H */
