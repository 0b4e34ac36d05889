/*-------------------------------------------------------------------------
 *
 * kept_keys.c
 *	  Foreign keys of tables that are gone, and come back.
 *
 * While the table is gone its key holds nobody: rows that it references may be
 * deleted.  So a key that comes back may not hold; then it is there for what
 * is written from now on, and that is said.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "online/kept_internal.h"
#include "online/layout.h"
#include "online/owner.h"

typedef struct KeptKey
{
	Oid			relid;
	char	   *name;
	char	   *definition;
	char	   *comment;		/* NULL: none */
	const char *suffix;			/* of the definition, for the next try */
} KeptKey;

static PgmQuery outgoing_query = {
	"SELECT k.oid::int8 FROM pg_constraint k WHERE k.contype = 'f' "
	"AND k.conparentid = 0 AND k.conrelid = ANY ($1) "
	"AND k.confrelid <> ALL ($1)",
	1, {OIDARRAYOID}
};

static PgmQuery keys_query = {
	"SELECT (k ->> 'table')::int8, k ->> 'name', k ->> 'definition', "
	"k ->> 'comment' FROM jsonb_array_elements("
	"nullif($1::jsonb -> 'keys', 'null')) k",
	1, {TEXTOID}
};

void
pgm_kept_keys_drop(List *relids)
{
	Datum	   *elements = palloc(sizeof(Datum) * list_length(relids));
	Datum		values[1];
	int			n = 0;
	ListCell   *lc;

	foreach(lc, relids)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = pgm_array_datum(OIDOID, n, elements);
	foreach(lc, pgm_spi_oids(&outgoing_query, values))
	{
		ObjectAddress address;

		ObjectAddressSet(address, ConstraintRelationId, lfirst_oid(lc));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}

static void *
make_key(uint64 i)
{
	KeptKey    *key = palloc0(sizeof(KeptKey));

	key->relid = (Oid) pgm_spi_int64(i, 1);
	key->name = pgm_spi_text(i, 2);
	key->definition = pgm_spi_text(i, 3);
	key->comment = pgm_spi_text(i, 4);
	key->suffix = "";
	return key;
}

static List *
read_keys(const PgmOperation *operation)
{
	return pgm_kept_read(operation, &keys_query, make_key);
}

/* As the owner: the names in a definition of the server's are qualified. */
static void
add_key(void *arg)
{
	const KeptKey *key = arg;
	PgmOwnerScope scope;

	pgm_owner_enter(&scope, pgm_owner_of(key->relid));
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pgm_layout_run_text(psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s%s",
								 pgm_layout_name(key->relid),
								 quote_identifier(key->name),
								 key->definition, key->suffix));
	pgm_owner_leave(&scope);
}

static void
add_or_warn(KeptKey *key)
{
	ErrorData  *error;

	if (pgm_spi_try(add_key, key, &error))
		return;
	if (error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION)
	{
		key->suffix = " NOT VALID";
		if (pgm_spi_try(add_key, key, &error))
		{
			ereport(WARNING,
					errmsg("foreign key \"%s\" of table %s is not valid",
						   key->name, pgm_layout_name(key->relid)),
					errdetail("Rows that it references were deleted while the table was gone."),
					errhint("Mend the rows, then use ALTER TABLE ... VALIDATE CONSTRAINT."));
			return;
		}
	}
	ereport(WARNING,
			errmsg("foreign key \"%s\" of table %s is not there again: %s",
				   key->name, pgm_layout_name(key->relid), error->message),
			errdetail("It was %s.", key->definition));
}

void
pgm_kept_keys_bring_back(PgmOperation *operation)
{
	ListCell   *lc;

	foreach(lc, read_keys(operation))
	{
		KeptKey    *key = lfirst(lc);
		Oid			constraint;

		add_or_warn(key);
		constraint = get_relation_constraint_oid(key->relid, key->name, true);
		if (OidIsValid(constraint) && key->comment != NULL)
			CreateComments(constraint, ConstraintRelationId, 0, key->comment);
	}
}
