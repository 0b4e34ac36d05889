/*-------------------------------------------------------------------------
 *
 * column_exchange.c
 *	  A column and its double exchange their names, and all that has a name.
 *
 * Attributes are exchanged in the catalog, for the rows stay the same: name,
 * NOT NULL, identity, grants, comment, statistics target and sequence go to
 * the one that leads from now on.  That no row has a null where none may be
 * is what the comparison and the trigger have proven; nothing is read here,
 * so it takes the same time whatever the size of the table.
 *
 * The way back is the same exchange.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "compat/attribute.h"
#include "compat/not_null.h"
#include "online/column_default.h"
#include "online/column_since.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/since.h"

/* A name that nothing has, while two others are exchanged. */
#define NAME_BETWEEN "pgmigrate between"

static PgmQuery default_query = {
	"SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d "
	"WHERE d.adrelid = $1 AND d.adnum = $2",
	2, {OIDOID, INT2OID}
};

/* What it was, and what became of it in the switch. */
static PgmQuery saved_default_query = {
	"SELECT $1::jsonb->'defaults'->>$2",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery new_default_query = {
	"SELECT $1::jsonb->'new_defaults'->>$2",
	2, {TEXTOID, TEXTOID}
};

/* The sequences of column $2 of table $1. */
static PgmQuery sequences_query = {
	"SELECT d.objid::int8 FROM pg_depend d JOIN pg_class s ON s.oid = d.objid "
	"AND s.relkind = 'S' WHERE d.classid = 'pg_class'::regclass "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = $2 AND d.deptype IN ('a', 'i')",
	2, {OIDOID, INT4OID}
};

/* Not all that is among the options of a column is the user's. */
static PgmQuery options_query = {
	"SELECT string_agg(format('%I = %L', split_part(o, '=', 1), "
	"split_part(o, '=', 2)), ', ') FROM pg_attribute, unnest(attoptions) o "
	"WHERE attrelid = $1 AND attnum = $2 AND o ~ '^n_distinct'",
	2, {OIDOID, INT2OID}
};

static void
run(const char *format, Oid relid, const char *part)
{
	pgm_layout_run_text(psprintf(format, pgm_layout_name(relid), part));
	CommandCounterIncrement();
}

/* ---- columns */

static const int exchanged[] = {
	Anum_pg_attribute_attislocal,
	Anum_pg_attribute_attnotnull,
	Anum_pg_attribute_attidentity,
	Anum_pg_attribute_attstattarget,
	Anum_pg_attribute_attacl
};

static void
update_attribute(Relation catalog, HeapTuple tuple, const char *name,
				 HeapTuple like)
{
	Datum		values[Natts_pg_attribute] = {0};
	bool		nulls[Natts_pg_attribute] = {false};
	bool		replace[Natts_pg_attribute] = {false};
	NameData	data;
	HeapTuple	changed;

	namestrcpy(&data, name);
	values[Anum_pg_attribute_attname - 1] = NameGetDatum(&data);
	replace[Anum_pg_attribute_attname - 1] = true;
	for (int i = 0; like != NULL && i < lengthof(exchanged); i++)
	{
		int			n = exchanged[i] - 1;

		values[n] = heap_getattr(like, exchanged[i],
								 RelationGetDescr(catalog), &nulls[n]);
		replace[n] = true;
	}
	changed = heap_modify_tuple(tuple, RelationGetDescr(catalog), values,
								nulls, replace);
	CatalogTupleUpdate(catalog, &tuple->t_self, changed);
	CommandCounterIncrement();
}

static HeapTuple
attribute(Oid relid, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid),
											Int16GetDatum(column));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u",
			 column, relid);
	return tuple;
}

/* Roles that the grants of a column mention. */
static int
grantees(HeapTuple tuple, Oid **roles)
{
	bool		isnull;
	Datum		acl = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attacl,
									  &isnull);

	*roles = NULL;
	return isnull ? 0 : aclmembers(DatumGetAclP(acl), roles);
}

static void
exchange_grants(Oid relid, HeapTuple a, HeapTuple b)
{
	AttrNumber	x = ((Form_pg_attribute) GETSTRUCT(a))->attnum;
	AttrNumber	y = ((Form_pg_attribute) GETSTRUCT(b))->attnum;
	Oid			owner = pgm_owner_of(relid);
	Oid		   *before;
	Oid		   *after;
	int			nbefore;
	int			nafter;

	nbefore = grantees(a, &before);
	nafter = grantees(b, &after);
	updateAclDependencies(RelationRelationId, relid, x, owner, nbefore,
						  before, nafter, after);
	nbefore = grantees(b, &before);
	nafter = grantees(a, &after);
	updateAclDependencies(RelationRelationId, relid, y, owner, nbefore,
						  before, nafter, after);
}

static void
exchange_attributes(Oid relid, AttrNumber x, AttrNumber y)
{
	Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
	HeapTuple	a = attribute(relid, x);
	HeapTuple	b = attribute(relid, y);
	char	   *name = get_attname(relid, x, false);
	char	   *other = get_attname(relid, y, false);

	exchange_grants(relid, a, b);
	update_attribute(catalog, a, NAME_BETWEEN, b);
	update_attribute(catalog, b, name, a);
	update_attribute(catalog, attribute(relid, x), other, NULL);
	table_close(catalog, RowExclusiveLock);
	pgm_exchange_not_null_constraints(relid, x, y);
}

static void
exchange_comments(Oid class, Oid a, int32 a_part, Oid b, int32 b_part)
{
	char	   *x = GetComment(a, class, a_part);
	char	   *y = GetComment(b, class, b_part);

	if (x == NULL && y == NULL)
		return;
	CreateComments(a, class, a_part, y);
	CreateComments(b, class, b_part, x);
}

/* A sequence belongs to another column of its table from here on. */
static void
move_sequence(Oid sequence, Oid relid, AttrNumber from, AttrNumber to)
{
	Relation	catalog = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(sequence));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, NULL, 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid != RelationRelationId ||
			form->refobjid != relid || form->refobjsubid != from)
			continue;
		tuple = heap_copytuple(tuple);
		((Form_pg_depend) GETSTRUCT(tuple))->refobjsubid = to;
		CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	}
	systable_endscan(scan);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

/* An identity's sequence has the type of its column. */
static void
move_sequences(Oid relid, AttrNumber from, AttrNumber to)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int32GetDatum(from)};
	HeapTuple	tuple = attribute(relid, to);
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	ListCell   *lc;

	foreach(lc, pgm_spi_oids(&sequences_query, values))
	{
		Oid			sequence = lfirst_oid(lc);

		move_sequence(sequence, relid, from, to);
		if (form->attidentity != '\0')
			run("ALTER SEQUENCE %s AS %s", sequence,
				format_type_be_qualified(form->atttypid));
	}
}

/* ---- defaults */

static char *
text_of(PgmQuery *query, Oid relid, AttrNumber column)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int16GetDatum(column)};

	return pgm_spi_one_text(query, values);
}

char *
pgm_column_default(Oid relid, AttrNumber column)
{
	return text_of(&default_query, relid, column);
}

static void
set_options(Oid relid, AttrNumber column, const char *options)
{
	const char *name = quote_identifier(get_attname(relid, column, false));

	run("ALTER TABLE ONLY %s ALTER COLUMN %s", relid, options == NULL ?
		psprintf("%s RESET (n_distinct, n_distinct_inherited)", name) :
		psprintf("%s SET (%s)", name, options));
}

static void
exchange_options(Oid relid, AttrNumber a, AttrNumber b)
{
	char	   *x = text_of(&options_query, relid, a);
	char	   *y = text_of(&options_query, relid, b);

	if (x == NULL && y == NULL)
		return;
	set_options(relid, a, NULL);
	set_options(relid, b, NULL);
	if (y != NULL)
		set_options(relid, a, y);
	if (x != NULL)
		set_options(relid, b, x);
}

static char *
default_key(Oid relid, AttrNumber column)
{
	return psprintf("%u.%d", relid, column);
}

static char *
saved_default(PgmQuery *query, const PgmShadow *shadow, Oid relid,
			  AttrNumber column)
{
	Datum		values[2];

	values[0] = pgm_text_datum(shadow->operation->details);
	values[1] = pgm_text_datum(default_key(relid, column));
	return pgm_spi_one_text(query, values);
}

/* One that was set, or dropped, since the switch stays so. */
static char *
default_back(const PgmShadow *shadow, Oid relid, AttrNumber from,
			 AttrNumber to, char *now)
{
	char	   *then = saved_default(&new_default_query, shadow, relid, from);

	if (now == NULL || then == NULL ? now != then : strcmp(now, then) != 0)
		return now;
	return saved_default(&saved_default_query, shadow, relid, to);
}

static void
save_default(StringInfo json, Oid relid, AttrNumber column, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(json, "%s\"%s\": ",
					 json->data[json->len - 1] == '{' ? "" : ", ",
					 default_key(relid, column));
	escape_json(json, text);
}

/* In the name of the one that leads by now. */
static void
set_default(Oid relid, AttrNumber column, const char *text)
{
	const char *name = quote_identifier(get_attname(relid, column, false));

	run("ALTER TABLE ONLY %s ALTER COLUMN %s", relid, text == NULL ?
		psprintf("%s DROP DEFAULT", name) :
		psprintf("%s SET DEFAULT %s", name, text));
}

/*
 * A domain may be given a default, or refuse nulls, at any time; but what
 * follows is null in what the application writes, until the trigger sets it.
 * As a default that is of the domain already the null is not coerced to it, so
 * nobody looks what the domain says of one.
 */
void
pgm_column_follows_null(Oid relid, AttrNumber column)
{
	Relation	rel = table_open(relid, NoLock);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), column - 1);

	if (get_typtype(att->atttypid) == TYPTYPE_DOMAIN)
	{
		pgm_store_default(rel, column,
						  (Node *) makeNullConst(att->atttypid, att->atttypmod,
												 att->attcollation));
		CommandCounterIncrement();
	}
	table_close(rel, NoLock);
}

static void
leads_without_null(Oid relid, AttrNumber column)
{
	RemoveAttrDefault(relid, column, DROP_RESTRICT, false, true);
	CommandCounterIncrement();
}

/* ---- indexes and constraints */

static void
exchange_names(Oid a, Oid b)
{
	char	   *x = get_rel_name(a);
	char	   *y = get_rel_name(b);

	RenameRelationInternal(a, NAME_BETWEEN, true, true);
	CommandCounterIncrement();
	RenameRelationInternal(b, x, true, true);
	CommandCounterIncrement();
	RenameRelationInternal(a, y, true, true);
	CommandCounterIncrement();
}

static HeapTuple
index_tuple(Oid index)
{
	return SearchSysCacheCopy1(INDEXRELID, ObjectIdGetDatum(index));
}

/*
 * The server names the columns of an index when it is made and leaves them so
 * when the table's are renamed; psql shows them.
 */
static void
exchange_column_names(Oid a, Oid b)
{
	Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
	Form_pg_index form = (Form_pg_index) GETSTRUCT(index_tuple(a));

	for (AttrNumber i = 1; i <= form->indnatts; i++)
	{
		char	   *x = get_attname(a, i, false);
		char	   *y = get_attname(b, i, false);

		if (strcmp(x, y) == 0)
			continue;
		update_attribute(catalog, attribute(a, i), y, NULL);
		update_attribute(catalog, attribute(b, i), x, NULL);
	}
	table_close(catalog, RowExclusiveLock);
}

/* By which the table is clustered, or its rows are known to subscribers. */
static void
exchange_marks(Oid a, Oid b)
{
	Relation	catalog = table_open(IndexRelationId, RowExclusiveLock);
	HeapTuple	x = index_tuple(a);
	HeapTuple	y = index_tuple(b);
	Form_pg_index p = (Form_pg_index) GETSTRUCT(x);
	Form_pg_index q = (Form_pg_index) GETSTRUCT(y);
	bool		clustered = p->indisclustered;
	bool		identity = p->indisreplident;

	if (clustered || identity || q->indisclustered || q->indisreplident)
	{
		p->indisclustered = q->indisclustered;
		p->indisreplident = q->indisreplident;
		q->indisclustered = clustered;
		q->indisreplident = identity;
		CatalogTupleUpdate(catalog, &x->t_self, x);
		CatalogTupleUpdate(catalog, &y->t_self, y);
		CommandCounterIncrement();
	}
	table_close(catalog, RowExclusiveLock);
}

/*
 * An index that is that of a constraint becomes one by itself, which goes with
 * its columns; the constraint goes.
 */
static void
release_index(Oid index, Oid constraint)
{
	Relation	catalog = table_open(IndexRelationId, RowExclusiveLock);
	HeapTuple	tuple = index_tuple(index);
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	ObjectAddress self;
	ObjectAddress other;

	(void) deleteDependencyRecordsForClass(RelationRelationId, index,
										   ConstraintRelationId,
										   DEPENDENCY_INTERNAL);
	ObjectAddressSet(self, RelationRelationId, index);
	for (int i = 0; i < form->indnatts; i++)
	{
		if (form->indkey.values[i] == 0)
			continue;
		ObjectAddressSubSet(other, RelationRelationId, form->indrelid,
							form->indkey.values[i]);
		recordDependencyOn(&self, &other, DEPENDENCY_AUTO);
	}
	form->indisprimary = false;
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
	ObjectAddressSet(other, ConstraintRelationId, constraint);
	performDeletion(&other, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* What a constraint is called, and is: from one index to the other. */
static void
move_constraint(Oid relid, Oid from, Oid to)
{
	Oid			constraint = get_index_constraint(from);
	bool		primary;
	char	   *name;
	char	   *comment;
	char	   *index_comment = GetComment(to, RelationRelationId, 0);

	if (!OidIsValid(constraint))
		return;
	primary = ((Form_pg_index) GETSTRUCT(index_tuple(from)))->indisprimary;
	name = get_rel_name(to);
	comment = GetComment(constraint, ConstraintRelationId, 0);
	release_index(from, constraint);

	/* it has the name already, which was exchanged */
	run("ALTER TABLE ONLY %s ADD %s", relid,
		psprintf("CONSTRAINT %s %s USING INDEX %s", quote_identifier(name),
				 primary ? "PRIMARY KEY" : "UNIQUE",
				 quote_identifier(name)));
	if (comment != NULL)
		CreateComments(get_index_constraint(to), ConstraintRelationId, 0,
					   comment);
	if (index_comment != NULL)
		CreateComments(to, RelationRelationId, 0, index_comment);
}

static void
rename_constraint(Oid relid, const char *from, const char *to)
{
	run("ALTER TABLE %s RENAME CONSTRAINT %s", relid,
		psprintf("%s TO %s", quote_identifier(from), quote_identifier(to)));
}

static void
exchange_constraints(Oid relid, Oid a, Oid b)
{
	char	   *x = get_constraint_name(a);
	char	   *y = get_constraint_name(b);

	rename_constraint(relid, x, NAME_BETWEEN);
	rename_constraint(relid, y, x);
	rename_constraint(relid, NAME_BETWEEN, y);
	exchange_comments(ConstraintRelationId, a, 0, b, 0);
}

/*
 * What follows goes when the user drops what leads, so that it refuses no row
 * that this would not: in each table that has both.
 */
static void
tie_constraints(const PgmColumnObject *object, bool tied)
{
	const char *lead = get_constraint_name(object->becomes);
	const char *follow = get_constraint_name(object->was);
	ListCell   *lc;

	foreach(lc, find_all_inheritors(object->relid, NoLock, NULL))
	{
		Oid			from = get_relation_constraint_oid(lfirst_oid(lc), follow,
													   true);
		Oid			to = get_relation_constraint_oid(lfirst_oid(lc), lead,
													 true);
		ObjectAddress a;
		ObjectAddress b;

		if (!OidIsValid(from) || !OidIsValid(to))
			continue;
		ObjectAddressSet(a, ConstraintRelationId, from);
		ObjectAddressSet(b, ConstraintRelationId, to);
		if (tied)
			recordDependencyOn(&a, &b, DEPENDENCY_AUTO);
		else
			(void) deleteDependencyRecordsForSpecific(a.classId, from,
													  DEPENDENCY_AUTO,
													  b.classId, to);
	}
	CommandCounterIncrement();
}

static void
set_unique(Oid index, bool unique)
{
	Relation	catalog = table_open(IndexRelationId, RowExclusiveLock);
	HeapTuple	tuple = index_tuple(index);
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

	if (form->indisunique != unique)
	{
		form->indisunique = unique;
		CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
		CommandCounterIncrement();
	}
	table_close(catalog, RowExclusiveLock);
}

/*
 * Of two unique indexes the one that follows need not be looked at: nobody is
 * refused by it, nor waits for it, who was not by the one that leads.  For the
 * way back it is what that is.
 */
static void
exchange_index(const PgmShadow *shadow, const PgmColumnObject *object,
			   Oid from, Oid to, bool back)
{
	PgmColumnSpec spec;
	bool		unchecked = !back &&
		pgm_column_trigger_read(object->relid, shadow->operation->id, &spec) &&
		pgm_column_stays_unique(from, &spec);

	if (back)
		set_unique(to, pgm_column_is_unique(from));
	exchange_names(from, to);
	exchange_column_names(from, to);
	exchange_comments(RelationRelationId, from, 0, to, 0);
	exchange_marks(from, to);
	move_constraint(object->relid, from, to);
	if (unchecked)
		set_unique(from, false);
}

static void
exchange_object(const PgmShadow *shadow, const PgmColumnObject *object,
				bool back)
{
	Oid			from = back ? object->becomes : object->was;
	Oid			to = back ? object->was : object->becomes;

	pgm_column_mark(object, !back);
	if (object->kind == 'i')
	{
		exchange_index(shadow, object, from, to, back);
		return;
	}
	if (back)
		tie_constraints(object, false);
	exchange_constraints(object->relid, from, to);
	if (!back)
		tie_constraints(object, true);
}

/* ---- all of it */

static void
refuse_unpaired(const PgmShadow *shadow, const PgmColumnObject *object)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("definition of table %s has changed", shadow->name),
			errdetail("Since operation " INT64_FORMAT " began, \"%s\" was made on a column that it changes.",
					  shadow->operation->id, object->kind == 'i' ?
					  get_rel_name(object->was) :
					  get_constraint_name(object->was)));
}

/* Nobody has looked whether the other one has nulls. */
static void
check_not_null(const PgmShadow *shadow, Oid relid, const PgmColumnPair *pair)
{
	HeapTuple	tuple = attribute(relid, pair->lead);
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);

	if (form->attnotnull && !pair->not_null)
		pgm_since_refuse(shadow, psprintf("column \"%s\" of table \"%s\" was made NOT NULL",
										  NameStr(form->attname),
										  get_rel_name(relid)));
}

static void
exchange_columns(PgmShadow *shadow, Oid relid, bool back, StringInfo defaults,
				 StringInfo new_defaults)
{
	PgmColumnSpec spec;

	if (!pgm_column_trigger_read(relid, shadow->operation->id, &spec))
		return;
	for (int i = 0; i < spec.n; i++)
	{
		AttrNumber	from = spec.pairs[i].lead;
		AttrNumber	to = spec.pairs[i].follow;
		char	   *text = pgm_column_default(relid, from);
		char	   *name = get_attname(relid, from, false);

		check_not_null(shadow, relid, &spec.pairs[i]);
		if (text != NULL)
			set_default(relid, from, NULL);
		leads_without_null(relid, to);
		exchange_attributes(relid, from, to);
		exchange_options(relid, from, to);
		exchange_comments(RelationRelationId, relid, from, relid, to);
		move_sequences(relid, from, to);
		save_default(defaults, relid, from, text);
		if (back)
			text = default_back(shadow, relid, from, to, text);
		else
			(void) pgm_column_new_default(shadow, name, &text);
		if (text != NULL)
			set_default(relid, to, text);
		if (back)
			continue;
		pgm_column_follows_null(relid, from);
		save_default(new_defaults, relid, to,
					 pgm_column_default(relid, to));
	}
}

void
pgm_column_check_exchange(PgmShadow *shadow)
{
	ListCell   *lc;

	(void) pgm_column_objects_back(shadow, pgm_column_objects(shadow), true);
	foreach(lc, pgm_column_members(shadow))
	{
		PgmColumnSpec spec;

		if (!pgm_column_trigger_read(lfirst_oid(lc), shadow->operation->id,
									 &spec))
			continue;
		for (int i = 0; i < spec.n; i++)
			check_not_null(shadow, lfirst_oid(lc), &spec.pairs[i]);
	}
}

void
pgm_column_exchange(PgmShadow *shadow, bool back)
{
	List	   *objects = pgm_column_objects(shadow);
	StringInfoData defaults;
	StringInfoData new_defaults;
	PgmOwnerScope scope;
	ListCell   *lc;

	if (back)
	{
		objects = pgm_column_objects_back(shadow, objects, false);
		pgm_column_drop_strays(shadow, objects);
	}
	foreach(lc, objects)
	{
		if (!OidIsValid(((PgmColumnObject *) lfirst(lc))->becomes))
			refuse_unpaired(shadow, lfirst(lc));
	}
	initStringInfo(&defaults);
	appendStringInfoString(&defaults, "{\"defaults\": {");
	initStringInfo(&new_defaults);
	appendStringInfoString(&new_defaults, "{\"new_defaults\": {");
	pgm_owner_enter(&scope, shadow->owner);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	foreach(lc, pgm_column_members(shadow))
		exchange_columns(shadow, lfirst_oid(lc), back, &defaults,
						 &new_defaults);
	foreach(lc, objects)
		exchange_object(shadow, lfirst(lc), back);
	pgm_owner_leave(&scope);
	if (back)
		return;
	appendStringInfoString(&defaults, "}}");
	pgm_operation_add_details(shadow->operation, defaults.data);
	appendStringInfoString(&new_defaults, "}}");
	pgm_operation_add_details(shadow->operation, new_defaults.data);
	pgm_column_save_objects(shadow, objects);
}
