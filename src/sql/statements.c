/*-------------------------------------------------------------------------
 *
 * statements.c
 *	  The SQL of a revision as a list of statements, and what each may do.
 *
 * The server's own parser splits the text, so function bodies, dollar quotes
 * and comments cannot mislead it, see parse_text.c.
 *
 * This is where a statement's nature is decided, for all who ask.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "mb/pg_wchar.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/settings.h"
#include "compat/command.h"
#include "compat/replication.h"
#include "compat/server.h"
#include "sql/kinds.h"
#include "sql/lexer.h"
#include "sql/mark.h"
#include "sql/parse_text.h"
#include "sql/refused.h"
#include "sql/relation_names.h"
#include "sql/statements.h"

/* Bytes of a long text that an error shows. */
#define PGM_EXCERPT_SIZE 2048

typedef struct ParseContext
{
	const char *text;
	const char *what;
	const char *revision;
} ParseContext;

static const char *const kind_names[] = {
	[PGM_SOURCE_UPGRADE] = "upgrade",
	[PGM_SOURCE_DOWNGRADE] = "downgrade",
	[PGM_SOURCE_VERIFY] = "verify",
	[PGM_SOURCE_OTHER] = "given",
};

void
pgm_source_check_size(const char *text, const char *what)
{
	size_t		limit = (size_t) pgm_max_revision_size * 1024;

	if (strlen(text) > limit)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("%s SQL is too long", what),
				errdetail("It has %zu bytes, the limit is %zu.",
						  strlen(text), limit),
				errhint("Load bulk data outside of revisions, or have a superuser raise \"pgmigrate.max_revision_size\"."));
}

/*
 * Report the text with the position of the byte at offset.  Of a long text
 * only what is around it, in whole lines if there are any: a client prints all
 * that it gets.
 */
static void
report_text(const char *text, int length, int offset)
{
	int			start = 0;
	int			end = length;

	if (length > PGM_EXCERPT_SIZE)
	{
		const char *line;

		if (offset > PGM_EXCERPT_SIZE / 2)
		{
			start = pg_mbcliplen(text, length, offset - PGM_EXCERPT_SIZE / 2);
			line = memchr(text + start, '\n', offset - start);
			if (line != NULL)
				start = line + 1 - text;
		}
		end = offset + pg_mbcliplen(text + offset, length - offset,
									PGM_EXCERPT_SIZE / 2);
		for (int at = end; end < length && at > offset; at--)
			if (text[at] == '\n')
			{
				end = at;
				break;
			}
	}
	errposition(0);
	internalerrposition(1 + pg_mbstrlen_with_len(text + start,
												 offset - start));
	internalerrquery(pnstrdup(text + start, end - start));
}

/* Line of the syntax error that is being reported. */
static int	error_line = 0;

int
pgm_source_error_line(void)
{
	return error_line;
}

/* A syntax error is in the revision's text, not in the query storing it. */
static void
parse_error_callback(void *arg)
{
	ParseContext *context = arg;
	int			position = geterrposition();
	int			length = strlen(context->text);
	int			offset = 0;

	error_line = 0;
	if (position > 0)
	{
		offset = pg_mbcharcliplen(context->text, length, position - 1);
		error_line = 1;
		for (int i = 0; i < offset; i++)
			error_line += context->text[i] == '\n';
		report_text(context->text, length, offset);
		if (context->text[offset] == '\\')
			errhint("The server knows no commands of psql; only SQL can be in a revision.");
	}
	if (context->revision != NULL && error_line > 0)
		errcontext("%s SQL of revision \"%s\", line %d", context->what,
				   context->revision, error_line);
	else if (context->revision != NULL)
		errcontext("%s SQL of revision \"%s\"", context->what,
				   context->revision);
	else if (error_line > 0)
		errcontext("%s SQL, line %d", context->what, error_line);
	else
		errcontext("%s SQL", context->what);
}

/* Offset of the first byte at or after start that is no blank or comment. */
static int
skip_blanks(const char *text, int start, int end)
{
	int			at = start;

	while (at < end)
	{
		if (isspace((unsigned char) text[at]))
			at++;
		else if (text[at] == '-' && at + 1 < end && text[at + 1] == '-')
		{
			while (at < end && text[at] != '\n' && text[at] != '\r')
				at++;
		}
		else if (text[at] == '/' && at + 1 < end && text[at + 1] == '*')
		{
			int			depth = 0;

			do
			{
				if (at + 1 < end && text[at] == '/' && text[at + 1] == '*')
				{
					depth++;
					at += 2;
				}
				else if (at + 1 < end && text[at] == '*' &&
						 text[at + 1] == '/')
				{
					depth--;
					at += 2;
				}
				else
					at++;
			} while (at < end && depth > 0);
		}
		else
			break;
	}
	return at;
}

static bool
alter_database_moves(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0)
			return true;
	}
	return false;
}

/* A subscription command that creates, drops or refreshes remote state. */
static bool
option_is_false(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return !defGetBoolean(option);
	}
	return false;
}

static bool
alter_table_needs_top_level(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		if (pgm_detach_is_concurrent(lfirst_node(AlterTableCmd, lc)))
			return true;
	}
	return false;
}

/* Of partitions, REINDEX and CLUSTER do one after the other. */
bool
pgm_names_partitioned(const RangeVar *name)
{
	Oid			relation;
	char		kind;

	if (name == NULL || !IsTransactionState())
		return false;
	if (name->schemaname != NULL)
		relation = get_relname_relid(name->relname,
									 get_namespace_oid(name->schemaname, true));
	else
		relation = RelnameGetRelid(name->relname);
	kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
	return kind == RELKIND_PARTITIONED_TABLE ||
		kind == RELKIND_PARTITIONED_INDEX;
}

static bool
cluster_needs_top_level(ClusterStmt *stmt)
{
	return pgm_cluster_commits(stmt) ||
		pgm_names_partitioned(pgm_cluster_relation(stmt));
}

/* Tables of the other server are entered, which ROLLBACK would not undo. */
static bool
refreshes(AlterSubscriptionStmt *stmt)
{
	return pgm_subscription_refreshes(stmt) ||
		(pgm_subscription_changes(stmt) &&
		 !option_is_false(stmt->options, "refresh"));
}

/*
 * Does the server refuse this statement inside of a transaction block?  For
 * REINDEX and CLUSTER that depends on what the name stands for now.
 */
static bool
needs_top_level(Node *stmt)
{
	PgmKindBlock block = pgm_statement_kind(stmt)->block;

	if (block != PGM_BLOCK_BY_STATEMENT)
		return block == PGM_OUTSIDE_OF_BLOCK;
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->concurrent;
		case T_DropStmt:
			return castNode(DropStmt, stmt)->concurrent;
		case T_ReindexStmt:
			{
				ReindexStmt *reindex = castNode(ReindexStmt, stmt);

				return pgm_reindex_is_concurrent(reindex) ||
					reindex->kind == REINDEX_OBJECT_SCHEMA ||
					reindex->kind == REINDEX_OBJECT_SYSTEM ||
					reindex->kind == REINDEX_OBJECT_DATABASE ||
					pgm_names_partitioned(reindex->relation);
			}
		case T_AlterTableStmt:
			return alter_table_needs_top_level(castNode(AlterTableStmt, stmt));
		case T_VacuumStmt:
			return castNode(VacuumStmt, stmt)->is_vacuumcmd;
		case T_ClusterStmt:
			return cluster_needs_top_level(castNode(ClusterStmt, stmt));
		case T_AlterDatabaseStmt:
			return alter_database_moves(castNode(AlterDatabaseStmt,
												 stmt)->options);
		case T_CreateSubscriptionStmt:
			{
				List	   *options = castNode(CreateSubscriptionStmt,
											   stmt)->options;

				return !option_is_false(options, "create_slot") &&
					!option_is_false(options, "connect");
			}
		case T_AlterSubscriptionStmt:
			return refreshes((AlterSubscriptionStmt *) stmt);
		case T_DiscardStmt:
			return castNode(DiscardStmt, stmt)->target == DISCARD_ALL;
		default:
			return true;
	}
}

/*
 * Parse into the current memory context.  The text is kept by reference and
 * must live as long.  Syntax errors carry their position.
 */
PgmSource *
pgm_source_parse(const char *text, PgmSourceKind kind, const char *revision)
{
	ParseContext context;
	ErrorContextCallback callback;
	PgmSource  *source = palloc0(sizeof(PgmSource));
	List	   *raw_list;
	ListCell   *lc;
	bool		conforming = true;
	int			before = 0;
	int			line = 1;
	int			counted = 0;

	context.text = text;
	context.what = kind_names[kind];
	context.revision = revision;
	callback.callback = parse_error_callback;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	raw_list = pgm_parse_text(text);
	error_context_stack = callback.previous;

	if (list_length(raw_list) > pgm_max_statements)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("%s SQL has too many statements", kind_names[kind]),
				errdetail("It has %d statements, the limit is %d.",
						  list_length(raw_list), pgm_max_statements),
				errhint("Load bulk data outside of revisions, or have a superuser raise \"pgmigrate.max_statements\"."));

	source->text = text;
	source->what = kind_names[kind];
	source->revision = revision;
	source->statements = palloc0(sizeof(PgmStatement) *
								 Max(list_length(raw_list), 1));
	foreach(lc, raw_list)
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);
		PgmStatement *statement = &source->statements[source->nstatements++];
		int			start = Max(raw->stmt_location, 0);
		int			end = raw->stmt_len > 0 ?
			start + raw->stmt_len : start + (int) strlen(text + start);

		statement->raw = raw;
		statement->offset = skip_blanks(text, start, end);
		while (end > statement->offset &&
			   isspace((unsigned char) text[end - 1]))
			end--;
		statement->length = end - statement->offset;
		for (; counted < statement->offset; counted++)
			if (text[counted] == '\n')
				line++;
		statement->line = line;
		statement->tag = GetCommandTagName(CreateCommandTag(raw->stmt));
		statement->top_level = needs_top_level(raw->stmt);
		if (kind != PGM_SOURCE_VERIFY && !statement->top_level &&
			pgm_mark_stands(text, before, statement->offset,
							PGM_MARK_NO_TRANSACTION))
			statement->top_level = statement->marked = true;
		statement->conforming = conforming;
		conforming = pgm_conforming_after(raw->stmt, conforming);
		before = end;
		source->top_level |= statement->top_level;
	}
	return source;
}

PgmSource *
pgm_source_opposite(const PgmSource *source)
{
	return source->opposite == NULL ? NULL :
		pgm_source_parse(source->opposite, PGM_SOURCE_OTHER,
						 source->revision);
}

char *
pgm_statement_text(const PgmSource *source, int n)
{
	const PgmStatement *statement = &source->statements[n];

	return pnstrdup(source->text + statement->offset, statement->length);
}

RawStmt *
pgm_statement_alone(const PgmSource *source, int n, const char **text)
{
	const PgmStatement *statement = &source->statements[n];
	RawStmt    *raw;

	if (statement->alone != NULL)
	{
		*text = pgm_statement_text(source, n);
		return statement->alone;
	}
	if (source->nstatements == 1 && statement->offset == 0)
	{
		*text = source->text;
		return statement->raw;
	}
	*text = pgm_statement_text(source, n);
	raw = pgm_parse_statement(*text, statement->conforming);

	/* the end of the revision is that of its transaction, as it is written */
	if (source->parted && IsA(raw->stmt, VariableSetStmt))
		castNode(VariableSetStmt, raw->stmt)->is_local = false;
	return raw;
}

char *
pgm_source_after_name(const PgmSource *source, int n, int location)
{
	const PgmStatement *statement = &source->statements[n];
	size_t		end = statement->offset + statement->length;
	size_t		rest = 0;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	if (location < 0)
		return NULL;
	pgm_sqlscan_lexer(&lexer, source->text, end, 1);
	lexer.pos = location;
	do
	{
		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind != PGM_SQL_WORD && token.kind != PGM_SQL_NAME)
			return NULL;
		rest = token.end;
		pgm_sqlscan_significant(&lexer, &token);
	} while (pgm_sqlscan_is_symbol(&lexer, &token, '.'));

	/* without a comment at the end, which would hide what follows */
	for (end = rest; token.kind != PGM_SQL_END &&
		 token.kind != PGM_SQL_UNTERMINATED;
		 pgm_sqlscan_significant(&lexer, &token))
		end = token.end;
	return pnstrdup(source->text + rest, end - rest);
}

/* The position of the error counts from the byte "begin" of the source. */
static int
error_position_from(const PgmSource *source, int n, int begin)
{
	const PgmStatement *statement = &source->statements[n];
	const char *text = source->text + begin;
	int			position = geterrposition();
	int			line = statement->line;

	if (position > 0)
	{
		int			offset = begin + pg_mbcharcliplen(text, strlen(text),
													  position - 1);

		offset = Max(offset - statement->offset, 0);
		offset = Min(offset, statement->length);
		for (int i = 0; i < offset; i++)
			line += source->text[statement->offset + i] == '\n';
		report_text(source->text + statement->offset, statement->length,
					offset);
	}
	return line;
}

int
pgm_source_error_position(const PgmSource *source, int n)
{
	return error_position_from(source, n, 0);
}

int
pgm_statement_error_position(const PgmSource *source, int n)
{
	return error_position_from(source, n, source->statements[n].offset);
}

typedef struct CheckContext
{
	const PgmSource *source;
	int			n;
} CheckContext;

static void
check_error_callback(void *arg)
{
	CheckContext *context = arg;
	const PgmSource *source = context->source;
	const PgmStatement *statement = &source->statements[context->n];

	report_text(source->text + statement->offset, statement->length, 0);
	if (source->revision != NULL)
		errcontext("%s SQL of revision \"%s\", statement %d, line %d",
				   source->what, source->revision, context->n + 1,
				   statement->line);
	else
		errcontext("%s SQL, statement %d, line %d",
				   source->what, context->n + 1, statement->line);
}

bool
pgm_with_changes(const WithClause *with)
{
	ListCell   *lc;

	if (with == NULL)
		return false;
	foreach(lc, with->ctes)
	{
		if (!IsA(lfirst_node(CommonTableExpr, lc)->ctequery, SelectStmt))
			return true;
	}
	return false;
}

WithClause *
pgm_changing_with(Node *stmt)
{
	Node	   *query = pgm_query_run(stmt);
	WithClause *with = query == NULL ? NULL : pgm_query_with(query);

	return pgm_with_changes(with) ? with : NULL;
}

/* WITH that changes data is allowed at the top of a query only. */
static bool
is_plain_query(Node *stmt)
{
	return IsA(stmt, SelectStmt) &&
		castNode(SelectStmt, stmt)->intoClause == NULL &&
		pgm_changing_with(stmt) == NULL;
}

static void
check_statement(Node *stmt, PgmSourceKind kind)
{
	pgm_statement_refuse(stmt);
	if (kind == PGM_SOURCE_VERIFY && !is_plain_query(stmt))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("verify SQL must be a query"),
				errhint("Write a SELECT with boolean columns; each of them must be true in each row."));
}

void
pgm_source_check(const PgmSource *source, PgmSourceKind kind,
				 bool by_statement)
{
	CheckContext context;
	ErrorContextCallback callback;

	context.source = source;
	callback.callback = check_error_callback;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	for (int i = 0; i < source->nstatements; i++)
	{
		context.n = i;
		check_statement(source->statements[i].raw->stmt, kind);
		if (by_statement)
			pgm_statement_refuse_alone(source->statements[i].raw->stmt);
	}

	error_context_stack = callback.previous;
}

void
pgm_source_follow(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	VariableSetStmt *set;

	if (!IsA(stmt, VariableSetStmt))
		return;
	set = castNode(VariableSetStmt, stmt);
	if (set->name == NULL || set->kind != VAR_SET_VALUE)
		return;
	if (strcmp(set->name, "search_path") == 0)
		(void) set_config_option("search_path", ExtractSetVariableArgs(set),
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);

	/* which decides if timestamp and timestamptz are the same, bit by bit */
	else if (strcmp(set->name, "timezone") == 0)
		(void) set_config_option("timezone", ExtractSetVariableArgs(set),
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, DEBUG1, false);
}
