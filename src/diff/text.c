/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Statements being collected, and what objects are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "diff/statement.h"

static void
add(PgmDiff *diff, const char *table, char *sql, const char *loss,
	PgmDdlRole role)
{
	PgmDdl	   *ddl = palloc(sizeof(PgmDdl));

	ddl->table = table == NULL ? NULL : pstrdup(table);
	ddl->sql = sql;
	ddl->loss = loss == NULL ? NULL : pstrdup(loss);
	ddl->role = role;
	ddl->pair = diff->writing;
	ddl->tells = diff->tells;
	diff->statements = lappend(diff->statements, ddl);
}

static char *format_text(const char *format, va_list args)
			pg_attribute_printf(1, 0);

static char *
format_text(const char *format, va_list args)
{
	size_t		size = 256;

	for (;;)
	{
		char	   *text = palloc(size);
		size_t		needed;
		va_list		copy;

		va_copy(copy, args);
		needed = pvsnprintf(text, size, format, copy);
		va_end(copy);
		if (needed < size)
			return text;
		pfree(text);
		size = needed;
	}
}

void
pgm_ddl_add(PgmDiff *diff, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	add(diff, NULL, format_text(format, args), NULL, PGM_DDL_APART);
	va_end(args);
}

void
pgm_ddl_add_to_table(PgmDiff *diff, const char *table, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	add(diff, table, format_text(format, args), NULL, PGM_DDL_APART);
	va_end(args);
}

void
pgm_ddl_add_along(PgmDiff *diff, const char *table, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	add(diff, table, format_text(format, args), NULL, PGM_DDL_ALONG);
	va_end(args);
}

void
pgm_ddl_add_loss(PgmDiff *diff, const char *table, const char *sql,
				 const char *loss)
{
	add(diff, table, pstrdup(sql), loss, PGM_DDL_APART);
}

void
pgm_ddl_add_retype(PgmDiff *diff, const char *table, const char *sql,
				   const char *loss)
{
	add(diff, table, pstrdup(sql), loss, PGM_DDL_RETYPE);
}

bool
pgm_ddl_is_table(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "table") || pgm_ddl_is(object, "foreign table");
}

const PgmSchemaObject *
pgm_ddl_find_table(const PgmSchema *schema, const char *identity)
{
	const PgmSchemaObject *table = pgm_schema_find(schema, "table", identity);

	return table != NULL ? table :
		pgm_schema_find(schema, "foreign table", identity);
}

bool
pgm_ddl_is_set_aside(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "collation") ||
		pgm_ddl_is(object, "composite type") ||
		pgm_ddl_is(object, "domain") || pgm_ddl_is(object, "enum");
}

const PgmSchemaObject *
pgm_ddl_object(const PgmPair *pair)
{
	return pair->to != NULL ? pair->to : pair->from;
}

const char *
pgm_ddl_table(const PgmSchemaObject *object)
{
	return pgm_schema_value(object, ".table");
}

char *
pgm_ddl_part_name(const PgmSchemaObject *object)
{
	size_t		table = strlen(pgm_ddl_table(object));

	if (pgm_ddl_is(object, "column"))
		return pstrdup(object->identity + table + 1);
	return pnstrdup(object->identity,
					strlen(object->identity) - table - strlen(" on "));
}

void
pgm_ddl_refuse(const PgmPair *pair, const char *property)
{
	const PgmSchemaObject *object = pgm_ddl_object(pair);

	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot write SQL for a change of %s %s",
				   object->kind, object->identity),
			property == NULL ? 0 :
			errdetail("What differs is \"%s\".", property),
			errhint("Write that part of the revision by hand, and leave the object out with \"pgmigrate.autogenerate_exclude\"."));
}
