/*-------------------------------------------------------------------------
 *
 * mirror.c
 *	  Keep the ledger of another tool in step with ours.
 *
 * While a team changes over, both tools must find their own table right.  So a
 * step writes the rows that the other tool would have written, in its own
 * transaction.
 *
 * Who may write is asked of the role that runs the revision.  The write itself
 * has the rights of the table's owner, so that triggers on it, which that
 * owner may have made, have no others.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/mirror.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "checksum.h"
#include "compat.h"
#include "foreign_tool.h"
#include "mirror.h"
#include "miscadmin.h"
#include "revision.h"
#include "spi.h"
#include "utils/acl.h"

static PgmQuery list_query = {
	"SELECT m.tool, m.ledger, c.oid::bigint, c.relowner::bigint "
	"FROM pgmigrate.mirror m "
	"LEFT JOIN pg_class c ON c.oid = to_regclass(m.ledger) "
	"ORDER BY m.ledger"
};

static PgmQuery insert_query = {
	"INSERT INTO pgmigrate.mirror (tool, ledger) VALUES ($1, $2) "
	"ON CONFLICT (ledger) DO UPDATE SET tool = excluded.tool",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery delete_query = {
	"DELETE FROM pgmigrate.mirror WHERE ledger = $1",
	1, {TEXTOID}
};

static PgmQuery checksum_query = {
	"SELECT source ->> 'crc32' FROM pgmigrate.revision WHERE id = $1",
	1, {TEXTOID}
};

PgmMirror *
pgm_mirror_list(const PgmSpiScope *scope, int *n)
{
	uint64		rows = pgm_spi_execute(&list_query, NULL, NULL);
	PgmMirror  *mirrors = NULL;

	if (rows > 0)
		mirrors = MemoryContextAlloc(scope->outer, sizeof(PgmMirror) * rows);
	for (uint64 i = 0; i < rows; i++)
	{
		mirrors[i].tool = pgm_spi_text(i + 1, 1);
		mirrors[i].ledger = pgm_spi_text(i + 1, 2);
		mirrors[i].relation = (Oid) pgm_spi_int64(i + 1, 3);
		mirrors[i].owner = (Oid) pgm_spi_int64(i + 1, 4);
	}
	*n = (int) rows;
	return mirrors;
}

void
pgm_mirror_set(const char *tool, const char *ledger, bool follow)
{
	PgmSpiScope scope;
	Datum		values[2];

	pgm_spi_begin(&scope);
	if (follow)
	{
		values[0] = pgm_text_datum(tool);
		values[1] = pgm_text_datum(ledger);
		pgm_spi_execute(&insert_query, values, NULL);
	}
	else
	{
		values[0] = pgm_text_datum(ledger);
		pgm_spi_execute(&delete_query, values, NULL);
	}
	pgm_spi_end(&scope);
}

void
pgm_mirror_check(Oid relation, const char *ledger)
{
	static const AclMode modes[] = {ACL_SELECT, ACL_INSERT, ACL_DELETE};

	for (int i = 0; i < lengthof(modes); i++)
		if (pg_class_aclcheck(relation, GetUserId(), modes[i]) != ACLCHECK_OK)
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for table %s", ledger),
					errdetail("It is kept in step with the ledger of pgmigrate, which takes SELECT, INSERT and DELETE."));
}

/* Can a version of this tool be so? */
static bool
is_version(const PgmForeignTool *tool, const char *id)
{
	if (tool->digits == NULL ||
		(strcmp(tool->name, "flyway") == 0 && strncmp(id, "R__", 3) == 0))
		return true;
	return strlen(id) <= 18 && id[strspn(id, tool->digits)] == '\0';
}

/* Of its file if it was loaded from one, so that Flyway finds it unchanged. */
static char *
flyway_checksum(const PgmRevision *revision)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *checksum = NULL;

	values[0] = pgm_text_datum(revision->id);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&checksum_query, values, NULL) > 0)
		checksum = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	if (checksum != NULL)
		return checksum;
	return psprintf("%d", pgm_checksum_of_lines(revision->upgrade,
												strlen(revision->upgrade)));
}

static void
execute(const PgmMirror *mirror, const char *query, const char *version,
		const PgmRevision *revision)
{
	char	   *args[3];
	int			nargs = 0;

	args[0] = unconstify(char *, version);
	args[1] = revision ? revision->message : NULL;
	args[2] = revision && strstr(query, "$3") ? flyway_checksum(revision) :
		NULL;
	while (nargs < lengthof(args) &&
		   strstr(query, psprintf("$%d", nargs + 1)) != NULL)
		nargs++;
	pgm_spi_execute_built(pgm_foreign_tool_sql(query, mirror->ledger, NULL),
						  false, nargs, args);
}

static void
write_rows(const PgmMirror *mirror, const PgmForeignTool *tool,
		   const PgmMirrorChange *change, const PgmRevision *revision)
{
	bool		up = change->direction == PGM_UP;

	switch (tool->mirror)
	{
		case PGM_MIRROR_HEADS:
			for (int i = 0; i < change->nremoved; i++)
				execute(mirror, tool->down, change->removed[i], NULL);
			for (int i = 0; i < change->nadded; i++)
				execute(mirror, tool->up, change->added[i], NULL);
			break;
		case PGM_MIRROR_NEWEST:
			execute(mirror, tool->down, NULL, NULL);
			if (change->nadded > 0)
				execute(mirror, tool->up, change->added[0], NULL);
			break;
		case PGM_MIRROR_SET:
			/* no other tool has a file of a merge */
			if (revision != NULL && revision->nparents < 2)
				execute(mirror, up ? tool->up : tool->down, revision->id,
						revision);
			break;
		case PGM_MIRROR_NONE:
			break;
	}
}

/* Says so if it cannot. */
static bool
can_hold(const PgmMirror *mirror, const PgmForeignTool *tool, const char *id)
{
	if (is_version(tool, id))
		return true;
	ereport(NOTICE,
			errmsg("table %s cannot hold revision \"%s\"", mirror->ledger, id),
			errdetail("Versions of %s are numbers.", tool->name));
	return false;
}

/* Is there something that this ledger cannot hold? */
static bool
is_beyond(const PgmMirror *mirror, const PgmForeignTool *tool,
		  const PgmMirrorChange *change)
{
	const char *id = change->revision;

	/* of a stamp it has one row for each revision, not for each step */
	if (change->direction == PGM_STAMP && tool->mirror == PGM_MIRROR_SET)
		return true;
	if (tool->mirror == PGM_MIRROR_NEWEST)
		id = change->nadded > 0 ? change->added[0] : NULL;
	return id != NULL && !can_hold(mirror, tool, id);
}

/* Who may write it now? */
static void
check_mirror(const PgmMirror *mirror)
{
	if (!OidIsValid(mirror->relation))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table %s does not exist", mirror->ledger),
				errdetail("It is kept in step with the ledger of pgmigrate."),
				errhint("Delete its row from \"%s\" if it is no longer used.",
						"pgmigrate.mirror"));
	pgm_mirror_check(mirror->relation, mirror->ledger);
}

void
pgm_mirror_write(int n, const PgmMirror *mirrors,
				 const PgmMirrorChange *change)
{
	PgmRevision *revision = change->revision ?
		pgm_revision_get(change->revision) : NULL;

	for (int i = 0; i < n; i++)
	{
		const PgmMirror *mirror = &mirrors[i];
		const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);
		PgmSpiScope scope;

		if (tool == NULL || is_beyond(mirror, tool, change))
			continue;
		check_mirror(mirror);
		pgm_spi_begin_as(&scope, mirror->owner);
		write_rows(mirror, tool, change, revision);
		pgm_spi_end(&scope);
	}
}

/* A number is the same version with any number of zeros before it. */
static const char *
version_key(const char *version)
{
	if (version[strspn(version, "0123456789")] == '\0')
		while (version[0] == '0' && version[1] != '\0')
			version++;
	return version;
}

static int
key_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The versions that a ledger has now, sorted.  In a scope of the caller's. */
static const char **
read_keys(const PgmSpiScope *scope, const PgmMirror *mirror,
		  const PgmForeignTool *tool, int *n)
{
	const char **keys;

	*n = (int) pgm_spi_execute_built(pgm_foreign_tool_sql(tool->versions,
														  mirror->ledger,
														  NULL),
									 true, 0, NULL);
	keys = MemoryContextAlloc(scope->outer, sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		keys[i] = version_key(pgm_spi_text(i + 1, 1));
	qsort(keys, *n, sizeof(char *), key_cmp);
	return keys;
}

/*
 * Write the rows that are not there, or delete those that are: the other tool
 * may have been first, and adopting what it did is a stamp too.
 */
static void
stamp_rows(const PgmMirror *mirror, const PgmForeignTool *tool, bool up,
		   int n, char **revisions)
{
	PgmSpiScope scope;
	int			nkeys;
	const char **keys;

	if (n == 0)
		return;
	pgm_spi_begin_as(&scope, mirror->owner);
	keys = read_keys(&scope, mirror, tool, &nkeys);
	pgm_spi_end(&scope);

	for (int i = 0; i < n; i++)
	{
		PgmRevision *revision = pgm_revision_get(revisions[i]);
		const char *key = version_key(revisions[i]);

		CHECK_FOR_INTERRUPTS();
		if (revision == NULL || revision->nparents > 1 ||
			up == (bsearch(&key, keys, nkeys, sizeof(char *),
						   key_cmp) != NULL) ||
			!can_hold(mirror, tool, revision->id))
			continue;
		pgm_spi_begin_as(&scope, mirror->owner);
		execute(mirror, up ? tool->up : tool->down, revision->id, revision);
		pgm_spi_end(&scope);
	}
}

void
pgm_mirror_stamp(int n, const PgmMirror *mirrors, int nremoved,
				 char **removed, int nadded, char **added)
{
	for (int i = 0; i < n; i++)
	{
		const PgmMirror *mirror = &mirrors[i];
		const PgmForeignTool *tool = pgm_foreign_tool_by_name(mirror->tool);

		if (tool == NULL || tool->mirror != PGM_MIRROR_SET)
			continue;
		check_mirror(mirror);
		stamp_rows(mirror, tool, false, nremoved, removed);
		stamp_rows(mirror, tool, true, nadded, added);
	}
}
