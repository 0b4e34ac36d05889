/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  Keys, and foreign keys, of a table and of its partitions.
 *
 * A key of a partitioned table takes over the keys that its partitions have,
 * and so does a foreign key that is valid on each of them.  So only those are
 * made that are not there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "classify/related_relations.h"
#include "compat/constraint.h"
#include "strategy/internal.h"

/* WITH (…), as its parts are kept. */
static char *
storage_options(List *options)
{
	StringInfoData buf;
	ListCell   *lc;

	if (options == NIL)
		return pstrdup("");
	initStringInfo(&buf);
	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : " WITH (",
						 quote_identifier(option->defname));
		if (option->arg != NULL)
			appendStringInfo(&buf, " = %s",
							 quote_literal_cstr(defGetString(option)));
	}
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

char *
pgm_strategy_key_definition(const Constraint *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "(%s)", pgm_name_list(key->keys));
	if (key->including != NIL)
		appendStringInfo(&buf, " INCLUDE (%s)",
						 pgm_name_list(key->including));
	if (pgm_nulls_not_distinct(key))
		appendStringInfoString(&buf, " NULLS NOT DISTINCT");
	appendStringInfoString(&buf, storage_options(key->options));
	if (key->indexspace != NULL)
		appendStringInfo(&buf, " TABLESPACE %s",
						 quote_identifier(key->indexspace));
	return buf.data;
}

const char *
pgm_strategy_key_deferral(const Constraint *key)
{
	if (key->initdeferred)
		return " DEFERRABLE INITIALLY DEFERRED";
	return key->deferrable ? " DEFERRABLE" : "";
}

const char *
pgm_strategy_key_kind(const Constraint *key)
{
	return key->contype == CONSTR_PRIMARY ? "PRIMARY KEY" : "UNIQUE";
}

/* $2: columns of the key, $3 of them, and those that it includes. */
static PgmQuery has_key_query = {
	"SELECT EXISTS (SELECT FROM pg_constraint k JOIN pg_index i "
	"ON i.indexrelid = k.conindid WHERE k.conrelid = $1 "
	"AND k.contype IN ('p', 'u') AND i.indisvalid AND i.indnkeyatts = $3 "
	"AND ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) "
	"WITH ORDINALITY AS c (attnum, n) JOIN pg_attribute a "
	"ON a.attrelid = k.conrelid AND a.attnum = c.attnum ORDER BY c.n) = $2 "
	"AND (pg_get_constraintdef(k.oid) LIKE '%NULLS NOT DISTINCT%') = $4)",
	4, {OIDOID, TEXTARRAYOID, INT4OID, BOOLOID}
};

/* Without columns $4 it refers to the primary key. */
static PgmQuery has_reference_query = {
	"SELECT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = $1 "
	"AND k.contype = 'f' AND k.convalidated AND k.confrelid = $2 "
	"AND k.condeferrable = $5 AND k.condeferred = $6 "
	"AND k.confupdtype = $7 AND k.confdeltype = $8 AND k.confmatchtype = $9 "
	"AND ARRAY(SELECT a.attname::text FROM unnest(k.conkey) "
	"WITH ORDINALITY AS c (attnum, n) JOIN pg_attribute a "
	"ON a.attrelid = k.conrelid AND a.attnum = c.attnum ORDER BY c.n) = $3 "
	"AND CASE WHEN cardinality($4) > 0 THEN ARRAY(SELECT a.attname::text "
	"FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, n) "
	"JOIN pg_attribute a ON a.attrelid = k.confrelid "
	"AND a.attnum = c.attnum ORDER BY c.n) = $4 ELSE EXISTS (SELECT "
	"FROM pg_index i WHERE i.indexrelid = k.conindid AND i.indisprimary) "
	"END)",
	9, {OIDOID, OIDOID, TEXTARRAYOID, TEXTARRAYOID, BOOLOID, BOOLOID, CHAROID,
	CHAROID, CHAROID}
};

static PgmQuery index_columns_query = {
	"SELECT a.attname::text FROM pg_index i JOIN pg_attribute a "
	"ON a.attrelid = i.indrelid "
	"AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
	"WHERE i.indexrelid = $1 AND i.indrelid = $2 ORDER BY a.attnum",
	2, {OIDOID, OIDOID}
};

static PgmQuery nullable_query = {
	"SELECT string_agg(format('ALTER COLUMN %I DROP NOT NULL', attname), ', ') "
	"FROM pg_attribute WHERE attrelid = $1 AND attname = ANY ($2) "
	"AND NOT attnotnull HAVING count(*) > 0",
	2, {OIDOID, TEXTARRAYOID}
};

List *
pgm_strategy_index_columns(Oid relid, const char *name)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(relid));
	Datum		values[2] = {ObjectIdGetDatum(index), ObjectIdGetDatum(relid)};

	return pgm_spi_texts(&index_columns_query, values);
}

static bool
has_key(Oid relid, const Constraint *key)
{
	Datum		values[4];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = pgm_names_datum(list_concat_copy(key->keys, key->including));
	values[2] = Int32GetDatum(list_length(key->keys));
	values[3] = BoolGetDatum(pgm_nulls_not_distinct(key));
	return pgm_spi_one_bool(&has_key_query, values);
}

static bool
has_reference(Oid relid, const Constraint *reference)
{
	Datum		values[9];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = ObjectIdGetDatum(pgm_lookup_relation(reference->pktable));
	values[2] = pgm_names_datum(reference->fk_attrs);
	values[3] = pgm_names_datum(reference->pk_attrs);
	values[4] = BoolGetDatum(reference->deferrable);
	values[5] = BoolGetDatum(reference->initdeferred);
	values[6] = CharGetDatum(reference->fk_upd_action);
	values[7] = CharGetDatum(reference->fk_del_action);
	values[8] = CharGetDatum(reference->fk_matchtype);
	return pgm_spi_one_bool(&has_reference_query, values);
}

/*
 * The partitions that have none which that of the whole table could take over:
 * what they have is its own already if the table has one like it.
 */
static List *
partitions_without(const PgmMaker *maker, const Constraint *constraint,
				   bool (*has) (Oid relid, const Constraint *constraint))
{
	bool		again = has(maker->relid, constraint);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_descendants(maker->relid))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION &&
			(again || !has(lfirst_oid(lc), constraint)))
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

/* What a primary key leaves behind when it goes, or NULL. */
static char *
drop_not_null(Oid relid, const Constraint *key)
{
	Datum		values[2] = {ObjectIdGetDatum(relid),
	pgm_names_datum(key->keys)};
	List	   *parts = key->contype != CONSTR_PRIMARY ? NIL :
		pgm_spi_texts(&nullable_query, values);

	return parts == NIL ? NULL :
		psprintf("ALTER TABLE %s %s", pgm_name_relation(relid),
				 (char *) linitial(parts));
}

void
pgm_strategy_keys_of_partitions(PgmMaker *maker, const Constraint *key,
								PgmStrategyStep *proof)
{
	ListCell   *lc;

	foreach(lc, partitions_without(maker, key, has_key))
	{
		Oid			relid = lfirst_oid(lc);
		Constraint *own = copyObject(unconstify(Constraint *, key));
		char	   *table = pgm_name_relation(relid);
		char	   *nulls = drop_not_null(relid, key);
		char	   *undo;
		char	   *name;

		own->conname = NULL;
		name = pgm_name_constraint(relid, own, own->keys,
								   pgm_strategy_taken(maker, relid));
		pgm_strategy_take(maker, relid, name);
		pgm_strategy_build_index(maker, relid, true, name,
								 pgm_strategy_key_definition(key));
		undo = psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s", table,
						quote_identifier(name));
		if (nulls != NULL && proof != NULL)
			proof->undo = psprintf("%s;\n%s", proof->undo, nulls);
		else if (nulls != NULL)
			undo = psprintf("%s;\n%s", undo, nulls);
		(void) pgm_strategy_add_step(maker,
									 psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s",
											  table, quote_identifier(name),
											  pgm_strategy_key_kind(key),
											  quote_identifier(name),
											  pgm_strategy_key_deferral(key)),
									 undo);
	}
}

/* They have the name of that of the whole table, where it is free. */
void
pgm_strategy_references_of_partitions(PgmMaker *maker,
									  const Constraint *constraint,
									  const char *text)
{
	ListCell   *lc;

	foreach(lc, partitions_without(maker, constraint, has_reference))
	{
		Oid			relid = lfirst_oid(lc);
		Constraint *own = copyObject(unconstify(Constraint *, constraint));
		const char *name;

		if (OidIsValid(get_relation_constraint_oid(relid, own->conname, true)))
			own->conname = NULL;
		name = quote_identifier(pgm_name_constraint(relid, own, own->fk_attrs,
													NIL));
		pgm_strategy_add_proved(maker, pgm_name_relation(relid), name, text);
	}
}
