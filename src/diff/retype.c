/*-------------------------------------------------------------------------
 *
 * retype.c
 *	  Types that have an ALTER which the server refuses where they are used.
 *
 * They are made anew under their names, and the columns that have them are
 * given the new ones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "diff/parts.h"

/* A composite type that columns have does not let its attributes change. */
static void
recreate_composites(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];
		PgmPair    *type;

		if (!pgm_diff_type_changes(pair) || pair->whole_from < 0)
			continue;
		type = &diff->pairs[pair->whole_from];
		if (!pgm_ddl_is(type->to, "composite type"))
			continue;
		for (int j = diff->users.start[pair->whole_from];
			 j < diff->users.start[pair->whole_from + 1]; j++)
			if (pgm_ddl_is(diff->pairs[diff->users.other[j]].from, "column"))
				type->change = PGM_RECREATE;
	}
}

/* Is there a column of a type that is made of this one? */
static bool
is_in_column(const PgmDiff *diff, int type)
{
	check_stack_depth();
	for (int i = diff->users.start[type]; i < diff->users.start[type + 1]; i++)
	{
		const PgmPair *user = &diff->pairs[diff->users.other[i]];
		const PgmPair *whole = user->whole_from < 0 ? NULL :
			&diff->pairs[user->whole_from];

		if (!pgm_ddl_is(user->from, "column") || whole == NULL)
			continue;
		if (pgm_ddl_is(whole->from, "composite type") ?
			is_in_column(diff, user->whole_from) :
			pgm_ddl_is_table(whole->from) &&
			!pgm_ddl_equal(pgm_schema_value(user->from, "type"),
						   diff->pairs[type].from->identity))
			return true;
	}
	return false;
}

/*
 * The values of a domain are not checked where they are in an array or a row:
 * the server refuses, and the domain is made anew.
 */
static void
recreate_domains(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];
		PgmPair    *domain = pair;

		if (pair->to == NULL || pair->change == PGM_KEEP)
			continue;
		if (pgm_ddl_is(pair->to, "domain constraint"))
			domain = pgm_ddl_find_pair(diff, "domain",
									   pgm_ddl_table(pair->to));
		else if (!pgm_ddl_is(pair->to, "domain") ||
				 pgm_schema_value(pair->to, "not null") == NULL ||
				 pair->change != PGM_ALTER ||
				 pgm_schema_value(pair->from, "not null") != NULL)
			continue;
		if (domain != NULL && domain->from != NULL && domain->to != NULL &&
			(domain->change == PGM_KEEP || domain->change == PGM_ALTER) &&
			is_in_column(diff, domain - diff->pairs))
			domain->change = PGM_RECREATE;
	}
}

/* Does one of its properties have a label of the enum that is new? */
static bool
uses_new_label(const PgmPair *type, const PgmSchemaObject *user)
{
	const char *labels = pgm_schema_value(type->to, "labels");
	char	   *label;

	while ((label = pgm_ddl_next(&labels)) != NULL)
	{
		if (pgm_ddl_in_list(pgm_schema_value(type->from, "labels"), label))
			continue;
		for (int i = 0; i < user->nproperties; i++)
			if (user->values[i] != NULL &&
				strstr(user->values[i], label) != NULL)
				return true;
	}
	return false;
}

/* To make the type anew is no way where a table is partitioned by it. */
static void
refuse_bound(const PgmDiff *diff, const PgmPair *type, const PgmPair *column)
{
	const PgmPair *table = column->whole_to < 0 ? NULL :
		&diff->pairs[column->whole_to];

	if (table == NULL || table->change == PGM_KEEP ||
		pgm_schema_value(table->to, "partition bound") == NULL ||
		!uses_new_label(type, table->to))
		return;
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the bound of partition %s has a label of enum %s that is new",
				   table->to->identity, type->to->identity),
			errdetail("A label can be used when the revision that adds it is committed."),
			errhint("Generate a revision without the partition first."));
}

/*
 * A label that was added cannot be used before the commit: then the type is
 * made anew, as for one that goes.
 */
static void
recreate_enums(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *user = &diff->pairs[i];

		if (user->change == PGM_KEEP || user->to == NULL)
			continue;
		for (int j = diff->needs.start[i]; j < diff->needs.start[i + 1]; j++)
		{
			PgmPair    *type = &diff->pairs[diff->needs.other[j]];

			if (type->change == PGM_ALTER && pgm_ddl_is(type->to, "enum") &&
				uses_new_label(type, user->to))
				type->change = PGM_RECREATE;
			if (type->change == PGM_ALTER && pgm_ddl_is(type->to, "enum"))
				refuse_bound(diff, type, user);
		}
	}
}

/* Attributes are added at the end. */
static void
recreate_moved(PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		PgmPair    *pair = &diff->pairs[i];

		if (pgm_ddl_is(pair->from, "composite type") && pair->to != NULL &&
			(pair->change == PGM_KEEP || pair->change == PGM_ALTER) &&
			!pgm_diff_skips(diff->options, diff->to, pair->to) &&
			pgm_diff_moves_attributes(pair))
			pair->change = PGM_RECREATE;
	}
}

void
pgm_diff_recreate_types(PgmDiff *diff)
{
	recreate_enums(diff);
	recreate_moved(diff);
	recreate_composites(diff);
	recreate_domains(diff);
}

static bool
stays(const PgmPair *pair)
{
	return pair->to != NULL && pair->change != PGM_RECREATE &&
		pair->change != PGM_DROP;
}

/* A column of a table with values of this type in it, or NULL. */
static const PgmPair *
find_stored(const PgmDiff *diff, int type)
{
	const PgmPair *found = NULL;

	check_stack_depth();
	for (int i = diff->users.start[type];
		 i < diff->users.start[type + 1] && found == NULL; i++)
	{
		int			n = diff->users.other[i];
		const PgmPair *user = &diff->pairs[n];
		const PgmPair *whole = user->whole_from < 0 ? NULL :
			&diff->pairs[user->whole_from];

		/* what it is partitioned by needs the table, too */
		if (!stays(user) || user->whole_from == type)
			continue;
		if (pgm_ddl_is(user->from, "domain"))
			found = find_stored(diff, n);
		else if (pgm_ddl_is(user->from, "column") && whole != NULL &&
				 stays(whole))
			found = pgm_ddl_is(whole->from, "composite type") ?
				find_stored(diff, user->whole_from) :
				pgm_ddl_is_table(whole->from) ? user : NULL;
	}
	return found;
}

bool
pgm_diff_is_stored(const PgmDiff *diff, const PgmSchemaObject *attribute)
{
	const PgmPair *type = pgm_ddl_find_pair(diff, "composite type",
											pgm_ddl_table(attribute));

	return type != NULL && find_stored(diff, type - diff->pairs) != NULL;
}

void
pgm_diff_check_row_types(const PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		const PgmPair *pair = &diff->pairs[i];
		const PgmPair *table = pair->whole_from < 0 ? NULL :
			&diff->pairs[pair->whole_from];
		const PgmPair *stored;

		if (table == NULL || pair->from == NULL || !stays(table) ||
			!pgm_ddl_is_table(table->from) || !pgm_diff_type_changes(pair))
			continue;
		stored = find_stored(diff, pair->whole_from);
		if (stored != NULL)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot change the type of column %s, as rows of its table are stored in column %s",
						   pair->from->identity, stored->from->identity),
					errhint("Generate a revision that drops that column, or gives it another type, first."));
	}
}
