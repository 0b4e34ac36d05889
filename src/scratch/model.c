/*-------------------------------------------------------------------------
 *
 * model.c
 *	  The model of a schema as a message from one process to another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "scratch/scratch.h"

char *
pgm_scratch_get_text(StringInfo message)
{
	return pstrdup(pq_getmsgrawstring(message));
}

PgmSchema *
pgm_scratch_get_model(StringInfo message)
{
	PgmSchema  *schema = palloc0(sizeof(PgmSchema));

	schema->nobjects = pq_getmsgint(message, 4);
	schema->objects = palloc_extended(sizeof(PgmSchemaObject) *
									  (schema->nobjects + 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < schema->nobjects; i++)
	{
		PgmSchemaObject *object = &schema->objects[i];
		char	  **properties;

		object->kind = pgm_scratch_get_text(message);
		object->identity = pgm_scratch_get_text(message);
		object->address.classid = pq_getmsgint(message, 4);
		object->address.objid = pq_getmsgint(message, 4);
		object->address.subid = pq_getmsgint(message, 4);
		object->nproperties = pq_getmsgint(message, 4);
		properties = palloc(sizeof(char *) * (object->nproperties + 1));
		object->values = palloc(sizeof(char *) * (object->nproperties + 1));
		object->properties = properties;
		for (int j = 0; j < object->nproperties; j++)
		{
			properties[j] = pgm_scratch_get_text(message);
			object->values[j] = pgm_scratch_get_text(message);
		}
	}
	schema->ndependencies = pq_getmsgint(message, 4);
	schema->dependencies = palloc_extended(sizeof(PgmSchemaDependency) *
										   (schema->ndependencies + 1),
										   MCXT_ALLOC_HUGE);
	for (int i = 0; i < schema->ndependencies; i++)
	{
		schema->dependencies[i].object = pq_getmsgint(message, 4);
		schema->dependencies[i].needs = pq_getmsgint(message, 4);
		schema->dependencies[i].type = (char) pq_getmsgbyte(message);
	}
	return schema;
}

void
pgm_scratch_put_text(StringInfo message, const char *text)
{
	appendBinaryStringInfo(message, text, strlen(text) + 1);
}

void
pgm_scratch_put_model(StringInfo message, const PgmSchema *schema)
{
	pq_sendint32(message, schema->nobjects);
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];
		int			n = 0;

		for (int j = 0; j < object->nproperties; j++)
			n += object->values[j] != NULL;
		pgm_scratch_put_text(message, object->kind);
		pgm_scratch_put_text(message, object->identity);
		pq_sendint32(message, object->address.classid);
		pq_sendint32(message, object->address.objid);
		pq_sendint32(message, object->address.subid);
		pq_sendint32(message, n);
		for (int j = 0; j < object->nproperties; j++)
			if (object->values[j] != NULL)
			{
				pgm_scratch_put_text(message, object->properties[j]);
				pgm_scratch_put_text(message, object->values[j]);
			}
	}
	pq_sendint32(message, schema->ndependencies);
	for (int i = 0; i < schema->ndependencies; i++)
	{
		pq_sendint32(message, schema->dependencies[i].object);
		pq_sendint32(message, schema->dependencies[i].needs);
		pq_sendbyte(message, schema->dependencies[i].type);
	}
}
