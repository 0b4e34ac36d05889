/*-------------------------------------------------------------------------
 *
 * look_code.c
 *	  What a statement names: extensions, functions, and tables that a trial
 *	  has no clones of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "assess/internal.h"
#include "base/spi.h"
#include "compat/command.h"
#include "compat/parse.h"

/* Is there the version, may only a superuser have it, what is it without? */
static PgmQuery extension_query = {
	"SELECT bool_or(v.version = w.version), "
	"bool_or(v.superuser AND NOT v.trusted), (SELECT r::text "
	"FROM pg_available_extension_versions n, unnest(n.requires) r "
	"WHERE n.name = $1 AND n.version = min(w.version) "
	"AND NOT EXISTS (SELECT FROM pg_extension x WHERE x.extname = r) "
	"LIMIT 1) FROM pg_available_extensions e "
	"CROSS JOIN LATERAL (SELECT coalesce($2, e.default_version) AS version) w "
	"JOIN pg_available_extension_versions v USING (name) "
	"WHERE e.name = $1",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery update_path_query = {
	"SELECT x.extversion = $2 OR EXISTS (SELECT "
	"FROM pg_extension_update_paths($1) p WHERE p.source = x.extversion "
	"AND p.target = $2 AND p.path IS NOT NULL), x.extversion "
	"FROM pg_extension x WHERE x.extname = $1",
	2, {TEXTOID, TEXTOID}
};

/* ---- extensions */

char *
pgm_option_text(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return defGetString(option);
	}
	return NULL;
}

static void
check_available(PgmSeek *look, CreateExtensionStmt *stmt, const char *version)
{
	PgmSpiScope scope;
	Datum		values[2] = {pgm_text_datum(stmt->extname)};
	bool		nulls[2] = {false, version == NULL};
	bool		known;
	bool		found;
	bool		restricted;
	char	   *required;

	if (version != NULL)
		values[1] = pgm_text_datum(version);
	pgm_spi_begin(&scope);
	(void) pgm_spi_execute(&extension_query, values, nulls);
	known = !pgm_spi_isnull(1, 1);
	found = known && pgm_spi_bool(1, 1);
	restricted = known && pgm_spi_bool(1, 2);
	required = pgm_spi_text(1, 3);
	if (required != NULL)
		required = MemoryContextStrdup(scope.outer, required);
	pgm_spi_end(&scope);
	if (!known)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("extension \"%s\" is not available", stmt->extname));
	if (!found)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("extension \"%s\" has no installation script nor update path for version \"%s\"",
					   stmt->extname, version ? version : ""));
	if (required != NULL && pgm_option_text(stmt->options, "cascade") == NULL)
	{
		look->names = list_make1(required);
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("required extension \"%s\" is not installed",
					   required));
	}
	look->free = true;
	look->remedy = pstrdup("Run it as a superuser.");
	if (restricted && !superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to create extension \"%s\"",
					   stmt->extname));
	look->remedy = NULL;
	look->free = false;
}

void
pgm_seek_extension(PgmSeek *look, CreateExtensionStmt *stmt)
{
	bool		taken = OidIsValid(get_extension_oid(stmt->extname, true));

	if (taken && stmt->if_not_exists)
		return;
	pgm_seek_free(look, taken, OBJECT_EXTENSION, stmt->extname);
	check_available(look, stmt, pgm_option_text(stmt->options, "new_version"));
	if (pgm_option_text(stmt->options, "cascade") == NULL)
		pgm_seek_name(look, OBJECT_SCHEMA, pgm_option_text(stmt->options, "schema"));
}

void
pgm_seek_update(PgmSeek *look, AlterExtensionStmt *stmt)
{
	char	   *version = pgm_option_text(stmt->options, "new_version");
	char	   *installed = NULL;
	PgmSpiScope scope;
	Datum		values[2];

	pgm_seek_name(look, OBJECT_EXTENSION, stmt->extname);
	if (version == NULL)
		return;
	values[0] = pgm_text_datum(stmt->extname);
	values[1] = pgm_text_datum(version);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&update_path_query, values, NULL) > 0 &&
		!pgm_spi_bool(1, 1))
		installed = MemoryContextStrdup(scope.outer, pgm_spi_text(1, 2));
	pgm_spi_end(&scope);
	if (installed != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("extension \"%s\" has no update path from version \"%s\" to version \"%s\"",
					   stmt->extname, installed, version));
}

/* ---- code */

void
pgm_seek_new_function(PgmSeek *look, CreateFunctionStmt *stmt)
{
	ObjectWithArgs *name = makeNode(ObjectWithArgs);
	ObjectAddress address;
	char	   *unqualified;
	ListCell   *lc;

	pgm_seek_name(look, OBJECT_LANGUAGE, pgm_option_text(stmt->options, "language"));
	name->objname = stmt->funcname;
	foreach(lc, stmt->parameters)
	{
		FunctionParameter *parameter = lfirst_node(FunctionParameter, lc);

		if ((parameter->mode != FUNC_PARAM_OUT || stmt->is_procedure) &&
			parameter->mode != FUNC_PARAM_TABLE)
			name->objargs = lappend(name->objargs, parameter->argType);
	}
	address = pgm_seek(look, OBJECT_ROUTINE, (Node *) name, true, false);
	if (!OidIsValid(address.objectId))
		return;
	look->free = true;
	if (get_object_namespace(&address) !=
		QualifiedNameGetCreationNamespace(stmt->funcname, &unqualified))
		return;
	if (!stmt->replace)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_FUNCTION),
				errmsg("function \"%s\" already exists with same argument types",
					   unqualified));
	pgm_seek_owner(look, OBJECT_ROUTINE, address, (Node *) name, NULL);
	look->free = true;
	if ((get_func_prokind(address.objectId) == PROKIND_PROCEDURE) !=
		stmt->is_procedure)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot change routine kind"));
	if (stmt->returnType != NULL && !stmt->returnType->setof &&
		!stmt->returnType->pct_type &&
		get_func_rettype(address.objectId) !=
		typenameTypeId(NULL, stmt->returnType))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				errmsg("cannot change return type of existing function"));
}

/* The types of arguments are for the run. */
void
pgm_seek_call(PgmSeek *look, CallStmt *stmt)
{
	List	   *name = stmt->funccall->funcname;
	FuncCandidateList candidates = pgm_function_candidates(name);
	FuncCandidateList candidate = candidates;

	look->names = pgm_object_names(NIL, (Node *) name);
	while (candidate != NULL &&
		   get_func_prokind(candidate->oid) != PROKIND_PROCEDURE)
		candidate = candidate->next;
	if (candidates != NULL && candidate == NULL)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("%s is not a procedure", NameListToString(name)));
	if (stmt->funccall->args == NIL)
	{
		ObjectWithArgs *routine = makeNode(ObjectWithArgs);

		routine->objname = name;
		(void) LookupFuncWithArgs(OBJECT_PROCEDURE, routine, false);
	}
	else if (candidate == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("procedure %s does not exist", NameListToString(name)));
}

void
pgm_seek_event_trigger(PgmSeek *look, CreateEventTrigStmt *stmt)
{
	Oid			function;

	look->names = pgm_object_names(NIL, (Node *) stmt->funcname);
	function = LookupFuncName(stmt->funcname, 0, NULL, false);
	if (get_func_rettype(function) != EVENT_TRIGGEROID)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				errmsg("function %s must return type %s",
					   NameListToString(stmt->funcname), "event_trigger"));
	look->free = true;
	look->remedy = pstrdup("Run it as a superuser.");
	if (!superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to create event trigger \"%s\"",
					   stmt->trigname));
}
