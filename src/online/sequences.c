/*-------------------------------------------------------------------------
 *
 * sequences.c
 *	  Sequences that have passed what a column holds once it is what it was.
 *
 * The server does not give a sequence a type that its last value does not fit,
 * so the statement back would fail.  Rows with such values are left out or
 * gone by then: the sequence begins again after those that stay.
 *
 * Those are asked for under a lock against everybody, which an index answers
 * at once.  Without one all rows would be read, so that is done before the
 * lock: what is written in between may have a number that comes again, but
 * nothing has ever said that they are unique.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "online/column_internal.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/sequences.h"

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

/* Is there an index that knows the first and the last value? */
bool
pgm_is_first_in_index(Oid relid, AttrNumber column)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found |= index->rd_rel->relam == BTREE_AM_OID &&
			index->rd_index->indisvalid &&
			index->rd_index->indkey.values[0] == column &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
		index_close(index, NoLock);
	}
	table_close(rel, NoLock);
	return found;
}

/* One number that the owner can read, of now; the default if it is null. */
static int64
ask(Oid owner, const char *sql, int64 none)
{
	PgmSpiScope scope;
	int64		result;

	pgm_spi_begin_as(&scope, owner);
	pgm_spi_prefer_index();
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

/* What comes after the rows, where the sequence has gone over an end. */
static int64
next_of(Oid owner, const Sequence *sequence, const char *rows, bool upwards)
{
	return upwards ?
		ask(owner, psprintf("SELECT max(v)::int8 + 1 FROM (%s) AS r", rows),
			sequence->start) :
		ask(owner, psprintf("SELECT min(v)::int8 - 1 FROM (%s) AS r", rows),
			sequence->start);
}

/* Before the lock, or NULL. */
static const PgmSequenceNext *
find_next(List *known, Oid relid, AttrNumber column, bool upwards)
{
	ListCell   *lc;

	foreach(lc, known)
	{
		const PgmSequenceNext *next = lfirst(lc);

		if (next->relid == relid && next->column == column &&
			next->upwards == upwards)
			return next;
	}
	return NULL;
}

static void
remember_next(PgmShadow *shadow, Oid relid, AttrNumber column, bool upwards,
			  int64 value)
{
	PgmSequenceNext *next = palloc(sizeof(PgmSequenceNext));

	next->relid = relid;
	next->column = column;
	next->upwards = upwards;
	next->value = value;
	shadow->sequences = lappend(shadow->sequences, next);
}

void
pgm_sequence_set_back(PgmShadow *shadow, Oid relid, AttrNumber column,
					  Oid type, const char *rows, bool ahead)
{
	Oid			owner = pgm_owner_of(relid);
	Sequence	sequence;
	const PgmSequenceNext *known;
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
	known = find_next(shadow->sequences, relid, column, last > highest);
	next = known != NULL ? known->value :
		next_of(owner, &sequence, rows, last > highest);
	if (ahead)
	{
		remember_next(shadow, relid, column, last > highest, next);
		return;
	}
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

/* In the old rows of all partitions. */
static bool
are_first_in_index(const PgmShadow *head, const char *column)
{
	ListCell   *lc;

	foreach(lc, head->family)
	{
		const PgmShadow *member = lfirst(lc);

		if (member->root == head->root &&
			!pgm_is_first_in_index(member->old,
								   get_attnum(member->old, column)))
			return false;
	}
	return true;
}

void
pgm_shadow_set_sequences_back(PgmShadow *head, bool ahead)
{
	Relation	rel = table_open(head->root, ahead ? AccessShareLock : NoLock);
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		AttrNumber	was = att->attisdropped || att->attidentity == '\0' ?
			InvalidAttrNumber : get_attnum(head->old, NameStr(att->attname));

		if (was == InvalidAttrNumber ||
			(ahead && are_first_in_index(head, NameStr(att->attname))))
			continue;
		pgm_sequence_set_back(head, head->root, att->attnum,
							  get_atttype(head->old, was),
							  old_rows(head, NameStr(att->attname)), ahead);
	}
	table_close(rel, NoLock);
}

/* Are all old tables there, and as they were left? */
static bool
can_look(const PgmShadow *shadow)
{
	ListCell   *lc;

	if (get_rel_name(shadow->relid) == NULL)
		return false;
	foreach(lc, shadow->family)
	{
		const PgmShadow *member = lfirst(lc);

		if (!pgm_is_column(shadow) &&
			(get_rel_name(member->old) == NULL ||
			 get_rel_name(member->root) == NULL ||
			 pgm_owner_of(member->old) != pgm_owner_of(member->root)))
			return false;
	}
	return true;
}

void
pgm_shadow_look_at_sequences(PgmShadow *shadow)
{
	ListCell   *lc;

	if (!can_look(shadow))
		return;
	if (pgm_is_column(shadow))
	{
		LockRelationOid(shadow->relid, AccessShareLock);
		pgm_column_set_sequences_back(shadow, true);
		return;
	}
	foreach(lc, pgm_shadow_heads(shadow->family))
		pgm_shadow_set_sequences_back(lfirst(lc), true);
}
