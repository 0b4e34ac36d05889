/*-------------------------------------------------------------------------
 *
 * look_publications.c
 *	  What a statement names: publications, and what is published.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_publication.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "assess/internal.h"
#include "compat/parse.h"
#include "compat/replication.h"

static bool
is_publishable(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE) &&
		!IsCatalogRelationOid(relid) &&
		get_rel_persistence(relid) == RELPERSISTENCE_PERMANENT;
}

static void
be_publishable(Oid relid, const char *name)
{
	if (!is_publishable(relid))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot add relation \"%s\" to publication", name));
}

/* Returns the table; its columns are looked up, too. */
static Oid
check_table(PgmSeek *look, const PublicationTable *table, bool added)
{
	const char *name = table->relation->relname;
	Oid			relid = pgm_seek_relation(look, table->relation, NULL, NULL);
	const char *repeated = pgm_first_repeated(table->columns);

	if (added)
		be_publishable(relid, name);
	pgm_seek_columns(look, table->relation, relid, table->columns);
	if (repeated != NULL)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("duplicate column \"%s\" in publication column list",
					   repeated));
	return relid;
}

/* EXCEPT (TABLE …) */
static void
check_exception(PgmSeek *look, const RangeVar *name)
{
	Oid			relid = pgm_seek_relation(look, name, NULL, NULL);

	if (!is_publishable(relid) || get_rel_relispartition(relid))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot specify relation \"%s.%s\" in the publication EXCEPT clause",
					   get_namespace_name(get_rel_namespace(relid)),
					   name->relname));
}

/* Is it, and ought it to be, a member? */
static void
check_member(const AlterPublicationStmt *stmt, Oid publication, Oid relid,
			 const char *name)
{
	bool		member = SearchSysCacheExists2(PUBLICATIONRELMAP,
											   ObjectIdGetDatum(relid),
											   ObjectIdGetDatum(publication));

	if (member && stmt->action == AP_AddObjects)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("relation \"%s\" is already member of publication \"%s\"",
					   name, stmt->pubname));
	if (!member && stmt->action == AP_DropObjects)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("relation \"%s\" is not part of the publication",
					   name));
}

static void
check_schema_member(const AlterPublicationStmt *stmt, Oid publication,
					const char *schema)
{
	Oid			namespace = get_namespace_oid(schema, false);
	bool		member = SearchSysCacheExists2(PUBLICATIONNAMESPACEMAP,
											   ObjectIdGetDatum(namespace),
											   ObjectIdGetDatum(publication));

	if (member && stmt->action == AP_AddObjects)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("schema \"%s\" is already member of publication \"%s\"",
					   schema, stmt->pubname));
	if (!member && stmt->action == AP_DropObjects)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("tables from schema \"%s\" are not part of the publication",
					   schema));
}

/* "stmt" is NULL for a new one. */
static void
check_objects(PgmSeek *look, List *objects, const AlterPublicationStmt *stmt,
			  Oid publication)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, lc);

		if (pgm_is_publication_exception(object))
			check_exception(look, object->pubtable->relation);
		else if (object->pubtable != NULL)
		{
			Oid			relid = check_table(look, object->pubtable,
											stmt == NULL ||
											stmt->action != AP_DropObjects);

			if (stmt == NULL)
				continue;
			look->names = list_make2(stmt->pubname,
									 object->pubtable->relation->relname);
			check_member(stmt, publication, relid,
						 object->pubtable->relation->relname);
		}
		else if (object->pubobjtype == PUBLICATIONOBJ_TABLES_IN_SCHEMA)
		{
			pgm_seek_name(look, OBJECT_SCHEMA, object->name);
			if (stmt == NULL)
				continue;
			look->names = list_make2(stmt->pubname, object->name);
			check_schema_member(stmt, publication, object->name);
		}
	}
}

/* Words of a list of kinds of changes. */
static void
check_publish(DefElem *option)
{
	static const char *const words[] = {
		"insert", "update", "delete", "truncate"
	};
	char	   *text = pstrdup(defGetString(option));
	List	   *given;
	ListCell   *lc;

	if (!SplitIdentifierString(text, ',', &given))
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("invalid list syntax for \"publish\" option"));
	foreach(lc, given)
	{
		int			i = 0;

		while (i < lengthof(words) && strcmp(lfirst(lc), words[i]) != 0)
			i++;
		if (i == lengthof(words))
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("unrecognized value for publication option \"%s\": \"%s\"",
						   "publish", (char *) lfirst(lc)));
	}
}

static void
check_options(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "publish") == 0)
			check_publish(option);
		else if (strcmp(option->defname, "publish_via_partition_root") == 0)
			(void) defGetBoolean(option);
		else if (strcmp(option->defname, "publish_generated_columns") != 0)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("unrecognized publication parameter: \"%s\"",
						   option->defname));
	}
}

void
pgm_seek_new_publication(PgmSeek *look, CreatePublicationStmt *stmt)
{
	bool		taken = OidIsValid(get_publication_oid(stmt->pubname, true));

	pgm_seek_free(look, taken, OBJECT_PUBLICATION, stmt->pubname);
	check_options(stmt->options);
	check_objects(look, stmt->pubobjects, NULL, InvalidOid);
}

static bool
is_for_all(Oid publication)
{
	HeapTuple	tuple = SearchSysCache1(PUBLICATIONOID,
										ObjectIdGetDatum(publication));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_publication) GETSTRUCT(tuple))->puballtables;
	ReleaseSysCache(tuple);
	return result;
}

void
pgm_seek_publication(PgmSeek *look, AlterPublicationStmt *stmt)
{
	Oid			publication;

	pgm_seek_name(look, OBJECT_PUBLICATION, stmt->pubname);
	publication = get_publication_oid(stmt->pubname, false);
	check_options(stmt->options);
	/* with exceptions it is SET ALL TABLES */
	if (stmt->pubobjects != NIL &&
		!pgm_is_publication_exception(linitial(stmt->pubobjects)) &&
		is_for_all(publication))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("publication \"%s\" is defined as FOR ALL TABLES",
					   stmt->pubname));
	check_objects(look, stmt->pubobjects, stmt, publication);
}
