/*-------------------------------------------------------------------------
 *
 * fit_keys.c
 *	  Does a foreign key go with the new type of a column?
 *
 * The server compares the types when it makes the key again, which is at the
 * end of the copying.  So it is asked before, about empty tables: the copy of
 * the table, as the statements have left it, and one with nothing but the
 * columns of the key in place of the other table, which nobody has to lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "online/fit.h"
#include "online/layout.h"

/* In place of the other table. */
#define OTHER_TABLE "pgm other"

/*
 * Foreign keys of table $1, but for those of $5, with a column whose type or
 * collation is another one in table $2: the name, and what makes the same
 * between $2 and a table $4 in schema $3, which is referenced by an index like
 * that of the key.
 */
static PgmQuery keys_query = {
	"WITH k AS (SELECT k.* FROM pg_constraint k "
	"WHERE k.contype = 'f' AND k.conrelid = $1 AND k.oid <> ALL ($5) "
	"AND NOT EXISTS "
	/* those on partitions of what it references follow it */
	"(SELECT FROM pg_constraint p WHERE p.oid = k.conparentid "
	"AND p.conrelid = k.conrelid) "
	"AND EXISTS (SELECT FROM pg_attribute a JOIN pg_attribute b "
	"ON b.attrelid = $2 AND b.attname = a.attname "
	"WHERE a.attrelid = $1 AND a.attnum = ANY (k.conkey) "
	"AND (a.atttypid, a.attcollation) <> (b.atttypid, b.attcollation))), "
	"c AS (SELECT k.oid, string_agg(quote_ident(a.attname), ', ' "
	"ORDER BY u.n) AS own, string_agg(quote_ident(b.attname), ', ' "
	"ORDER BY u.n) AS referenced, string_agg(format('%I %s%s', b.attname, "
	"format_type(b.atttypid, b.atttypmod), (SELECT format(' COLLATE %I.%I', "
	"n.nspname, l.collname) FROM pg_collation l JOIN pg_namespace n "
	"ON n.oid = l.collnamespace WHERE l.oid = b.attcollation)), ', ') "
	"AS columns FROM k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) "
	"WITH ORDINALITY AS u (own, referenced, n) "
	"JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own "
	"JOIN pg_attribute b ON b.attrelid = k.confrelid "
	"AND b.attnum = u.referenced GROUP BY k.oid), "
	"i AS (SELECT k.oid, string_agg(format('%I %I.%I', a.attname, n.nspname, "
	"p.opcname), ', ' ORDER BY u.n) AS columns FROM k "
	"JOIN pg_index x ON x.indexrelid = k.conindid CROSS JOIN LATERAL "
	"unnest(x.indkey::int2[], x.indclass::oid[]) "
	"WITH ORDINALITY AS u (attnum, class, n) "
	"JOIN pg_attribute a ON a.attrelid = k.confrelid "
	"AND a.attnum = u.attnum JOIN pg_opclass p ON p.oid = u.class "
	"JOIN pg_namespace n ON n.oid = p.opcnamespace "
	"WHERE u.n <= x.indnkeyatts GROUP BY k.oid) "
	"SELECT k.conname::text, format('CREATE TABLE %I.%I (%s)', $3, $4, "
	"c.columns), format('CREATE UNIQUE INDEX ON %I.%I (%s)', $3, $4, "
	"i.columns), format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%s) "
	"REFERENCES %I.%I (%s)', $2::regclass, k.conname, c.own, $3, $4, "
	"c.referenced) FROM k JOIN c ON c.oid = k.oid JOIN i ON i.oid = k.oid "
	"ORDER BY k.conname",
	5, {OIDOID, OIDOID, TEXTOID, TEXTOID, OIDARRAYOID}
};

typedef struct Key
{
	char	   *name;
	char	   *commands[3];
} Key;

static void *
make_key(uint64 row)
{
	Key		   *key = palloc(sizeof(Key));

	key->name = pgm_spi_text(row, 1);
	for (int i = 0; i < lengthof(key->commands); i++)
		key->commands[i] = pgm_spi_text(row, 2 + i);
	return key;
}

static void
make(void *arg)
{
	const Key  *key = arg;

	for (int i = 0; i < lengthof(key->commands); i++)
	{
		pgm_layout_run_text(key->commands[i]);
		CommandCounterIncrement();
	}
}

char *
pgm_fit_find_key(Oid relid, Oid copy, const char *schema, List *dropped,
				 ErrorData **reason)
{
	Datum		values[5];
	ListCell   *lc;

	values[0] = ObjectIdGetDatum(relid);
	values[1] = ObjectIdGetDatum(copy);
	values[2] = pgm_text_datum(schema);
	values[3] = pgm_text_datum(OTHER_TABLE);
	values[4] = pgm_oid_array_datum(dropped);
	foreach(lc, pgm_spi_list(&keys_query, values, NULL, make_key))
	{
		Key		   *key = lfirst(lc);
		ErrorData  *edata = pgm_txn_look(make, key);

		/* what else the server may say is not about the types */
		if (edata == NULL ||
			(edata->sqlerrcode != ERRCODE_DATATYPE_MISMATCH &&
			 edata->sqlerrcode != ERRCODE_COLLATION_MISMATCH))
			continue;
		*reason = edata;
		return psprintf("foreign key \"%s\"", key->name);
	}
	return NULL;
}
