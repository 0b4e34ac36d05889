/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  Keys, and foreign keys, of a table and of its partitions.
 *
 * A key of a partitioned table takes over the keys that its partitions have,
 * and so does a foreign key that is valid on each of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

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

/* The keys of the partitions, which that of the whole table takes over. */
void
pgm_strategy_keys_of_partitions(PgmMaker *maker, const Constraint *key)
{
	ListCell   *lc;

	foreach(lc, pgm_descendants(maker->relid))
	{
		Oid			relid = lfirst_oid(lc);
		Constraint *own;
		char	   *name;

		if (get_rel_relkind(relid) != RELKIND_RELATION)
			continue;
		own = copyObject(unconstify(Constraint *, key));
		own->conname = NULL;
		name = pgm_name_constraint(relid, own, own->keys, NIL);
		pgm_strategy_build_index(maker, relid, true, name,
								 pgm_strategy_key_definition(key));
		(void) pgm_strategy_add_step(maker,
									 psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s",
											  pgm_name_relation(relid),
											  quote_identifier(name),
											  pgm_strategy_key_kind(key),
											  quote_identifier(name),
											  pgm_strategy_key_deferral(key)),
									 psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s",
											  pgm_name_relation(relid),
											  quote_identifier(name)));
	}
}

/* They have the name of that of the whole table, where it is free. */
void
pgm_strategy_references_of_partitions(PgmMaker *maker,
									  const Constraint *constraint,
									  const char *text)
{
	ListCell   *lc;

	foreach(lc, pgm_descendants(maker->relid))
	{
		Oid			relid = lfirst_oid(lc);
		Constraint *own = copyObject(unconstify(Constraint *, constraint));
		const char *table = pgm_name_relation(relid);
		const char *name;

		if (get_rel_relkind(relid) != RELKIND_RELATION)
			continue;
		if (OidIsValid(get_relation_constraint_oid(relid, own->conname, true)))
			own->conname = NULL;
		name = quote_identifier(pgm_name_constraint(relid, own, own->fk_attrs,
													NIL));
		pgm_strategy_add_proved(maker, table, name, text);
	}
}
