/*-------------------------------------------------------------------------
 *
 * schema_trust.c
 *	  May SQL that names no schema run in this one, which others know too?
 *
 * The schema comes first in search_path.  If it is gone, or the role has no
 * USAGE, the server passes over it in silence, and what follows in the path
 * would be changed in its place.  A function or an operator there may take the
 * place of one of the server, so all who may create some, or own some from a
 * time when they could, need the privileges of the role.
 *
 * Tables and views are not looked at: who owns those that a revision is about
 * can have his code run by any revision, wherever they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "base/spi.h"
#include "store/authors.h"
#include "store/schema_trust.h"

#define OWNER_OF(catalog, owner) \
	"SELECT c." owner " FROM " catalog " c " \
	"WHERE o.classid = '" catalog "'::regclass AND c.oid = o.objid "

/* pg_database_owner is who owns the database. */
#define PERSON(role) \
	"SELECT DISTINCT CASE WHEN " role " = 'pg_database_owner'::regrole " \
	"THEN d.datdba ELSE " role " END::text "

/* Of predefined roles pg_shdepend does not know what they own. */
static PgmQuery schema_query = {
	"SELECT has_schema_privilege($2, n.oid, 'USAGE'), "
	"has_schema_privilege($2, n.oid, 'CREATE'), "
	"ARRAY(" PERSON("w.role") "FROM (SELECT n.nspowner "
	"UNION SELECT a.grantee FROM aclexplode(n.nspacl) a "
	"WHERE a.privilege_type = 'CREATE') AS w (role)), "
	"ARRAY(" PERSON("w.role") "FROM pg_depend o CROSS JOIN LATERAL ("
	OWNER_OF("pg_proc", "proowner") "UNION ALL "
	OWNER_OF("pg_operator", "oprowner") "UNION ALL "
	OWNER_OF("pg_opclass", "opcowner") "UNION ALL "
	OWNER_OF("pg_type", "typowner") "UNION ALL "
	OWNER_OF("pg_collation", "collowner") "UNION ALL "
	OWNER_OF("pg_conversion", "conowner") "UNION ALL "
	OWNER_OF("pg_ts_dict", "dictowner") "UNION ALL "
	OWNER_OF("pg_ts_config", "cfgowner") ") AS w (role) "
	"WHERE o.refclassid = 'pg_namespace'::regclass "
	"AND o.refobjid = n.oid) "
	"FROM pg_namespace n, pg_database d "
	"WHERE n.nspname = $1 AND d.datname = current_database()",
	2, {NAMEOID, OIDOID}
};

typedef struct Finding
{
	bool		there;
	bool		may_use;
	bool		may_create;
	int			ncreators;
	Oid		   *creators;
	int			nowners;
	Oid		   *owners;
} Finding;

typedef struct Objection
{
	int			code;			/* 0 if there is none */
	char	   *message;
	const char *detail;
	const char *hint;
} Objection;

static Finding
look(const char *schema, Oid role)
{
	Finding		finding = {false};
	PgmSpiScope scope;
	Datum		values[2];
	NameData	name;

	namestrcpy(&name, schema);
	values[0] = NameGetDatum(&name);
	values[1] = ObjectIdGetDatum(role);
	pgm_spi_begin(&scope);
	finding.there = pgm_spi_execute(&schema_query, values, NULL) > 0;
	if (finding.there)
	{
		finding.may_use = pgm_spi_bool(1, 1);
		finding.may_create = pgm_spi_bool(1, 2);
		finding.creators = pgm_spi_oid_array(1, 3, &finding.ncreators);
		finding.owners = pgm_spi_oid_array(1, 4, &finding.nowners);
	}
	pgm_spi_end(&scope);
	return finding;
}

/* The first without the privileges of the role; false if all have them. */
static bool
find_stranger(int n, const Oid *roles, Oid role, Oid *stranger)
{
	for (int i = 0; i < n; i++)
		if (!pgm_role_has_rights_of(roles[i], role))
		{
			*stranger = roles[i];
			return true;
		}
	return false;
}

static const char *
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name != NULL ? name : psprintf("%u", role);
}

static Objection
object_to(const char *schema, Oid role, bool to_create)
{
	static const char *const detail =
		"A function or an operator there would be run with rights that who made it does not have.";
	Finding		finding = look(schema, role);
	Objection	objection = {0};
	Oid			stranger;

	if (!finding.there)
	{
		objection.code = ERRCODE_UNDEFINED_SCHEMA;
		objection.message = psprintf("schema \"%s\" does not exist", schema);
		objection.hint = "Create it, or take its branch back with pgmigrate.stamp().";
		return objection;
	}
	if (!finding.may_use || (to_create && !finding.may_create))
	{
		objection.code = ERRCODE_INSUFFICIENT_PRIVILEGE;
		objection.message = psprintf("permission denied for schema %s",
									 schema);
	}
	else if (find_stranger(finding.ncreators, finding.creators, role,
						   &stranger))
	{
		objection.code = ERRCODE_INSUFFICIENT_PRIVILEGE;
		objection.message = OidIsValid(stranger) ?
			psprintf("role \"%s\" may create objects in schema \"%s\" and does not have the privileges of role \"%s\"",
					 role_name(stranger), schema, role_name(role)) :
			psprintf("everyone may create objects in schema \"%s\"", schema);
		objection.detail = detail;
		objection.hint = "Revoke CREATE on the schema, or call as a role whose privileges all of them have.";
	}
	else if (find_stranger(finding.nowners, finding.owners, role, &stranger))
	{
		objection.code = ERRCODE_INSUFFICIENT_PRIVILEGE;
		objection.message =
			psprintf("role \"%s\" owns functions, operators or types in schema \"%s\" and does not have the privileges of role \"%s\"",
					 role_name(stranger), schema, role_name(role));
		objection.detail = detail;
		objection.hint = "Read them and give them another owner, or drop them, or call as a role whose privileges their owner has.";
	}
	return objection;
}

void
pgm_schema_check_trusted(const char *schema, Oid role, bool to_create)
{
	Objection	objection = object_to(schema, role, to_create);

	if (objection.code != 0)
		ereport(ERROR,
				errcode(objection.code),
				errmsg_internal("%s", objection.message),
				objection.detail != NULL ?
				errdetail_internal("%s", objection.detail) : 0,
				objection.hint != NULL ?
				errhint("%s", objection.hint) : 0);
}

char *
pgm_schema_why_not_trusted(const char *schema, Oid role)
{
	return object_to(schema, role, false).message;
}

/*
 * CREATE takes this lock by itself, but only when it has found the schema.  It
 * is taken before the schema is looked at, and nobody is waited for: who is in
 * the way is about to drop it.
 */
void
pgm_schema_hold(const char *schema)
{
	Oid			oid = get_namespace_oid(schema, true);
	LOCKTAG		tag;

	if (!OidIsValid(oid))
		return;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, NamespaceRelationId, oid, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) ==
		LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				errmsg("schema \"%s\" is being dropped or changed by another transaction",
					   schema),
				errhint("Call again when that has ended."));
	AcceptInvalidationMessages();
}
