/*-------------------------------------------------------------------------
 *
 * prepare.c
 *	  Make the tables beside, and learn from them what the change is.
 *
 * The new layout is what the statement makes of an empty copy that stands
 * under the name of the table in a schema of ours.  What the statement does to
 * its indexes is seen there too; but for the key and exclusion constraints,
 * which the copying needs, they are dropped again and built after it.
 *
 * A second copy keeps the old layout: it takes the old rows at the switch.
 *
 * All of this is done by the owner of the table, restricted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "catalog/index.h"
#include "commands/comment.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi_list.h"
#include "classify/related_relations.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "online/beside.h"
#include "online/column_internal.h"
#include "online/dependents.h"
#include "online/fit.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/order.h"
#include "online/owner.h"
#include "online/partition.h"
#include "online/sync_trigger.h"

/*
 * The way back: the subcommands that make the old layout $1 of the new one $2.
 * The table is empty when they run.  A check that reads otherwise now may not
 * fit the old type, so it is made anew; those of a partition are its own.
 */
static PgmQuery inverse_query = {
	"SELECT string_agg(command, ', ' ORDER BY place, n) FROM ("
	"SELECT 1, 0, format('DROP CONSTRAINT IF EXISTS %I', n.conname) "
	"FROM pg_constraint n WHERE n.conrelid = $2 AND n.contype = 'c' "
	"AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = $1 "
	"AND o.conname = n.conname AND ((SELECT relispartition FROM pg_class "
	"WHERE oid = $1) OR pg_get_constraintdef(o.oid) = "
	"pg_get_constraintdef(n.oid))) "
	"UNION ALL SELECT 2, n.attnum, format('DROP COLUMN %I', n.attname) "
	"FROM pg_attribute n WHERE n.attrelid = $2 AND n.attnum > 0 "
	"AND NOT n.attisdropped AND NOT EXISTS (SELECT FROM pg_attribute o "
	"WHERE o.attrelid = $1 AND o.attnum = n.attnum) "
	"UNION ALL SELECT place, o.attnum, command FROM pg_attribute o "
	"JOIN pg_attribute n ON n.attrelid = $2 AND n.attnum = o.attnum "
	"AND NOT n.attisdropped "
	"LEFT JOIN pg_attrdef p ON p.adrelid = o.attrelid AND p.adnum = o.attnum "
	"LEFT JOIN pg_attrdef q ON q.adrelid = n.attrelid AND q.adnum = n.attnum, "
	"LATERAL (SELECT (o.atttypid, o.atttypmod, o.attcollation) IS DISTINCT "
	"FROM (n.atttypid, n.atttypmod, n.attcollation), "
	"format_type(o.atttypid, o.atttypmod), "
	"pg_get_expr(p.adbin, p.adrelid), pg_get_expr(q.adbin, q.adrelid)) "
	"AS t (differs, type, was, is_now), "
	"LATERAL (VALUES "
	"(3, CASE WHEN o.attgenerated = '' AND is_now IS NOT NULL "
	"AND (differs OR was IS NULL) "
	"THEN format('ALTER COLUMN %I DROP DEFAULT', o.attname) END), "
	"(4, CASE WHEN o.attnotnull < n.attnotnull "
	"THEN format('ALTER COLUMN %I DROP NOT NULL', o.attname) END), "
	"(5, CASE WHEN differs THEN format('ALTER COLUMN %I TYPE %s%s%s', "
	"o.attname, type, (SELECT format(' COLLATE %I.%I', s.nspname, "
	"c.collname) FROM pg_collation c JOIN pg_namespace s "
	"ON s.oid = c.collnamespace WHERE c.oid = o.attcollation), "
	"CASE o.attgenerated WHEN '' THEN ' USING NULL::' || type END) END), "
	"(6, CASE WHEN o.attgenerated = '' AND was IS NOT NULL "
	"AND (differs OR was IS DISTINCT FROM is_now) "
	"THEN format('ALTER COLUMN %I SET DEFAULT %s', o.attname, was) END), "
	"(7, CASE WHEN o.attnotnull > n.attnotnull "
	"THEN format('ALTER COLUMN %I SET NOT NULL', o.attname) END), "
	"(8, CASE WHEN o.attstorage <> CASE WHEN differs THEN (SELECT typstorage "
	"FROM pg_type WHERE oid = o.atttypid) ELSE n.attstorage END THEN format('ALTER COLUMN %I SET STORAGE %s', "
	"o.attname, CASE o.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' "
	"THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END) END), "
	"(9, CASE WHEN coalesce(o.attstattarget, -1) <> "
	"coalesce(n.attstattarget, -1) THEN format('ALTER COLUMN %I SET "
	"STATISTICS %s', o.attname, coalesce(o.attstattarget, -1)) END), "
	"(9, CASE WHEN o.attcompression <> CASE WHEN differs THEN '' "
	"ELSE n.attcompression END THEN format('ALTER COLUMN %I SET COMPRESSION "
	"%s', o.attname, CASE o.attcompression WHEN 'p' THEN 'pglz' "
	"WHEN 'l' THEN 'lz4' ELSE 'default' END) END), "
	"(9, (SELECT format('ALTER COLUMN %I RESET (%s)', o.attname, "
	"string_agg(split_part(v, '=', 1), ', ')) FROM unnest(n.attoptions) AS v "
	"WHERE v LIKE 'n\\_distinct%' AND split_part(v, '=', 1) <> ALL (ARRAY("
	"SELECT split_part(w, '=', 1) FROM unnest(o.attoptions) AS w)) "
	"HAVING count(*) > 0)), "
	"(9, (SELECT format('ALTER COLUMN %I SET (%s)', o.attname, "
	"string_agg(v, ', ')) FROM unnest(o.attoptions) AS v "
	"WHERE v LIKE 'n\\_distinct%' "
	"AND v <> ALL (coalesce(n.attoptions, '{}')) HAVING count(*) > 0))) "
	"AS c (place, command) "
	"WHERE o.attrelid = $1 AND o.attnum > 0 AND NOT o.attisdropped "
	"UNION ALL SELECT 9, 0, format('ADD CONSTRAINT %I %s', o.conname, "
	"pg_get_constraintdef(o.oid)) "
	"FROM pg_constraint o WHERE o.conrelid = $1 AND o.contype = 'c' "
	"AND NOT (SELECT relispartition FROM pg_class WHERE oid = $1) "
	"AND NOT EXISTS (SELECT FROM pg_constraint n "
	"WHERE n.conrelid = $2 AND n.conname = o.conname "
	"AND pg_get_constraintdef(n.oid) = pg_get_constraintdef(o.oid)) "
	"UNION ALL SELECT 10, 0, format('RESET (%s)', string_agg(quote_ident("
	"split_part(v, '=', 1)), ', ')) FROM pg_class o "
	"JOIN pg_class n ON n.oid = $2 "
	"AND n.reloptions IS DISTINCT FROM o.reloptions, "
	"unnest(n.reloptions) AS v WHERE o.oid = $1 HAVING count(*) > 0 "
	"UNION ALL SELECT 11, 0, format('SET (%s)', string_agg(format('%I = %L', "
	"split_part(v, '=', 1), substr(v, strpos(v, '=') + 1)), ', ' ORDER BY i)) "
	"FROM pg_class o JOIN pg_class n ON n.oid = $2 "
	"AND n.reloptions IS DISTINCT FROM o.reloptions, "
	"unnest(o.reloptions) WITH ORDINALITY AS u (v, i) WHERE o.oid = $1 "
	"HAVING count(*) > 0 "
	"UNION ALL SELECT 12, 0, format('SET TABLESPACE %I', coalesce(s.spcname, "
	"(SELECT p.spcname FROM pg_tablespace p JOIN pg_database d "
	"ON d.dattablespace = p.oid WHERE d.datname = current_database()))) "
	"FROM pg_class o JOIN pg_class n ON n.oid = $2 "
	"AND n.reltablespace <> o.reltablespace "
	"LEFT JOIN pg_tablespace s ON s.oid = o.reltablespace WHERE o.oid = $1"
	") AS u (place, n, command)",
	2, {OIDOID, OIDOID}
};

void
pgm_layout_make_member(Oid class, Oid object)
{
	ObjectAddress address;
	ObjectAddress extension;

	ObjectAddressSet(address, class, object);
	ObjectAddressSet(extension, ExtensionRelationId, pgm_extension_oid());
	recordDependencyOn(&address, &extension, DEPENDENCY_EXTENSION);
}

/* Always a new one; the name may be left over from another installation. */
void
pgm_shadow_make_schema(PgmShadow *shadow)
{
	Oid			save_user;
	int			save_sec_context;

	shadow->schema = psprintf(PGM_ONLINE_SCHEMA INT64_FORMAT,
							  shadow->operation->id);
	for (int i = 1; OidIsValid(get_namespace_oid(shadow->schema, true)); i++)
		shadow->schema = psprintf(PGM_ONLINE_SCHEMA INT64_FORMAT "_%d",
								  shadow->operation->id, i);
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(pgm_schema_owner(), save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	pgm_layout_run_text(psprintf("CREATE SCHEMA %s AUTHORIZATION %s",
								 shadow->schema,
								 quote_identifier(GetUserNameFromId(shadow->owner,
																	false))));
	SetUserIdAndSecContext(save_user, save_sec_context);
	pgm_layout_make_member(NamespaceRelationId,
						   get_namespace_oid(shadow->schema, false));
}

/* The statements on the copy, which has the table's name in another schema. */
static void
run_beside(const PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;

	for (int i = request->n; i <= request->last; i++)
	{
		const Node *written;
		AlterTableStmt *stmt;

		if (!pgm_shadow_changes(shadow, i))
			continue;
		written = request->source->statements[i].raw->stmt;
		stmt = pgm_layout_alter_statement(written, shadow->beside);
		CommandCounterIncrement();
		pgm_layout_run((Node *) stmt, request->source->text);
		CommandCounterIncrement();
	}
}

static void
drop_index(Oid index)
{
	Oid			constraint = get_index_constraint(index);
	ObjectAddress address;

	if (OidIsValid(constraint))
		ObjectAddressSet(address, ConstraintRelationId, constraint);
	else
		ObjectAddressSet(address, RelationRelationId, index);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* Indexes to be built when the rows are there. */
static void
put_off_indexes(PgmShadow *shadow)
{
	Relation	rel = table_open(shadow->beside, AccessExclusiveLock);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	table_close(rel, NoLock);
	shadow->nindexes = 0;
	shadow->index_names = palloc(sizeof(char *) * (list_length(indexes) + 1));
	shadow->index_commands = palloc(sizeof(char *) *
									(list_length(indexes) + 1));
	foreach(lc, indexes)
	{
		Oid			oid = lfirst_oid(lc);
		Relation	index = index_open(oid, AccessExclusiveLock);
		bool		keep = oid == shadow->beside_key ||
			index->rd_index->indisexclusion;

		index_close(index, NoLock);
		if (keep)
			continue;
		shadow->index_names[shadow->nindexes] = get_rel_name(oid);
		shadow->index_commands[shadow->nindexes++] =
			pgm_layout_index_command(oid);
		drop_index(oid);
	}
}

/* So that the table can be published, and rows be found by the key. */
static void
identify_by(Oid relid, Oid index)
{
	pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %s",
								 pgm_layout_name(relid),
								 quote_identifier(get_rel_name(index))));
}

static void
refuse(const PgmShadow *shadow, const char *reason)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot change table %s online",
				   pgm_layout_name(shadow->root)),
			errdetail("The reason is that %s.", reason));
}

/* From now on only we write them. */
static void
guard(const PgmShadow *shadow, Oid unfit)
{
	List	   *tables = list_make1_oid(shadow->old);
	ListCell   *lc;

	if (pgm_partition_wanted(shadow))
		pgm_unfit_hold(unfit, shadow->beside);
	foreach(lc, list_concat(tables, pgm_shadow_leaves(shadow->beside)))
	{
		pgm_unfit_hold(unfit, lfirst_oid(lc));
		pgm_beside_guard(lfirst_oid(lc));
	}
	pgm_unfit_give_away(unfit, shadow->owner);
}

/*
 * Of the copy, which has no indexes yet: the server would not see other
 * columns of one that is as new as its table.  What hangs on the table itself
 * is tried only.
 */
static void
order_columns(PgmShadow *shadow, Relation rel)
{
	PgmColumnMap *map = pgm_columns_map(rel, shadow->request->column_order);

	pgm_columns_try(map);
	shadow->column_order = pgm_columns_text(map);
	map->relid = shadow->beside;
	pgm_columns_renumber(map);
}

/* Those of checks, which the statement may drop, go back with them. */
static void
copy_comments(Relation from, Oid to)
{
	const TupleConstr *constr = RelationGetDescr(from)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		const char *name = constr->check[i].ccname;
		char	   *comment =
			GetComment(get_relation_constraint_oid(RelationGetRelid(from),
												   name, false),
					   ConstraintRelationId, 0);

		if (comment != NULL)
			CreateComments(get_relation_constraint_oid(to, name, false),
						   ConstraintRelationId, 0, comment);
	}
}

/* As the owner, with the search_path of the caller for the statement. */
static void
build_beside(PgmShadow *shadow, Relation rel)
{
	const char *key_name;
	Oid			unfit;
	int			level;

	shadow->key = pgm_layout_key(rel);
	key_name = get_rel_name(shadow->key);
	if (shadow->request->partitioning != NULL)
		pgm_partition_check(shadow, rel);
	shadow->beside = pgm_layout_create(rel, RelationGetRelationName(rel),
									   get_namespace_oid(shadow->schema,
														 false));
	shadow->old = pgm_layout_create(rel, PGM_OLD_TABLE,
									get_namespace_oid(shadow->schema, false));
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (shadow->request->column_order != NIL)
		order_columns(shadow, rel);
	pgm_layout_copy_indexes(rel, shadow->beside, true);
	pgm_layout_copy_indexes(rel, shadow->old, false);
	pgm_layout_copy_missing(RelationGetRelid(rel), shadow->old);
	copy_comments(rel, shadow->old);
	unfit = pgm_unfit_create(shadow->schema);
	AtEOXact_GUC(false, level);
	pgm_layout_make_member(RelationRelationId, shadow->beside);
	pgm_layout_make_member(RelationRelationId, shadow->old);

	if (shadow->request->source != NULL)
		run_beside(shadow);
	if (shadow->request->partitioning != NULL)
		pgm_partition_make(shadow, rel);
	shadow->beside_key = get_relname_relid(key_name,
										   get_namespace_oid(shadow->schema,
															 false));
	if (!OidIsValid(shadow->beside_key))
		refuse(shadow, "the statement changes its key");
	if (!pgm_partition_wanted(shadow))
		put_off_indexes(shadow);
	rel = table_open(shadow->old, AccessShareLock);
	shadow->old_key = pgm_layout_find_index(rel, shadow->key);
	table_close(rel, NoLock);
	if (!pgm_partition_wanted(shadow))
		identify_by(shadow->beside, shadow->beside_key);
	identify_by(shadow->old, shadow->old_key);
	guard(shadow, unfit);
}

static void
map_rows(PgmShadow *shadow, Relation rel, const PgmInverse *inverse,
		 PgmMappingText **mapping)
{
	const PgmSource *source = shadow->request->source;
	Relation	beside = table_open(shadow->beside, AccessShareLock);

	*mapping = pgm_mapping_make(rel, beside, pgm_shadow_commands(shadow),
								source ? source->text : "");
	if ((*mapping)->missing != NULL)
		refuse(shadow, (*mapping)->missing);
	shadow->no_way_back =
		pgm_mapping_make_back(beside, rel, inverse)->missing;
	table_close(beside, NoLock);
}

/* The indexes as they are, for the way back. */
static void
remember_indexes(PgmShadow *shadow, Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	int			n = 0;

	shadow->nold_indexes = list_length(indexes);
	shadow->old_index_names = palloc(sizeof(char *) *
									 (list_length(indexes) + 1));
	shadow->old_index_commands = palloc(sizeof(char *) *
										(list_length(indexes) + 1));
	foreach(lc, indexes)
	{
		shadow->old_index_names[n] = get_rel_name(lfirst_oid(lc));
		shadow->old_index_commands[n++] =
			pgm_layout_index_command(lfirst_oid(lc));
	}
}

/* As they are for the call that begins it. */
void
pgm_shadow_remember_settings(PgmShadow *shadow)
{
	List	   *settings = pgm_owner_settings(shadow->owner);
	ListCell   *lc;

	shadow->settings = palloc(sizeof(char *) * list_length(settings));
	foreach(lc, settings)
		shadow->settings[shadow->nsettings++] = strVal(lfirst(lc));
}

static void
find_inverse(PgmShadow *shadow)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->beside);
	shadow->inverse = pgm_spi_one_text(&inverse_query, values);
}

static void
add_member(StringInfo json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, name);
	appendStringInfoString(json, ": ");
	escape_json(json, value);
}

static void
add_list(StringInfo json, const char *name, int n, char **values)
{
	appendStringInfoString(json, ", ");
	escape_json(json, name);
	appendStringInfoString(json, ": [");
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(json, i > 0 ? ", " : "");
		escape_json(json, values[i]);
	}
	appendStringInfoChar(json, ']');
}

static void
save(PgmShadow *shadow, const PgmMappingText *mapping)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	add_member(&json, "schema", shadow->schema);
	if (shadow->root != shadow->relid)
		add_member(&json, "root", psprintf("%u", shadow->root));
	if (list_length(pgm_shadow_heads(shadow->family)) > 1)
		add_member(&json, "together",
				   psprintf("%d", list_length(pgm_shadow_heads(shadow->family))));
	if (shadow->request->last > shadow->request->n)
		add_member(&json, "last", psprintf("%d", shadow->request->number +
										   shadow->request->last -
										   shadow->request->n));
	add_member(&json, "beside", psprintf("%u", shadow->beside));
	add_member(&json, "old", psprintf("%u", shadow->old));
	add_member(&json, "key", psprintf("%u", shadow->key));
	add_member(&json, "beside_key", psprintf("%u", shadow->beside_key));
	add_member(&json, "old_key", psprintf("%u", shadow->old_key));
	add_member(&json, "columns", mapping->columns);
	add_member(&json, "flags", psprintf("%s%s%s",
										mapping->may_fail ? "f" : "",
										mapping->pinned ? "p" : "",
										mapping->may_collide ? "c" : ""));
	add_member(&json, "inverse", shadow->inverse);
	add_member(&json, "no_way_back", shadow->no_way_back);
	add_member(&json, "column_order", shadow->column_order);
	add_member(&json, "order_by", shadow->order_by);
	add_list(&json, "settings", shadow->nsettings, shadow->settings);
	add_list(&json, "index_names", shadow->nindexes, shadow->index_names);
	add_list(&json, "index_commands", shadow->nindexes,
			 shadow->index_commands);
	add_list(&json, "old_index_names", shadow->nold_indexes,
			 shadow->old_index_names);
	add_list(&json, "old_index_commands", shadow->nold_indexes,
			 shadow->old_index_commands);
	appendStringInfoChar(&json, '}');
	pgm_operation_add_details(shadow->operation, json.data);
	if (pgm_partition_wanted(shadow))
		pgm_partition_remember(shadow, shadow->beside);
}

void
pgm_shadow_refuse(const PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;

	if (shadow->root != shadow->relid)
		LockRelationOid(shadow->root, AccessShareLock);
	for (int i = request->n; i <= request->last; i++)
	{
		char	   *reason;

		if (request->n < request->last && !pgm_shadow_changes(shadow, i))
			continue;
		reason = pgm_is_column(shadow) ?
			pgm_column_refusal(shadow->root, request->source, i,
							   shadow->owner) :
			pgm_shadow_refusal(shadow->root, request->source, i,
							   shadow->owner);
		if (reason != NULL)
			refuse(shadow, reason);
	}
}

/* With SHARE UPDATE EXCLUSIVE: nobody else changes the definition. */
void
pgm_shadow_prepare(PgmShadow *shadow)
{
	Relation	rel = table_open(shadow->relid, NoLock);
	PgmMappingText *mapping;
	PgmInverse	inverse;
	PgmOwnerScope scope;

	pgm_shadow_refuse(shadow);
	pgm_shadow_inverse(shadow, &inverse);
	pgm_operation_begin(shadow->operation);
	pgm_shadow_remember_settings(shadow);
	shadow->trigger = InvalidOid;
	pgm_shadow_make_schema(shadow);
	pgm_shadow_refuse_misfit(shadow, shadow->relid);
	pgm_owner_enter(&scope, shadow->owner);
	build_beside(shadow, rel);
	if (list_member_ptr(pgm_shadow_heads(shadow->family), shadow))
		pgm_shadow_try_views(shadow);
	inverse.key = pgm_key_columns(shadow->old_key);
	map_rows(shadow, rel, &inverse, &mapping);
	pgm_owner_leave(&scope);
	remember_indexes(shadow, rel);
	if (shadow->column_order == NULL)
		find_inverse(shadow);
	if (shadow->request->order_by != NULL)
		shadow->order_by = pgm_rows_order(shadow->relid,
										  shadow->request->order_by);
	save(shadow, mapping);
	table_close(rel, NoLock);
}

/* All transactions before this one have ended, with its epoch. */
static uint64
oldest_running(void)
{
	TransactionId oldest = GetTransactionSnapshot()->xmin;
	uint64		next =
		U64FromFullTransactionId(ReadNextFullTransactionId());

	return next - (TransactionId) ((TransactionId) next - oldest);
}

/* With SHARE ROW EXCLUSIVE: nobody is writing. */
void
pgm_shadow_add_triggers(PgmShadow *shadow)
{
	PgmSyncSpec spec = {shadow->operation->id, shadow->relid};
	ListCell   *lc;

	pgm_shadow_check(shadow);
	pgm_shadow_require_same(shadow, pgm_layout_check(shadow->relid,
													 shadow->old));
	spec.source_key = shadow->key;
	spec.target = shadow->beside;
	spec.target_key = shadow->beside_key;
	spec.mapping = &shadow->mapping;
	spec.settings = shadow->settings;
	spec.nsettings = shadow->nsettings;
	spec.write_may_fail = shadow->mapping.may_collide;
	foreach(lc, pgm_shadow_commands(shadow))
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_SetNotNull ||
			command->subtype == AT_AddConstraint ||
			command->subtype == AT_AddColumn)
			spec.write_may_fail = true;
	}
	shadow->trigger = pgm_sync_create(&spec);
	shadow->before = oldest_running();
	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"trigger\": %u, \"before\": " UINT64_FORMAT "}",
									   shadow->trigger, shadow->before));
	pgm_operation_set_state(shadow->operation, PGM_OPERATION_COPYING, NULL);
}
