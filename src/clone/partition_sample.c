/*-------------------------------------------------------------------------
 *
 * partition_sample.c
 *	  Partitions that stand for others alike.
 *
 * A thousand clones take seconds, and locks from everybody's lock table.  Of a
 * table with many partitions one of each shape is cloned; what happens to it
 * happens to all of that shape.  The shape is all that a statement can tell
 * partitions apart by: columns, defaults, constraints, indexes, triggers,
 * policies, storage, owner.  A partition that something else hangs on, a view
 * or a foreign key of its own, has a shape of its own.
 *
 * Of very many shapes those with the most partitions are cloned; the
 * partitions left are told by the first of the table, which is said of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/hsearch.h"

#include "base/spi.h"
#include "clone/partition_sample.h"

/* With so many partitions or less, all are cloned. */
#define MAX_PARTITIONS 24

typedef struct Alike
{
	Oid			relid;			/* hash key */
	List	   *others;			/* for which it stands */
	bool		exact;			/* another stands for it, exactly */
} Alike;

struct PgmSample
{
	MemoryContext context;
	HTAB	   *alike;
};

/* Expressions are compared as they are stored, but for places in a text. */
#define PLACELESS(tree) \
	"regexp_replace(" tree "::text, ':location -?[0-9]+', '', 'g')"

/* But for its name; the columns are numbers in expressions too. */
#define INDEX_SHAPE \
	"concat_ws(' ', i.indkey, i.indclass, i.indcollation, i.indoption, " \
	"i.indnkeyatts, i.indisunique, i.indisprimary, i.indisexclusion, " \
	"i.indimmediate, i.indisclustered, i.indisvalid, i.indisreplident, " \
	"x.relam, x.reloptions, x.reltablespace, " \
	PLACELESS("i.indexprs") ", " PLACELESS("i.indpred") ")"

static PgmQuery shapes_query = {
	"WITH leaf AS (SELECT c.*, h.inhparent, u.n "
	"FROM unnest($1) WITH ORDINALITY AS u (oid, n) "
	"JOIN pg_class c ON c.oid = u.oid "
	"JOIN pg_inherits h ON h.inhrelid = c.oid), "
	"keyed AS MATERIALIZED (SELECT DISTINCT confrelid AS oid FROM pg_constraint "
	"WHERE contype = 'f' AND conparentid = 0 AND confrelid = ANY ($1)), "
	"shaped AS (SELECT l.oid, l.inhparent, l.n, md5(concat_ws('|', "
	"l.relowner, l.relam, l.relpersistence, l.relreplident, "
	"l.relrowsecurity, l.relforcerowsecurity, l.reltablespace, "
	"l.reloptions, "
	"(SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, "
	"a.atttypmod, a.attcollation, a.attnotnull, a.attidentity, "
	"a.attgenerated, a.attisdropped, a.attstorage, a.attcompression, "
	"a.attislocal), ',' "
	"ORDER BY a.attnum) FROM pg_attribute a "
	"WHERE a.attrelid = l.oid AND a.attnum > 0), "
	"(SELECT string_agg(d.adnum || " PLACELESS("d.adbin") ", ',' "
	"ORDER BY d.adnum) FROM pg_attrdef d WHERE d.adrelid = l.oid), "
	"(SELECT string_agg(k.shape, ',' ORDER BY k.shape) FROM (SELECT "
	"concat_ws(' ', x.contype, x.convalidated, x.conislocal, x.conparentid, "
	"x.conkey, x.confrelid, x.confkey, x.condeferrable, "
	PLACELESS("x.conbin") ") FROM pg_constraint x "
	"WHERE x.conrelid = l.oid) AS k (shape)), "
	"(SELECT string_agg(k.shape, ',' ORDER BY k.shape) FROM (SELECT "
	"concat_ws(' ', h.inhparent, " INDEX_SHAPE ") FROM pg_index i "
	"JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_inherits h "
	"ON h.inhrelid = i.indexrelid WHERE i.indrelid = l.oid) AS k (shape)), "
	"(SELECT string_agg(k.shape, ',' ORDER BY k.shape) FROM (SELECT "
	"concat_ws(' ', g.tgtype, g.tgfoid, g.tgenabled, g.tgparentid) "
	"FROM pg_trigger g WHERE g.tgrelid = l.oid AND NOT g.tgisinternal) "
	"AS k (shape)), "
	/* what is its own */
	"(SELECT l.oid WHERE l.oid IN (SELECT k.oid FROM keyed k) "
	"OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = l.oid) "
	"OR EXISTS (SELECT FROM pg_statistic_ext s WHERE s.stxrelid = l.oid) "
	"OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = l.oid) "
	"OR EXISTS (SELECT FROM pg_depend d "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = l.oid "
	"AND d.classid = 'pg_rewrite'::regclass) "
	"OR EXISTS (SELECT FROM pg_depend d "
	"JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = l.oid "
	"AND d.classid = 'pg_class'::regclass))"
	")) AS shape FROM leaf l), "
	"grouped AS (SELECT *, min(n) OVER same AS first, "
	"count(*) OVER same AS size "
	"FROM shaped WINDOW same AS (PARTITION BY inhparent, shape)), "
	"ranked AS (SELECT *, dense_rank() OVER (PARTITION BY inhparent "
	"ORDER BY size DESC, first) AS rank FROM grouped) "
	"SELECT r.oid::int8, s.oid::int8, r.rank <= $2 FROM ranked r "
	"JOIN leaf s ON s.n = CASE WHEN r.rank <= $2 THEN r.first "
	"ELSE (SELECT o.n FROM ranked o WHERE o.inhparent = r.inhparent "
	"AND o.rank = 1 ORDER BY o.n LIMIT 1) END ORDER BY r.n",
	2, {OIDARRAYOID, INT4OID}
};

/* The indexes of the partitions $1, and what corresponds to them at $2. */
static PgmQuery indexes_query = {
	"WITH member AS (SELECT u.oid, u.sample FROM unnest($1, $2) "
	"AS u (oid, sample) UNION ALL SELECT DISTINCT u.oid, u.oid "
	"FROM unnest($2) AS u (oid)), "
	"shaped AS (SELECT i.indrelid, i.indexrelid, m.sample, "
	"CASE WHEN h.inhparent IS NULL THEN md5(" INDEX_SHAPE ") "
	"ELSE h.inhparent::text END AS shape FROM member m "
	"JOIN pg_index i ON i.indrelid = m.oid "
	"JOIN pg_class x ON x.oid = i.indexrelid "
	"LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid), "
	"numbered AS (SELECT *, row_number() OVER (PARTITION BY indrelid, shape "
	"ORDER BY indexrelid) AS n FROM shaped), "
	"paired AS (SELECT *, max(indexrelid) FILTER (WHERE indrelid = sample) "
	"OVER (PARTITION BY sample, shape, n) AS one FROM numbered) "
	"SELECT indexrelid::int8, one::int8 FROM paired "
	"WHERE indrelid <> sample AND one IS NOT NULL",
	2, {OIDARRAYOID, OIDARRAYOID}
};

PgmSample *
pgm_sample_new(void)
{
	PgmSample  *sample = palloc0(sizeof(PgmSample));
	HASHCTL		control = {0};

	sample->context = CurrentMemoryContext;
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Alike);
	control.hcxt = CurrentMemoryContext;
	sample->alike = hash_create("pgmigrate alike", 64, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return sample;
}

static Alike *
entry_of(PgmSample *sample, Oid relid)
{
	bool		found;
	Alike	   *alike = hash_search(sample->alike, &relid, HASH_ENTER, &found);

	if (!found)
	{
		alike->others = NIL;
		alike->exact = false;
	}
	return alike;
}

static void
stand_for(PgmSample *sample, Oid one, Oid other, bool exactly)
{
	Alike	   *alike = entry_of(sample, one);

	alike->others = lappend_oid(alike->others, other);
	entry_of(sample, other)->exact = exactly;
}

static Datum
oid_array(const Oid *oids, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = ObjectIdGetDatum(oids[i]);
	return pgm_array_datum(OIDOID, n, elements);
}

static void
match_indexes(PgmSample *sample, const Oid *skipped, const Oid *samples, int n)
{
	PgmSpiScope scope;
	Datum		values[2];
	uint64		rows;

	values[0] = oid_array(skipped, n);
	values[1] = oid_array(samples, n);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&indexes_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		Oid			other = (Oid) pgm_spi_int64(i, 1);
		Oid			one = (Oid) pgm_spi_int64(i, 2);
		MemoryContext old = MemoryContextSwitchTo(sample->context);

		stand_for(sample, one, other, true);
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
}

static List *
choose(PgmSample *sample, const Oid *leaves, int n)
{
	PgmSpiScope scope;
	Datum		values[2];
	uint64		rows;
	Oid		   *skipped = palloc(sizeof(Oid) * n);
	Oid		   *samples = palloc(sizeof(Oid) * n);
	int			nskipped = 0;
	List	   *chosen = NIL;

	values[0] = oid_array(leaves, n);
	values[1] = Int32GetDatum(MAX_PARTITIONS);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&shapes_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		Oid			other = (Oid) pgm_spi_int64(i, 1);
		Oid			one = (Oid) pgm_spi_int64(i, 2);
		MemoryContext old = MemoryContextSwitchTo(sample->context);

		if (one == other)
			chosen = lappend_oid(chosen, one);
		else
		{
			stand_for(sample, one, other, pgm_spi_bool(i, 3));
			skipped[nskipped] = other;
			samples[nskipped++] = one;
		}
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	match_indexes(sample, skipped, samples, nskipped);
	return chosen;
}

List *
pgm_sample_choose(PgmSample *sample, List *leaves, List *named)
{
	Oid		   *left = palloc(sizeof(Oid) * Max(list_length(leaves), 1));
	HTAB	   *seen;
	HASHCTL		control = {0};
	int			n = 0;
	List	   *chosen = NIL;
	bool		found;
	ListCell   *lc;

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Oid);
	control.hcxt = CurrentMemoryContext;
	seen = hash_create("pgmigrate named partitions", 64, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, named)
		(void) hash_search(seen, &lfirst_oid(lc), HASH_ENTER, NULL);
	foreach(lc, leaves)
	{
		(void) hash_search(seen, &lfirst_oid(lc), HASH_ENTER, &found);
		if (!found)
			left[n++] = lfirst_oid(lc);
	}
	hash_destroy(seen);
	if (n > MAX_PARTITIONS)
		return choose(sample, left, n);
	for (int i = 0; i < n; i++)
		chosen = lappend_oid(chosen, left[i]);
	return chosen;
}

List *
pgm_sample_alike(PgmSample *sample, Oid relid)
{
	Alike	   *alike = hash_search(sample->alike, &relid, HASH_FIND, NULL);

	return alike == NULL ? NIL : alike->others;
}

bool
pgm_sample_is_exact(PgmSample *sample, Oid relid)
{
	Alike	   *alike = hash_search(sample->alike, &relid, HASH_FIND, NULL);

	return alike != NULL && alike->exact;
}
