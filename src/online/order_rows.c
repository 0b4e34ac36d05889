/*-------------------------------------------------------------------------
 *
 * order_rows.c
 *	  The rows of a table in another order.
 *
 * Where each row is, sorted, is written down in a table of the operation, once
 * the triggers are there; the copying goes through that one.  A row that has
 * moved since is where the triggers have written it, so those that nobody has
 * changed are in order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "online/layout.h"
#include "online/order.h"
#include "online/owner.h"

#define ORDER_TABLE "pgm order"

/*
 * What index $2 of table $1 is sorted by; by the operators of its operator
 * classes, where these are not those that ORDER BY takes.
 */
static PgmQuery index_query = {
	"SELECT string_agg(pg_get_indexdef(i.indexrelid, k.n::int, false) "
	"|| CASE WHEN k.c <> 0 THEN ' COLLATE ' || k.c::regcollation ELSE '' END "
	"|| CASE WHEN NOT p.opcdefault THEN format(' USING OPERATOR(%I.%s) NULLS %s', "
	"s.nspname, w.oprname, CASE k.o & 2 WHEN 0 THEN 'LAST' ELSE 'FIRST' END) "
	"ELSE CASE k.o & 3 WHEN 1 THEN ' DESC NULLS LAST' "
	"WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END END, ', ' "
	"ORDER BY k.n) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree', "
	"unnest(i.indoption::int2[], i.indcollation::oid[], i.indclass::oid[]) "
	"WITH ORDINALITY AS k (o, c, p, n) JOIN pg_opclass p ON p.oid = k.p "
	"JOIN pg_amop m ON m.amopfamily = p.opcfamily "
	"AND m.amoplefttype = p.opcintype AND m.amoprighttype = p.opcintype "
	"AND m.amopstrategy = CASE k.o & 1 WHEN 1 THEN 5 ELSE 1 END "
	"JOIN pg_operator w ON w.oid = m.amopopr "
	"JOIN pg_namespace s ON s.oid = w.oprnamespace "
	"WHERE i.indrelid = $1 AND i.indpred IS NULL "
	"AND $2 IN (c.relname, quote_ident(c.relname))",
	2, {OIDOID, TEXTOID}
};

/* It is put into a query: nothing but an order may be in it. */
static void
check_order(const char *order)
{
	List	   *raw = pg_parse_query(psprintf("SELECT ORDER BY %s", order));
	SelectStmt *only = makeNode(SelectStmt);
	SelectStmt *stmt = list_length(raw) != 1 ? NULL :
		(SelectStmt *) linitial_node(RawStmt, raw)->stmt;

	if (stmt != NULL && IsA(stmt, SelectStmt))
		only->sortClause = stmt->sortClause;
	if (only->sortClause == NIL || !equal(stmt, only))
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("argument \"%s\" is more than what follows ORDER BY",
					   "order_by"));
}

char *
pgm_rows_order(Oid relid, const char *wanted)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), pgm_text_datum(wanted)};
	char	   *order = pgm_spi_one_text(&index_query, values);

	if (order == NULL)
	{
		check_order(wanted);
		order = pstrdup(wanted);
	}
	return order;
}

Oid
pgm_rows_table(const PgmShadow *shadow)
{
	return get_relname_relid(ORDER_TABLE,
							 get_namespace_oid(shadow->schema, true));
}

/* After a crash it is empty, since it is not logged. */
Oid
pgm_rows_sort(const PgmShadow *shadow)
{
	const char *name = quote_qualified_identifier(shadow->schema, ORDER_TABLE);
	PgmOwnerScope scope;
	PgmSpiScope spi;

	pgm_rows_forget(shadow);
	pgm_owner_enter(&scope, shadow->owner);
	pgm_layout_run_text(psprintf("CREATE UNLOGGED TABLE %s (place tid)", name));
	CommandCounterIncrement();
	pgm_owner_leave(&scope);
	pgm_layout_make_member(RelationRelationId, pgm_rows_table(shadow));
	pgm_spi_begin_as(&spi, shadow->owner);
	pgm_spi_execute_built(psprintf("INSERT INTO %s SELECT ctid FROM ONLY %s "
								   "ORDER BY %s", name, shadow->name,
								   shadow->order_by), false, 0, NULL);
	pgm_spi_end(&spi);
	return pgm_rows_table(shadow);
}

void
pgm_rows_forget(const PgmShadow *shadow)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, pgm_rows_table(shadow));
	if (!OidIsValid(address.objectId))
		return;
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL |
					PERFORM_DELETION_SKIP_EXTENSIONS);
	CommandCounterIncrement();
}
