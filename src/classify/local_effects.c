/*-------------------------------------------------------------------------
 *
 * local_effects.c
 *	  Statements that have no effect outside of this database.
 *
 * A commit that is not flushed may be lost in a crash.  That is no harm as
 * long as it takes along all that its transaction did; but what another server
 * has committed by then, or a program has done, stays, and the revision is
 * applied to it again.  So only statements of which it can be seen that they
 * stay within the database are let commit without a flush.  A flush too many
 * costs little, so whatever is not known here is taken to reach further:
 *
 *	kinds of statements		other than those listed
 *	relations named			foreign tables, partitions that are; where rows
 *							are read or written: views, triggers, rules, row
 *							security, foreign keys that cascade
 *	words of the text		names of functions that do more than compute, and
 *							of domains, be they used so or not
 *	the database			event triggers, Citus, operators and casts by
 *							functions that do more than compute
 *
 * Nothing is analyzed or evaluated, and no lock is taken.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/evtcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "citus/nodes.h"
#include "classify/local_effects.h"
#include "classify/side_effects.h"
#include "classify/verdict.h"
#include "compat/parse.h"
#include "compat/scan.h"
#include "compat/server.h"
#include "sql/kinds.h"
#include "sql/relation_names.h"

/* A longer text is not looked through: its flush is nothing beside it. */
#define PGM_LOCAL_TEXT_MAX 65536

/* As pgm_function_is_harmful does, for what users made. */
#define HARMFUL(oid) \
	oid " IN (SELECT p.oid FROM pg_proc p WHERE p.oid >= " \
	CppAsString2(FirstNormalObjectId) " AND (p.provolatile = 'v' " \
	"OR p.prolang NOT IN (" CppAsString2(INTERNALlanguageId) ", " \
	CppAsString2(ClanguageId) ")))"

/*
 * The triggers of the server's own are those of foreign keys that write to the
 * other table: cascade, set null, set default.
 */
static PgmQuery reaching_query = {
	"SELECT 1 FROM unnest($1) AS u (oid) JOIN pg_class c ON c.oid = u.oid "
	"WHERE c.relkind = 'f' OR ($2 AND (c.relhasrules OR c.relrowsecurity "
	"OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid "
	"AND t.tgenabled <> 'D' AND (NOT t.tgisinternal OR t.tgfoid IN ("
	"'\"RI_FKey_cascade_del\"'::regproc, '\"RI_FKey_cascade_upd\"'::regproc, "
	"'\"RI_FKey_setnull_del\"'::regproc, '\"RI_FKey_setnull_upd\"'::regproc, "
	"'\"RI_FKey_setdefault_del\"'::regproc, "
	"'\"RI_FKey_setdefault_upd\"'::regproc))))) "
	"OR EXISTS (SELECT FROM pg_attribute a JOIN pg_type y "
	"ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 "
	"AND y.typtype = 'd' AND y.oid >= " CppAsString2(FirstNormalObjectId) ") "
	"OR EXISTS (SELECT FROM pg_depend x JOIN pg_depend y "
	"ON y.classid = x.classid AND y.objid = x.objid "
	"WHERE x.refclassid = 'pg_class'::regclass AND x.refobjid = c.oid "
	"AND x.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, "
	"'pg_class'::regclass) AND y.refclassid IN ('pg_proc'::regclass, "
	"'pg_operator'::regclass)) "
	"UNION ALL SELECT 1 FROM pg_operator o WHERE o.oid >= "
	CppAsString2(FirstNormalObjectId) " AND " HARMFUL("o.oprcode") " "
	"UNION ALL SELECT 1 FROM pg_cast s WHERE s.oid >= "
	CppAsString2(FirstNormalObjectId) " AND " HARMFUL("s.castfunc"),
	2, {OIDARRAYOID, BOOLOID},
	.first = true
};

static PgmKindEffects
effects_of_drop(ObjectType type)
{
	switch (type)
	{
		case OBJECT_COLLATION:
		case OBJECT_DOMAIN:
		case OBJECT_FUNCTION:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_POLICY:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_RULE:
		case OBJECT_SCHEMA:
		case OBJECT_SEQUENCE:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TABLE:
		case OBJECT_TRIGGER:
		case OBJECT_TYPE:
		case OBJECT_VIEW:
			return PGM_CATALOG_EFFECTS;
		default:
			return PGM_ANY_EFFECTS;
	}
}

static PgmKindEffects
effects_of(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateSchemaStmt:
			return castNode(CreateSchemaStmt, stmt)->schemaElts == NIL ?
				PGM_CATALOG_EFFECTS : PGM_ANY_EFFECTS;
		case T_DropStmt:
			return effects_of_drop(castNode(DropStmt, stmt)->removeType);
		case T_CreateTableAsStmt:
			return IsA(castNode(CreateTableAsStmt, stmt)->query, SelectStmt) ?
				PGM_ROW_EFFECTS : PGM_ANY_EFFECTS;
		default:
			return pgm_statement_kind(stmt)->effects;
	}
}

/* What these do to a sequence is lost with the commit. */
static bool
is_sequence_function(const char *name)
{
	return strcmp(name, "nextval") == 0 || strcmp(name, "setval") == 0 ||
		strcmp(name, "currval") == 0 || strcmp(name, "lastval") == 0;
}

/* Is there a function of that name that may do more than compute? */
static bool
names_function(const char *name, Oid own_schema)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(name));
	bool		found = false;

	for (int i = 0; i < list->n_members && !found; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		/* ours are not called by a revision, and have names like "status" */
		found = form->pronamespace != own_schema &&
			!(form->oid < FirstNormalObjectId && is_sequence_function(name)) &&
			pgm_function_is_harmful(form->oid);
	}
	ReleaseSysCacheList(list);
	return found;
}

static bool
names_domain(const char *name)
{
	CatCList   *list = SearchSysCacheList1(TYPENAMENSP, CStringGetDatum(name));
	bool		found = false;

	for (int i = 0; i < list->n_members && !found; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		found = form->typtype == TYPTYPE_DOMAIN &&
			form->oid >= FirstNormalObjectId;
	}
	ReleaseSysCacheList(list);
	return found;
}

/* The token is a word, quoted or not, and no string: then its name. */
static const char *
word_of(const char *at, const core_YYSTYPE *value)
{
	if (*at == '"')
		return value->str;
	if (!isalpha((unsigned char) *at) && *at != '_' && !IS_HIGHBIT_SET(*at))
		return NULL;
	if (at[1] == '\'')
		return NULL;			/* E'', B'', X'', N'' */
	return value->str;			/* of a keyword the same, by another name */
}

/*
 * Do all words of the text name what is harmless, or nothing at all?  Whether
 * a word stands for a function or for a column is not asked.
 */
static bool
words_are_local(const PgmSource *source, int n)
{
	char	   *text = pgm_statement_text(source, n);
	Oid			own_schema = get_namespace_oid("pgmigrate", true);
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		at;
	bool		local = true;

	memset(&extra, 0, sizeof(extra));
	scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	pgm_scan_quietly(&extra);
	while (local && core_yylex(&value, &at, scanner) != 0)
	{
		const char *word;

		if ((text[at] == 'u' || text[at] == 'U') && text[at + 1] == '&')
		{
			local = false;		/* U&"" is not decoded here */
			break;
		}
		word = word_of(text + at, &value);
		local = word == NULL || strlen(word) >= NAMEDATALEN ||
			(!names_function(word, own_schema) && !names_domain(word));
	}
	scanner_finish(scanner);
	pfree(text);
	return local;
}

static bool
collect_relation(RangeVar *name, PgmNameRole role, void *arg)
{
	List	  **relids = arg;
	Oid			relid;

	if (role == PGM_NAME_CREATED)
		return false;
	relid = pgm_lookup_relation(name);
	if (OidIsValid(relid))
		*relids = list_concat(lappend_oid(*relids, relid),
							  pgm_descendants(relid));
	return false;
}

/* The relations named, and what the database has for all statements. */
static bool
objects_are_local(Node *stmt, bool rows)
{
	List	   *relids = NIL;
	Datum	   *oids;
	Datum		values[2];
	PgmSpiScope scope;
	bool		local;
	int			n = 0;
	ListCell   *lc;

	pgm_names_visit(stmt, collect_relation, &relids);
	oids = palloc(sizeof(Datum) * Max(list_length(relids), 1));
	foreach(lc, relids)
		oids[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = pgm_array_datum(OIDOID, n, oids);
	values[1] = BoolGetDatum(rows);
	pgm_spi_begin(&scope);
	local = pgm_spi_execute(&reaching_query, values, NULL) == 0;
	pgm_spi_end(&scope);
	return local;
}

/* Ours are local. */
static bool
any_event_trigger(void)
{
	static const EventTriggerEvent events[] = {
		EVT_DDLCommandStart, EVT_DDLCommandEnd, EVT_SQLDrop, EVT_TableRewrite
	};
	Oid			own_schema = get_namespace_oid("pgmigrate", true);

	for (int i = 0; i < lengthof(events); i++)
	{
		ListCell   *lc;

		foreach(lc, EventCacheLookup(events[i]))
		{
			const EventTriggerCacheItem *item = lfirst(lc);

			if (get_func_namespace(item->fnoid) != own_schema)
				return true;
		}
	}
	return false;
}

bool
pgm_database_is_local(void)
{
	return !any_event_trigger() && !pgm_citus_is_here();
}

bool
pgm_statement_is_local(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	PgmKindEffects effects = effects_of(stmt);

	if (effects == PGM_ANY_EFFECTS ||
		source->statements[n].length > PGM_LOCAL_TEXT_MAX ||
		!pgm_database_is_local())
		return false;

	if (!pgm_statement_is(stmt, PGM_ONLY_NAMES_CODE) &&
		!words_are_local(source, n))
		return false;
	return objects_are_local(stmt, effects == PGM_ROW_EFFECTS);
}
