/*-------------------------------------------------------------------------
 *
 * sequences.c
 *	  Sequences that have passed what a column holds once it is what it was.
 *
 * The server does not give a sequence a type that its last value does not fit,
 * so the statement back would fail.  Rows with such values are left out or
 * gone by then: the sequence begins again after those that stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/owner.h"

/* That of the identity which column $2 of table $1 is. */
static PgmQuery sequence_query = {
	"SELECT format('%I.%I', n.nspname, c.relname), s.seqstart, s.seqmin, "
	"s.seqmax FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid "
	"JOIN pg_class c ON c.oid = d.objid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE d.classid = 'pg_class'::regclass "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = $2 AND d.deptype = 'i'",
	2, {OIDOID, INT4OID}
};

/* Its name, and where it begins. */
typedef struct Sequence
{
	char	   *name;
	int64		start;
	int64		lowest;
	int64		highest;
} Sequence;

static bool
find_sequence(Oid relid, AttrNumber column, Sequence *sequence)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int32GetDatum(column)};
	PgmSpiScope scope;
	MemoryContext old;
	bool		found;

	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&sequence_query, values, NULL) > 0;
	if (found)
	{
		old = MemoryContextSwitchTo(scope.outer);
		sequence->name = pgm_spi_text(1, 1);
		sequence->start = pgm_spi_int64(1, 2);
		sequence->lowest = pgm_spi_int64(1, 3);
		sequence->highest = pgm_spi_int64(1, 4);
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	return found;
}

/* One number that the owner can read, of now; the default if it is null. */
static int64
ask(Oid owner, const char *sql, int64 none)
{
	PgmSpiScope scope;
	int64		result;

	pgm_spi_begin_as(&scope, owner);
	PushActiveSnapshot(GetLatestSnapshot());
	pgm_spi_execute_built(sql, true, 0, NULL);
	PopActiveSnapshot();
	result = pgm_spi_isnull(1, 1) ? none : pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	return result;
}

static void
restart(Oid owner, const Sequence *sequence, int64 value)
{
	PgmOwnerScope scope;

	pgm_owner_enter(&scope, owner);
	pgm_layout_run_text(psprintf("ALTER SEQUENCE %s RESTART " INT64_FORMAT,
								 sequence->name, value));
	pgm_owner_leave(&scope);
}

void
pgm_sequence_set_back(Oid relid, AttrNumber column, Oid type,
					  const char *rows)
{
	Oid			owner = pgm_owner_of(relid);
	Sequence	sequence;
	int64		lowest;
	int64		highest;
	int64		last;
	int64		next;

	if ((type != INT2OID && type != INT4OID) ||
		!find_sequence(relid, column, &sequence))
		return;
	highest = type == INT2OID ? PG_INT16_MAX : PG_INT32_MAX;
	lowest = type == INT2OID ? PG_INT16_MIN : PG_INT32_MIN;
	last = ask(owner, psprintf("SELECT last_value FROM %s", sequence.name), 0);
	if (last >= lowest && last <= highest)
		return;
	if (last > highest)
		next = ask(owner, psprintf("SELECT max(v)::int8 + 1 FROM (%s) AS r",
								   rows), sequence.start);
	else
		next = ask(owner, psprintf("SELECT min(v)::int8 - 1 FROM (%s) AS r",
								   rows), sequence.start);
	next = Max(Min(next, Min(highest, sequence.highest)),
			   Max(lowest, sequence.lowest));
	restart(owner, &sequence, next);
	ereport(NOTICE,
			errmsg("sequence %s begins again at " INT64_FORMAT,
				   sequence.name, next),
			errdetail("It had come to " INT64_FORMAT ", which is no %s.",
					  last, format_type_be(type)));
}

/* The old rows of all partitions of a table, or of itself. */
static char *
old_rows(const PgmShadow *head, const char *column)
{
	char	   *result = NULL;
	ListCell   *lc;

	foreach(lc, head->family)
	{
		const PgmShadow *member = lfirst(lc);

		if (member->root != head->root)
			continue;
		result = psprintf("%s%sSELECT %s AS v FROM ONLY %s",
						  result ? result : "", result ? " UNION ALL " : "",
						  quote_identifier(column),
						  pgm_layout_name(member->old));
	}
	return result;
}

void
pgm_shadow_set_sequences_back(const PgmShadow *head)
{
	Relation	rel = table_open(head->root, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		AttrNumber	was = att->attisdropped || att->attidentity == '\0' ?
			InvalidAttrNumber : get_attnum(head->old, NameStr(att->attname));

		if (was != InvalidAttrNumber)
			pgm_sequence_set_back(head->root, att->attnum,
								  get_atttype(head->old, was),
								  old_rows(head, NameStr(att->attname)));
	}
	table_close(rel, NoLock);
}
