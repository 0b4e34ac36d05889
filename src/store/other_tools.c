/*-------------------------------------------------------------------------
 *
 * other_tools.c
 *	  Other migration tools: how their ledgers look and how to read them.
 *
 * Several tools use the same name for their table, so a tool is told by its
 * columns; of two that fit, the one earlier in the list has more of them or
 * narrower types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "store/other_tools.h"

/* Versions are numbers, or texts of one length that sort as they are. */
#define BY_VERSION \
	"SELECT version::text, NULL::text, false FROM ONLY %s " \
	"ORDER BY length(version::text), version::text COLLATE \"C\""

/* A number is the same version with any number of zeros before it. */
#define DOWN_BY(version) \
	"DELETE FROM %s WHERE " version " = $1 OR ($1 ~ '^[0-9]+$'::text AND " \
	version "::text ~ '^[0-9]+$'::text AND " \
	"ltrim(" version "::text, '0'::text) = ltrim($1, '0'::text))"

/*
 * One line for each schema.  What was done past pgroll, and what is written as
 * SQL, is held as SQL.
 */
#define PGROLL_VERSIONS \
	"SELECT p || name::text, NULL::text, false, " \
	"CASE WHEN parent IS NULL THEN '{}' ELSE ARRAY[p || parent::text] END AS parents, " \
	"(SELECT string_agg(o -> 'sql' ->> 'up', E'\n;\n' ORDER BY n) " \
	"FROM jsonb_array_elements(CASE WHEN " \
	"jsonb_typeof(migration -> 'operations') = 'array' " \
	"THEN migration -> 'operations' ELSE '[]' END) WITH ORDINALITY AS e (o, n) " \
	"HAVING bool_and(o -> 'sql' ->> 'up' IS NOT NULL)) AS upgrade " \
	"FROM (SELECT m.*, CASE WHEN (SELECT count(DISTINCT schema) FROM ONLY %s) " \
	"> 1 THEN schema::text || '.' ELSE '' END AS p FROM ONLY %s AS m) AS m " \
	"ORDER BY created_at"

/*
 * A change that was reworked gets the number that loading its plan gives it.
 * Registries that were made before there were hashes have the id in place.
 */
#define SQITCH_VERSIONS \
	"WITH c AS (SELECT change_id::text, note, committed_at, " \
	"nullif(script_hash::text, change_id::text) AS checksum, change::text || " \
	"coalesce('_' || nullif(row_number() OVER (PARTITION BY change " \
	"ORDER BY committed_at), 1), '') AS version FROM ONLY %s) " \
	"SELECT version, note::text, false, checksum, " \
	"ARRAY(SELECT r.version FROM %c d " \
	"JOIN c r ON r.change_id = d.dependency_id::text " \
	"WHERE d.change_id::text = c.change_id AND d.type::text = 'require' " \
	"ORDER BY r.committed_at) AS depends FROM c ORDER BY committed_at"

/* Statements without the semicolons between them. */
#define SUPABASE_VERSIONS \
	"SELECT version, name, false, (SELECT string_agg(s || CASE " \
	"WHEN s ~ '--[^\n]*$' THEN E'\n;\n' ELSE E';\n' END, '' ORDER BY n) " \
	"FROM (SELECT regexp_replace(t, '[;[:space:]]+$', ''), n " \
	"FROM unnest(statements) WITH ORDINALITY AS u (t, n)) AS r (s, n) " \
	"WHERE s <> '') AS upgrade FROM ONLY %s " \
	"ORDER BY length(version), version COLLATE \"C\""

static const PgmForeignTool tools[] = {
	{
		.name = "alembic",
		.table = "alembic_version",
		.columns = "version_num",
		.versions = "SELECT version_num::text, NULL::text, true "
		"FROM ONLY %s ORDER BY 1",
		.heads = true,
		.mirror = PGM_MIRROR_HEADS,
		.up = "INSERT INTO %s (version_num) VALUES ($1)",
		.down = DOWN_BY("version_num")
	},
	{
		.name = "atlas",
		.table = "atlas_schema_revisions",
		.columns = "version, description, type, applied, total, hash",
		.versions = "SELECT version::text, description::text, type = 1 "
		"FROM ONLY %s WHERE left(version::text, 1) <> '.' "
		"ORDER BY version::text COLLATE \"C\"",
		.problem = "SELECT 'dirty', format('version %%s has %%s of %%s "
		"statements applied', version, applied, total) "
		"FROM ONLY %s WHERE applied < total LIMIT 1"
	},
	{
		.name = "diesel",
		.table = "__diesel_schema_migrations",
		.columns = "version, run_on",
		.versions = BY_VERSION,
		.mirror = PGM_MIRROR_SET,
		.up = "INSERT INTO %s (version) VALUES ($1)",
		.down = DOWN_BY("version")
	},
	{
		.name = "django",
		.table = "django_migrations",
		.columns = "id, app, name, applied",
		.versions = "SELECT app::text || '.' || name::text, NULL::text, false "
		"FROM ONLY %s ORDER BY id"
	},
	{
		.name = "drizzle",
		.table = "__drizzle_migrations",
		.columns = "hash, created_at:bigint",
		.versions = "SELECT created_at::text, 'hash ' || hash::text, false, "
		"hash::text AS checksum FROM ONLY %s ORDER BY created_at",
		.checksum = "sha256"
	},
	{
		.name = "efcore",
		.table = "__EFMigrationsHistory",
		.columns = "MigrationId, ProductVersion",
		.versions = "SELECT \"MigrationId\"::text, NULL::text, false "
		"FROM ONLY %s ORDER BY \"MigrationId\"::text COLLATE \"C\""
	},
	{
		.name = "flyway",
		.table = "flyway_schema_history",
		.columns = "installed_rank, version, description, type, script, "
		"checksum, success:boolean",
		.versions = "SELECT v, m, t = 'BASELINE', c::text AS checksum FROM ("
		"SELECT DISTINCT ON (k) v, m, t, c, r FROM ("
		"SELECT coalesce(regexp_replace(version::text, '^0+(?=[0-9]+$)', ''), "
		"script::text) AS k, "
		"coalesce(version::text, regexp_replace(regexp_replace("
		"script::text, '^.*/', ''), '\\.sql$', '')) AS v, "
		"description::text AS m, type::text AS t, checksum AS c, "
		"installed_rank AS r "
		"FROM ONLY %s WHERE success AND type::text <> 'SCHEMA') AS a "
		"ORDER BY k, r DESC) AS b "
		"WHERE t <> 'DELETE' AND t NOT LIKE 'UNDO%%' ORDER BY r",
		.problem = "SELECT 'dirty', format('migration %%s failed', "
		"coalesce(version, script)) FROM ONLY %s WHERE NOT success LIMIT 1",
		.checksum = "crc32",
		.mirror = PGM_MIRROR_SET,
		.digits = "0123456789.",
		.up = "INSERT INTO %s (installed_rank, version, description, type, "
		"script, checksum, installed_by, execution_time, success) "
		"SELECT coalesce(max(installed_rank), 0) + 1, "
		"CASE WHEN left($1, 3) <> 'R__' THEN $1 END, left($2, 200), 'SQL'::text, "
		"CASE WHEN left($1, 3) = 'R__' THEN $1 || '.sql' "
		"ELSE 'V' || $1 || '__' || left(replace($2, ' ', '_'), 200) || '.sql' "
		"END, $3::integer, current_user, 0, true FROM ONLY %s",
		.down = "INSERT INTO %s (installed_rank, version, description, type, "
		"script, checksum, installed_by, execution_time, success) "
		"SELECT coalesce(max(installed_rank), 0) + 1, "
		"CASE WHEN left($1, 3) <> 'R__' THEN $1 END, left($2, 200), "
		"CASE WHEN left($1, 3) <> 'R__' THEN 'UNDO_SQL'::text ELSE 'DELETE'::text END, "
		"CASE WHEN left($1, 3) = 'R__' THEN $1 || '.sql' "
		"ELSE 'U' || $1 || '__' || left(replace($2, ' ', '_'), 200) || '.sql' "
		"END, NULL::integer, current_user, 0, true FROM ONLY %s"
	},
	{
		.name = "flyway",
		.table = "schema_version",
		.columns = "installed_rank, version, description, type, script, "
		"checksum, success:boolean",
		.versions = "SELECT version::text, description::text, "
		"type::text = 'BASELINE', checksum::text AS checksum "
		"FROM ONLY %s WHERE success "
		"AND version IS NOT NULL AND type::text <> 'SCHEMA' "
		"ORDER BY installed_rank",
		.problem = "SELECT 'dirty', format('migration %%s failed', "
		"coalesce(version, script)) FROM ONLY %s WHERE NOT success LIMIT 1",
		.checksum = "crc32"
	},
	{
		.name = "golang-migrate",
		.table = "schema_migrations",
		.columns = "version:bigint, dirty:boolean",
		.versions = "SELECT version::text, NULL::text, true FROM ONLY %s "
		"ORDER BY version",
		.problem = "SELECT 'dirty', format('version %%s failed half way', "
		"version) FROM ONLY %s WHERE dirty LIMIT 1",
		.mirror = PGM_MIRROR_NEWEST,
		.digits = "0123456789",
		.up = "INSERT INTO %s (version, dirty) VALUES ($1::bigint, false)",
		.down = "DELETE FROM %s"
	},
	{
		.name = "goose",
		.table = "goose_db_version",
		.columns = "id, version_id:bigint, is_applied:boolean",
		.versions = "SELECT version_id::text, NULL::text, false FROM ("
		"SELECT DISTINCT ON (version_id) version_id, is_applied "
		"FROM ONLY %s ORDER BY version_id, id DESC) AS l "
		"WHERE is_applied AND version_id <> 0 ORDER BY version_id",
		.mirror = PGM_MIRROR_SET,
		.digits = "0123456789",
		.up = "INSERT INTO %s (version_id, is_applied) "
		"VALUES ($1::bigint, true)",
		.down = "DELETE FROM %s WHERE version_id = $1::bigint"
	},
	{
		.name = "graphile-migrate",
		.table = "migrations",
		.columns = "hash:text, previous_hash:text, filename:text, date",
		.versions = "SELECT regexp_replace(filename, '\\.sql$', ''), "
		"'hash ' || hash, false FROM ONLY %s ORDER BY filename COLLATE \"C\""
	},
	{
		.name = "knex",
		.table = "knex_migrations",
		.columns = "id, name, batch, migration_time",
		.versions = "SELECT regexp_replace(name::text, '\\.[a-z]+$', ''), "
		"'batch ' || batch::text, false FROM ONLY %s ORDER BY id",
		.companion = "knex_migrations_lock",
		.companion_problem = "SELECT 'locked', 'a migration is running, or "
		"ended without unlocking' FROM ONLY %s WHERE is_locked <> 0 LIMIT 1"
	},
	{
		.name = "liquibase",
		.table = "databasechangelog",
		.columns = "id, author, filename, orderexecuted, dateexecuted, "
		"exectype, md5sum",
		.versions = "SELECT left(md5(concat_ws('::', id, author, filename)), "
		"12), concat_ws('::', id, author, filename), false "
		"FROM ONLY %s WHERE exectype::text NOT IN ('FAILED', 'SKIPPED') "
		"ORDER BY orderexecuted, dateexecuted",
		.companion = "databasechangeloglock",
		.companion_problem = "SELECT 'locked', format('locked by %%s since %%s', "
		"lockedby, to_char(lockgranted, 'YYYY-MM-DD HH24:MI:SS')) FROM ONLY %s WHERE locked LIMIT 1"
	},
	{
		.name = "node-pg-migrate",
		.table = "pgmigrations",
		.columns = "id, name, run_on",
		.versions = "SELECT name::text, NULL::text, false FROM ONLY %s "
		"ORDER BY run_on, id"
	},
	{
		.name = "omni_schema",
		.table = "migrations",
		.columns = "id:integer, name, migration:text, applied_at",
		.versions = "SELECT name::text, NULL::text, false, migration AS upgrade "
		"FROM ONLY %s ORDER BY id"
	},
	{
		.name = "peterldowns-pgmigrate",
		.table = "pgmigrate_migrations",
		.columns = "id, checksum, execution_time_in_millis, applied_at",
		.versions = "SELECT regexp_replace(id::text, '\\.sql$', ''), "
		"NULL::text, false, checksum::text AS checksum "
		"FROM ONLY %s ORDER BY applied_at, id",
		.checksum = "md5"
	},
	{
		.name = "pgroll",
		.table = "migrations",
		.columns = "schema, name, migration:jsonb, parent, done:boolean, "
		"created_at",
		.versions = PGROLL_VERSIONS,
		.problem = "SELECT 'active', format('migration %%s of schema %%s is "
		"started and not complete', name, schema) FROM ONLY %s "
		"WHERE NOT done LIMIT 1"
	},
	{
		.name = "prisma",
		.table = "_prisma_migrations",
		.columns = "id, checksum, finished_at, migration_name, "
		"rolled_back_at, started_at, applied_steps_count",
		.versions = "SELECT migration_name::text, NULL::text, false, "
		"checksum::text AS checksum "
		"FROM ONLY %s WHERE finished_at IS NOT NULL "
		"AND rolled_back_at IS NULL ORDER BY started_at, migration_name",
		.checksum = "sha256",
		.problem = "SELECT 'dirty', format('migration %%s is not finished', "
		"migration_name) FROM ONLY %s WHERE finished_at IS NULL "
		"AND rolled_back_at IS NULL LIMIT 1"
	},
	{
		.name = "reshape",
		.table = "migrations",
		.columns = "index:integer, name, actions:jsonb, completed_at",
		.versions = "SELECT name::text, NULL::text, false FROM ONLY %s "
		"ORDER BY index",
		.problem = "SELECT 'active', format('migration %%s is started and not "
		"complete', name) FROM ONLY %s WHERE completed_at IS NULL LIMIT 1"
	},
	{
		.name = "sqitch",
		.table = "changes",
		.columns = "change_id, script_hash, change, project, note, "
		"committed_at",
		.versions = SQITCH_VERSIONS,
		.checksum = "sha1",
		.companion = "dependencies",
		.no_companion = "(SELECT NULL::text AS change_id, NULL::text AS type, "
		"NULL::text AS dependency_id WHERE false)",
		.problem = "SELECT 'dirty', format('holds %%s projects', "
		"count(DISTINCT project)) FROM ONLY %s "
		"HAVING count(DISTINCT project) > 1"
	},
	{
		.name = "sqlx",
		.table = "_sqlx_migrations",
		.columns = "version:bigint, description, success:boolean, "
		"checksum:bytea, execution_time",
		.versions = "SELECT version::text, description::text, false, "
		"encode(checksum, 'hex') AS checksum "
		"FROM ONLY %s WHERE success ORDER BY version",
		.checksum = "sha384",
		.problem = "SELECT 'dirty', format('version %%s did not succeed', "
		"version) FROM ONLY %s WHERE NOT success LIMIT 1"
	},
	{
		.name = "versioning",
		.table = "patches",
		.columns = "patch_name, applied_tsz, requires:text[], conflicts:text[]",
		.versions = "SELECT patch_name::text, NULL::text, false, "
		"requires AS depends FROM ONLY %s ORDER BY applied_tsz, patch_name"
	},
	{
		.name = "yandex-pgmigrate",
		.table = "schema_version",
		.columns = "version:bigint, description, installed_by, installed_on",
		.without = "installed_rank",
		.versions = "SELECT version::text, description::text, false "
		"FROM ONLY %s ORDER BY version"
	},
	{
		.name = "supabase",
		.table = "schema_migrations",
		.columns = "version:text, statements:text[], name:text",
		.versions = SUPABASE_VERSIONS
	},
	{
		.name = "supabase",
		.table = "schema_migrations",
		.columns = "version:text, statements:text[]",
		.versions = BY_VERSION
	},
	{
		.name = "ecto",
		.table = "schema_migrations",
		.columns = "version:bigint, inserted_at",
		.without = "dirty",
		.versions = BY_VERSION,
		.mirror = PGM_MIRROR_SET,
		.digits = "0123456789",
		.up = "INSERT INTO %s (version, inserted_at) "
		"VALUES ($1::bigint, now() AT TIME ZONE 'UTC')",
		.down = "DELETE FROM %s WHERE version = $1::bigint"
	},
	{
		.name = "dbmate",
		.table = "schema_migrations",
		.columns = "version:character varying(",
		.columns_if_named = "version:character varying",
		.versions = BY_VERSION,
		.mirror = PGM_MIRROR_SET,
		.up = "INSERT INTO %s (version) VALUES ($1)",
		.down = DOWN_BY("version")
	},
	{
		.name = "rails",
		.table = "schema_migrations",
		.columns = "version:character varying",
		.columns_if_named = "version:character varying(",
		.versions = BY_VERSION,
		.mirror = PGM_MIRROR_SET,
		.up = "INSERT INTO %s (version) VALUES ($1)",
		.down = DOWN_BY("version")
	}
};

const PgmForeignTool *
pgm_foreign_tools(int *n)
{
	*n = lengthof(tools);
	return tools;
}

const PgmForeignTool *
pgm_foreign_tool_by_name(const char *name)
{
	for (int i = 0; i < lengthof(tools); i++)
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	return NULL;
}

/* A type that ends with "(" stands for all of its lengths. */
static bool
has_column(const char *name, size_t namelen, const char *type, size_t typelen,
		   int ncolumns, char **names, char **types)
{
	for (int i = 0; i < ncolumns; i++)
	{
		if (strlen(names[i]) != namelen ||
			memcmp(names[i], name, namelen) != 0)
			continue;
		if (typelen == 0)
			return true;
		if (strncmp(types[i], type, typelen) != 0)
			return false;
		return type[typelen - 1] == '(' || strlen(types[i]) == typelen;
	}
	return false;
}

static bool
has_columns(const PgmForeignTool *tool, const char *at, int ncolumns,
			char **names, char **types)
{
	while (*at)
	{
		size_t		len = strcspn(at, ",");
		size_t		namelen = strcspn(at, ",:");
		size_t		typelen = namelen < len ? len - namelen - 1 : 0;

		if (!has_column(at, namelen, at + namelen + 1, typelen,
						ncolumns, names, types))
			return false;
		at += len;
		at += strspn(at, ", ");
	}
	return tool->without == NULL ||
		!has_column(tool->without, strlen(tool->without), "", 0,
					ncolumns, names, types);
}

bool
pgm_foreign_tool_detects(const PgmForeignTool *tool, int ncolumns,
						 char **names, char **types)
{
	return has_columns(tool, tool->columns, ncolumns, names, types);
}

bool
pgm_foreign_tool_matches(const PgmForeignTool *tool, int ncolumns,
						 char **names, char **types)
{
	return pgm_foreign_tool_detects(tool, ncolumns, names, types) ||
		(tool->columns_if_named != NULL &&
		 has_columns(tool, tool->columns_if_named, ncolumns, names, types));
}

char *
pgm_foreign_tool_column(const PgmForeignTool *tool, int n)
{
	const char *at = tool->columns;

	for (; n > 0 && *at; n--)
	{
		at += strcspn(at, ",");
		at += strspn(at, ", ");
	}
	return *at ? pnstrdup(at, strcspn(at, ",:")) : NULL;
}

char *
pgm_foreign_tool_sql(const char *query, const char *table,
					 const char *companion)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *at = query; *at; at++)
	{
		if (at[0] == '%' && at[1] == 's')
			appendStringInfoString(&sql, table);
		else if (at[0] == '%' && at[1] == 'c')
			appendStringInfoString(&sql, companion);
		else
			appendStringInfoChar(&sql, *at);
		if (at[0] == '%')
			at++;
	}
	return sql.data;
}
