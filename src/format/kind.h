/*-------------------------------------------------------------------------
 *
 * kind.h
 *	  The formats of migration files, and their names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_KIND_H
#define PGM_FORMAT_KIND_H

typedef enum PgmFormat
{
	PGM_FORMAT_AUTO,
	PGM_FORMAT_PGMIGRATE,
	PGM_FORMAT_GOLANG,			/* N_name.up.sql, N_name.down.sql */
	PGM_FORMAT_PLAIN,			/* the same, and N_name.sql */
	PGM_FORMAT_DIESEL,			/* N_name/up.sql, N_name/down.sql */
	PGM_FORMAT_DBMATE,
	PGM_FORMAT_GOOSE,
	PGM_FORMAT_FLYWAY,
	PGM_FORMAT_SQITCH,
	PGM_FORMAT_ALEMBIC,			/* output of alembic upgrade --sql */
	PGM_FORMAT_ATLAS,			/* N_name.sql and atlas.sum */
	PGM_FORMAT_PRISMA,			/* N_name/migration.sql */
	PGM_FORMAT_REFINERY,		/* V1__name.sql, U1__name.sql, both ways up */
	PGM_FORMAT_NODE,			/* -- Up Migration, -- Down Migration */
	PGM_FORMAT_SQL_MIGRATE,		/* -- +migrate Up */
	PGM_FORMAT_MICRATE,			/* -- +micrate Up */
	PGM_FORMAT_RAMBLER,			/* -- rambler up */
	PGM_FORMAT_TERN,			/* ---- create above / drop below ---- */
	PGM_FORMAT_STRUCTURE		/* a dump, as one revision to start from */
} PgmFormat;

/*
 * Does any format read the contents of a file of this name?  Others should be
 * passed with data NULL, so that a folder's pictures cost nothing.
 */
extern bool pgm_format_reads(const char *file_name);

/* Names of the formats as users write them. */
extern bool pgm_format_by_name(const char *name, PgmFormat *format);
extern const char *pgm_format_name(PgmFormat format);

/* All of them, quoted, as a list for a message. */
extern char *pgm_format_names(void);

#endif							/* PGM_FORMAT_KIND_H */
