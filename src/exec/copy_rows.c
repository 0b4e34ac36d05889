/*-------------------------------------------------------------------------
 *
 * copy_rows.c
 *	  Rows of COPY that are stored as INSERT.
 *
 * A file's COPY FROM STDIN is stored as an INSERT, since its data needs a
 * client that sends it.  The two are not the same: COPY knows no rules, takes
 * no row that is too short, and does not write through a view without a
 * trigger.  So what was COPY runs as COPY, with the literals as its data.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/copy.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "compat/returning.h"
#include "exec/copy_rows.h"
#include "sql/lexer.h"

/* Rows that COPY asks for through a function without an argument. */
typedef struct CopySource
{
	List	   *rows;			/* of lists of A_Const */
	int			next;
	StringInfoData line;		/* of the row before next */
	int			taken;			/* bytes of it */
} CopySource;

static CopySource *copy_source = NULL;

/* Are all fields literals or NULL, as the reader of files writes them? */
static bool
is_plain(const List *rows)
{
	ListCell   *row;
	ListCell   *field;

	foreach(row, rows)
	{
		foreach(field, lfirst_node(List, row))
		{
			A_Const    *constant = lfirst(field);

			if (!IsA(constant, A_Const) ||
				(!constant->isnull && !IsA(&constant->val, String)))
				return false;
		}
	}
	return true;
}

/* The INSERT if it was COPY, or NULL. */
static InsertStmt *
copied(const PgmSource *source, int n)
{
	const PgmStatement *statement = &source->statements[n];
	InsertStmt *insert = (InsertStmt *) statement->raw->stmt;
	SelectStmt *select;

	if (!IsA(insert, InsertStmt) ||
		strncmp(source->text + statement->offset, PGM_COPY_HEAD,
				strlen(PGM_COPY_HEAD)) != 0)
		return NULL;
	select = (SelectStmt *) insert->selectStmt;
	if (select == NULL || !IsA(select, SelectStmt) ||
		select->valuesLists == NIL || insert->withClause != NULL ||
		insert->onConflictClause != NULL || pgm_insert_returns(insert) ||
		!is_plain(select->valuesLists))
		return NULL;
	return insert;
}

static void
append_field(StringInfo line, A_Const *constant)
{
	const char *p = constant->isnull ? "" : strVal(&constant->val);

	if (constant->isnull)
		appendStringInfoString(line, "\\N");
	for (; *p; p++)
	{
		if (*p == '\n')
			appendStringInfoString(line, "\\n");
		else if (*p == '\r')
			appendStringInfoString(line, "\\r");
		else
		{
			if (*p == '\\' || *p == '\t')
				appendStringInfoChar(line, '\\');
			appendStringInfoChar(line, *p);
		}
	}
}

static void
next_line(CopySource *rows)
{
	ListCell   *lc;
	const char *separator = "";

	resetStringInfo(&rows->line);
	rows->taken = 0;
	foreach(lc, list_nth_node(List, rows->rows, rows->next++))
	{
		appendStringInfoString(&rows->line, separator);
		append_field(&rows->line, lfirst(lc));
		separator = "\t";
	}
	appendStringInfoChar(&rows->line, '\n');
}

static int
read_rows(void *buffer, int minread, int maxread)
{
	CopySource *rows = copy_source;
	int			done = 0;

	while (done < minread || done == 0)
	{
		int			len;

		if (rows->taken == rows->line.len)
		{
			if (rows->next == list_length(rows->rows))
				break;
			next_line(rows);
		}
		len = Min(rows->line.len - rows->taken, maxread - done);
		memcpy((char *) buffer + done, rows->line.data + rows->taken, len);
		rows->taken += len;
		done += len;
	}
	return done;
}

/* As COPY itself does, which checks before it opens the table. */
static void
check_rights(Relation relation, const List *names)
{
	Oid			relid = RelationGetRelid(relation);
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_INSERT);
	ListCell   *lc;

	if (result != ACLCHECK_OK && names != NIL)
	{
		result = ACLCHECK_OK;
		foreach(lc, names)
		{
			AttrNumber	attnum = get_attnum(relid, strVal(lfirst(lc)));

			if (attnum != InvalidAttrNumber && result == ACLCHECK_OK)
				result = pg_attribute_aclcheck(relid, attnum, GetUserId(),
											   ACL_INSERT);
		}
	}
	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("COPY FROM not supported with row-level security"),
				errhint("Use INSERT statements instead."));
	if (!relation->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");
}

static uint64
copy_rows(Relation relation, List *names, CopySource *rows,
		  const char *query)
{
	ParseState *pstate = make_parsestate(NULL);
	CopySource *outer = copy_source;
	DefElem    *encoding = makeDefElem(pstrdup("encoding"), (Node *)
									   makeString(pstrdup(GetDatabaseEncodingName())),
									   -1);
	CopyFromState state;
	volatile uint64 processed = 0;

	pstate->p_sourcetext = query;
	(void) addRangeTableEntryForRelation(pstate, relation, RowExclusiveLock,
										 NULL, false, false);
	copy_source = rows;
	PG_TRY();
	{
		state = BeginCopyFrom(pstate, relation, NULL, NULL, false, read_rows,
							  names, list_make1(encoding));
		processed = CopyFrom(state);
		EndCopyFrom(state);
	}
	PG_FINALLY();
	{
		copy_source = outer;
	}
	PG_END_TRY();
	free_parsestate(pstate);
	return processed;
}

bool
pgm_copy_rows(const PgmSource *source, int n, uint64 *rows)
{
	InsertStmt *insert = copied(source, n);
	CopySource	data = {NIL};
	Relation	relation;
	List	   *names = NIL;
	ListCell   *lc;

	if (insert == NULL)
		return false;
	foreach(lc, insert->cols)
		names = lappend(names, makeString(lfirst_node(ResTarget, lc)->name));
	data.rows = ((SelectStmt *) insert->selectStmt)->valuesLists;
	initStringInfo(&data.line);

	PushActiveSnapshot(GetTransactionSnapshot());
	relation = table_openrv(insert->relation, RowExclusiveLock);
	check_rights(relation, names);
	*rows = copy_rows(relation, names, &data, source->text);
	table_close(relation, NoLock);
	PopActiveSnapshot();
	return true;
}
