/*-------------------------------------------------------------------------
 *
 * revision_scan.c
 *	  What the other statements of a revision do to a relation.
 *
 * An alarm about what is missing is no use if the next statement brings it.
 * The statements are filed once by the names of their relations, so that a
 * dump of thousands of tables is not read for each of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/makefuncs.h"

#include "compat/server.h"
#include "lint/internal.h"

typedef struct Named
{
	char		name[NAMEDATALEN];	/* hash key */
	List	   *statements;		/* of int */
} Named;

static void
file_name(HTAB *named, const RangeVar *name, int n)
{
	Named	   *entry;
	bool		found;

	entry = hash_search(named, name->relname, HASH_ENTER, &found);
	if (!found)
		entry->statements = NIL;
	entry->statements = lappend_int(entry->statements, n);
}

static void
file_statement(HTAB *named, Node *stmt, int n)
{
	ListCell   *lc;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			file_name(named, castNode(AlterTableStmt, stmt)->relation, n);
			break;
		case T_CreateStmt:
			file_name(named, castNode(CreateStmt, stmt)->relation, n);
			break;
		case T_IndexStmt:
			file_name(named, castNode(IndexStmt, stmt)->relation, n);
			break;
		case T_ViewStmt:
			file_name(named, castNode(ViewStmt, stmt)->view, n);
			break;
		case T_DropStmt:
			if (castNode(DropStmt, stmt)->removeType != OBJECT_TABLE)
				break;
			foreach(lc, castNode(DropStmt, stmt)->objects)
				file_name(named, makeRangeVarFromNameList(lfirst(lc)), n);
			break;
		default:
			break;
	}
}

static HTAB *
file_source(const PgmSource *source)
{
	HASHCTL		control = {0};
	HTAB	   *named;

	control.keysize = NAMEDATALEN;
	control.entrysize = sizeof(Named);
	control.hcxt = CurrentMemoryContext;
	named = hash_create("pgmigrate names of a source",
						Max(source->nstatements, 16), &control,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	for (int i = 0; i < source->nstatements; i++)
		file_statement(named, source->statements[i].raw->stmt, i);
	return named;
}

List *
pgm_lint_statements_on(PgmLint *lint, const char *name)
{
	char		key[NAMEDATALEN];
	Named	   *entry;

	if (lint->past->named == NULL)
		lint->past->named = file_source(lint->judged->source);
	strlcpy(key, name, NAMEDATALEN);
	entry = hash_search(lint->past->named, key, HASH_FIND, NULL);
	return entry == NULL ? NIL : entry->statements;
}

Node *
pgm_lint_statement_at(const PgmLint *lint, int n)
{
	return lint->judged->source->statements[n].raw->stmt;
}

static bool
adds_primary_key(Node *stmt)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddConstraint &&
			castNode(Constraint, cmd->def)->contype == CONSTR_PRIMARY)
			return true;
	}
	return false;
}

bool
pgm_lint_key_follows(PgmLint *lint, const char *name)
{
	ListCell   *lc;

	foreach(lc, pgm_lint_statements_on(lint, name))
	{
		if (adds_primary_key(pgm_lint_statement_at(lint, lfirst_int(lc))))
			return true;
	}
	return false;
}

static bool
begins_with(List *columns, IndexStmt *index)
{
	if (index->whereClause != NULL ||
		list_length(index->indexParams) < list_length(columns))
		return false;
	for (int i = 0; i < list_length(columns); i++)
	{
		IndexElem  *element = list_nth_node(IndexElem, index->indexParams, i);

		if (element->name == NULL ||
			!list_member(columns, makeString(element->name)))
			return false;
	}
	return true;
}

bool
pgm_lint_index_follows(PgmLint *lint, const char *name, List *columns)
{
	ListCell   *lc;

	foreach(lc, pgm_lint_statements_on(lint, name))
	{
		Node	   *stmt = pgm_lint_statement_at(lint, lfirst_int(lc));

		if (IsA(stmt, IndexStmt) &&
			begins_with(columns, castNode(IndexStmt, stmt)))
			return true;
	}
	return false;
}

bool
pgm_lint_view_follows(PgmLint *lint, const char *name)
{
	ListCell   *lc;

	foreach(lc, pgm_lint_statements_on(lint, name))
	{
		if (lfirst_int(lc) > lint->judged->n &&
			IsA(pgm_lint_statement_at(lint, lfirst_int(lc)), ViewStmt))
			return true;
	}
	return false;
}

/* The statement before this one that drops the table, from 1; 0 if none. */
int
pgm_lint_dropped_before(PgmLint *lint, const char *name)
{
	ListCell   *lc;

	foreach(lc, pgm_lint_statements_on(lint, name))
	{
		if (lfirst_int(lc) < lint->judged->n &&
			IsA(pgm_lint_statement_at(lint, lfirst_int(lc)), DropStmt))
			return lfirst_int(lc) + 1;
	}
	return 0;
}
