/*-------------------------------------------------------------------------
 *
 * generate.c
 *	  The SQL from the schema of this database to a desired one, and back.
 *
 * The desired text is run in an empty scratch database, under the names of
 * schemas that it has, and the models of both are compared.  What is to be
 * stored is proven before: in another scratch database the present schema is
 * made from nothing, the upgrade must lead to the desired schema, and the
 * downgrade back.
 *
 * Where the text has no ALTER ... OWNER owners are those that there are, and
 * privileges where it has neither GRANT nor REVOKE: such a text does not tell
 * of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/settings.h"
#include "base/spi.h"
#include "diff/diff.h"
#include "diff/generate.h"
#include "diff/mapped.h"
#include "diff/rename.h"
#include "diff/second_reader.h"
#include "schema/catalogs.h"
#include "schema/fingerprint.h"
#include "scratch/scratch.h"
#include "sql/statements.h"

/*
 * Scratch databases: for the desired text, for renames, for what schemas in
 * the place of others do to the rest, and for the proof.
 */
#define DESIRED 0
#define RENAMED 1
#define SETTLED 2
#define PROOF 3
#define MAX_SCRATCH 4

typedef struct Generation
{
	PgmDesired	asked;
	bool		prove;
	bool		by_address;		/* same objects may have other names there */
	bool		copied;			/* some have */
	PgmDiffOptions options;
	PgmSchema  *present;
	PgmSchema  *empty;
	PgmSchema  *desired;
	PgmSchema  *catalogs[2];	/* of present and desired, if both judge */
	PgmSchema  *back;			/* what the downgrade leads to */
	bool		sets_owners;	/* what the text tells of */
	bool		grants;
	int			nscratch;
	char	   *scratch[MAX_SCRATCH];	/* names of scratch databases */
	char	   *names[MAX_SCRATCH]; /* which of them is for what */
	PgmRenames	renames;
	List	   *upgrade;
	List	   *downgrade;
} Generation;

static bool
may_work_here(void)
{
	return pgm_environment != PGM_ENVIRONMENT_PRODUCTION ||
		pgm_autogenerate_in_production;
}

static void
refuse_production(void)
{
	if (!may_work_here())
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot generate a revision in an environment \"production\""),
				errhint("Generate it where it is developed, and load it here; \"pgmigrate.autogenerate_in_production\" lets it be done."));
}

/* A file that could not be read is no wish to drop everything. */
static void
refuse_empty_text(void)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("the desired text is empty"),
			errhint("For a schema with nothing in it say \"SELECT 1\"."));
}

/* The mark at the beginning of some files is none of their text. */
static void
begin_text(const char **text)
{
	static const char mark[] = "\xEF\xBB\xBF";

	if (*text == NULL)
		return;
	if (strncmp(*text, mark, strlen(mark)) == 0)
		*text += strlen(mark);
	if ((*text)[strspn(*text, " \t\r\n")] == '\0')
		refuse_empty_text();
}

/* Before it is loaded; how much is to be stored is known afterwards. */
static void
announce_size(const Generation *generation)
{
	size_t		limit = (size_t) pgm_max_revision_size * 1024;

	if (generation->prove && generation->asked.text != NULL &&
		strlen(generation->asked.text) > limit)
		ereport(NOTICE,
				errmsg("the desired text is longer than \"pgmigrate.max_revision_size\""),
				errdetail("It is loaded, but a revision of more than %d kB is not stored.",
						  pgm_max_revision_size),
				errhint("See what it would be by pgmigrate.diff()."));
}

static List *
split_patterns(const char *setting)
{
	List	   *patterns;

	/* the setting's check has seen that it can be split */
	(void) SplitGUCList(pstrdup(setting), ',', &patterns);
	return patterns;
}

static void
check_arguments(const Generation *generation)
{
	const PgmDesired *asked = &generation->asked;

	if ((asked->text != NULL) + (asked->database != NULL) +
		(asked->schemas != NIL) != 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("exactly one of \"desired\", \"desired_database\" and \"desired_schemas\" must be given"));
	if (generation->asked.database != NULL &&
		get_database_oid(generation->asked.database, false) == MyDatabaseId)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"desired_database\" is this database"));
}

/* Is anything read?  Not if two models are given. */
static bool
reads(const Generation *generation)
{
	return generation->asked.text != NULL ||
		generation->asked.database != NULL ||
		generation->asked.schemas != NIL;
}

/* Does the second reader judge?  It needs the databases that it is to read. */
static bool
reads_twice(const Generation *generation)
{
	return generation->prove && reads(generation);
}

static void
read_here(PgmReading *reading, bool catalogs)
{
	memset(reading, 0, sizeof(PgmReading));
	if (catalogs)
		pgm_schema_read_both(GetUserId(), reading);
	else
		reading->model = pgm_schema_read_all(GetUserId());
}

static void
read_present(void *arg)
{
	Generation *generation = arg;
	PgmReading	reading;

	read_here(&reading, reads_twice(generation));
	generation->present = reading.model;
	generation->catalogs[0] = reading.catalogs;
}

/* Has what a database has changed since it was read? */
static bool
has_changed(const PgmSchema *model, const PgmSchema *catalogs,
			const PgmReading *now)
{
	return strcmp(pgm_schema_digest(model),
				  pgm_schema_digest(now->model)) != 0 ||
		(catalogs != NULL && strcmp(pgm_schema_digest(catalogs),
									pgm_schema_digest(now->catalogs)) != 0);
}

/*
 * The server puts out names and expressions as they are when it is asked,
 * whatever the snapshot: a schema that is changed meanwhile may be read as it
 * never was.  Then this is what is told, not a difference.
 */
static void
check_unchanged(void *arg)
{
	Generation *generation = arg;
	PgmSchema **catalogs = generation->catalogs;
	PgmScratchTask task = {PGM_SCRATCH_MODEL, NULL, catalogs[1] != NULL};
	PgmReading	here;
	bool		changed;

	/* between two models nothing was read here */
	if (!reads(generation))
		return;
	read_here(&here, catalogs[0] != NULL);
	changed = has_changed(generation->present, catalogs[0], &here);
	if (!changed && generation->asked.database != NULL)
	{
		pgm_scratch_work(generation->asked.database, 1, &task);
		changed = has_changed(generation->desired, catalogs[1], &task.reading);
	}
	if (changed)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("the schema was changed while it was compared"),
				errhint("Generate the revision when nothing changes the schema."));
}

typedef struct Trial
{
	const char *database;
	int			n;
	PgmScratchTask *tasks;
} Trial;

static void
try_in_scratch(void *arg)
{
	Trial	   *trial = arg;

	pgm_scratch_work(trial->database, trial->n, trial->tasks);
}

/* What is made of a schema that never was may fail. */
static void
run_generated(Generation *generation, const char *database, int n,
			  PgmScratchTask *tasks)
{
	Trial		trial = {database, n, tasks};
	ErrorData  *error;

	if (pgm_spi_try(try_in_scratch, &trial, &error))
		return;
	check_unchanged(generation);
	ReThrowError(error);
}

/* Both schemas at the same time. */
static void
read_both(Generation *generation)
{
	PgmScratchTask tasks[3] = {
		{PGM_SCRATCH_MODEL, NULL},
		{PGM_SCRATCH_LOAD, generation->asked.text},
		{PGM_SCRATCH_MODEL, NULL, reads_twice(generation)}
	};

	if (generation->asked.text == NULL)
	{
		pgm_scratch_work_beside(generation->asked.database, 1, &tasks[2],
								read_present, generation);
		generation->desired = tasks[2].reading.model;
		generation->catalogs[1] = tasks[2].reading.catalogs;
		if (generation->nscratch == 0)
			return;
		pgm_scratch_work(generation->scratch[0], 1, tasks);
		generation->empty = tasks[0].reading.model;
		return;
	}
	pgm_scratch_work_beside(generation->names[DESIRED], 3, tasks, read_present,
							generation);
	/* comments at most */
	if (tasks[1].is_empty)
		refuse_empty_text();
	generation->empty = tasks[0].reading.model;
	generation->desired = tasks[2].reading.model;
	generation->catalogs[1] = tasks[2].reading.catalogs;
	generation->sets_owners = tasks[1].sets_owners;
	generation->grants = tasks[1].grants;
	generation->options.no_grants = !tasks[1].grants;
}

/*
 * Without what is secret, and with the owners that the caller may name; the
 * options are those for what is read there.
 */
static char *
present_from_nothing(const Generation *generation, PgmDiffOptions *options)
{
	*options = generation->options;
	options->outline = true;
	options->defaults = NULL;
	options->no_owners = !superuser();
	return pgm_diff_text(pgm_diff_write(generation->empty,
										generation->present, options));
}

/* Who may not name all owners has those that there are. */
static void
adopt_mapped(Generation *generation)
{
	if (!superuser())
		pgm_diff_adopt(generation->present, generation->desired,
					   &generation->options, true, false);
}

/* The present schema made anew, and others of it in the place of some. */
static void
read_mapped(Generation *generation)
{
	PgmScratchTask empty = {PGM_SCRATCH_MODEL, NULL};
	PgmScratchTask tasks[3] = {
		{PGM_SCRATCH_LOAD}, {PGM_SCRATCH_LOAD},
		{PGM_SCRATCH_MODEL, NULL, reads_twice(generation)}
	};
	PgmDiffOptions options;

	pgm_scratch_work_beside(generation->names[DESIRED], 1, &empty,
							read_present, generation);
	generation->empty = empty.reading.model;
	tasks[1].text = pgm_mapped_renames(generation->present,
									   generation->asked.schemas);
	tasks[0].text = present_from_nothing(generation, &options);
	run_generated(generation, generation->names[DESIRED], lengthof(tasks),
				  tasks);
	generation->desired = pgm_mapped_desired(generation->present,
											 tasks[2].reading.model,
											 generation->asked.schemas);
	generation->catalogs[1] = tasks[2].reading.catalogs;
	pgm_mapped_warn(generation->desired, generation->asked.schemas);
}

static void
check_proof(Generation *generation, const PgmSchema *expected,
			const PgmSchema *found, const PgmDiffOptions *options,
			const char *what, const char *text)
{
	char	   *object = pgm_diff_first(found, expected, options);

	if (object == NULL)
		return;
	check_unchanged(generation);
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the SQL that was generated does not lead where it should"),
			errdetail("After the %s in a scratch database, %s is not as it should be.",
					  what, object),
			errcontext("generated SQL:\n%s", text),
			errhint("Leave the object out with \"pgmigrate.autogenerate_exclude\", or write the revision by hand with what pgmigrate.diff() shows."));
}

/* Who may not name all owners has others there, and so other privileges. */
static void
init_reader(PgmSecondReader *reader, Generation *generation, bool desired)
{
	bool		silent = desired && generation->asked.text != NULL;

	memset(reader, 0, sizeof(PgmSecondReader));
	reader->options = &generation->options;
	reader->suspect = check_unchanged;
	reader->suspect_arg = generation;
	reader->owners = superuser() && !(silent && !generation->sets_owners);
	reader->privileges = reader->owners && !(silent && !generation->grants);
	if (desired)
		reader->schemas = generation->asked.schemas;
}

/* Where the desired schema is, as nothing of ours has made it. */
static void
check_desired(Generation *generation, const PgmReading *found,
			  const char *what, const char *text)
{
	PgmReading	desired = {
		generation->asked.schemas == NIL ? generation->desired : NULL,
		generation->catalogs[1]
	};
	PgmSecondReader reader;

	init_reader(&reader, generation, true);
	pgm_second_reader_check(&reader, found, &desired, what, text);
}

/* The model finds nothing to do. */
static void
check_same(Generation *generation)
{
	PgmReading	present = {generation->present, generation->catalogs[0]};

	check_desired(generation, &present, "nothing was found to be done", NULL);
}

/* Of a text and what it leads to. */
typedef struct Proof
{
	const char *what;
	const PgmSchema *expected;
	char	   *text;
} Proof;

#define PROOFS 3

static void
check_twice(Generation *generation, const Proof *proofs,
			const PgmScratchTask *tasks)
{
	PgmReading	present = {generation->present, generation->catalogs[0]};
	PgmSecondReader reader;

	init_reader(&reader, generation, false);
	pgm_second_reader_check(&reader, &tasks[1].reading, &present,
							proofs[0].what, proofs[0].text);
	check_desired(generation, &tasks[3].reading, proofs[1].what,
				  proofs[1].text);
	pgm_second_reader_check(&reader, &tasks[5].reading, &tasks[1].reading,
							proofs[2].what, proofs[2].text);
}

static void
prove(Generation *generation)
{
	bool		twice = reads_twice(generation);
	PgmDiffOptions options;
	PgmScratchTask tasks[2 * PROOFS] = {{0}};
	Proof		proofs[PROOFS] = {
		{"present schema was made from nothing", generation->present},
		{"upgrade", generation->desired, pgm_diff_text(generation->upgrade)},
		{"downgrade", generation->back, pgm_diff_text(generation->downgrade)}
	};

	/* what is too long to be stored need not be proven */
	pgm_source_check_size(proofs[1].text, "upgrade");
	pgm_source_check_size(proofs[2].text, "downgrade");
	proofs[0].text = present_from_nothing(generation, &options);
	options.outline = false;
	for (int i = 0; i < PROOFS; i++)
	{
		tasks[2 * i].op = PGM_SCRATCH_LOAD;
		tasks[2 * i].text = proofs[i].text;
		tasks[2 * i + 1].op = PGM_SCRATCH_MODEL;
		tasks[2 * i + 1].catalogs = twice;
	}
	run_generated(generation, generation->names[PROOF], lengthof(tasks),
				  tasks);
	for (int i = 0; i < PROOFS; i++)
		check_proof(generation, proofs[i].expected,
					tasks[2 * i + 1].reading.model, &options, proofs[i].what,
					proofs[i].text);
	if (twice)
		check_twice(generation, proofs, tasks);
}

/*
 * What stands on the schemas that become like others, such as the columns of
 * views, is as the upgrade leaves it.
 */
static void
settle_mapped(Generation *generation)
{
	PgmScratchTask tasks[3] = {
		{PGM_SCRATCH_LOAD}, {PGM_SCRATCH_LOAD}, {PGM_SCRATCH_MODEL}
	};
	PgmDiffOptions options;
	PgmSchema  *wanted;

	tasks[0].text = present_from_nothing(generation, &options);
	tasks[1].text = pgm_diff_text(generation->upgrade);
	run_generated(generation, generation->names[SETTLED], lengthof(tasks),
				  tasks);
	wanted = pgm_mapped_desired(tasks[2].reading.model, generation->desired,
								generation->asked.schemas);
	options.outline = false;
	check_proof(generation, wanted, tasks[2].reading.model, &options,
				"upgrade", tasks[1].text);
	generation->desired = tasks[2].reading.model;
	adopt_mapped(generation);
}

/* The present schema with the names that are desired. */
static PgmSchema *
rename_present(Generation *generation)
{
	PgmSchema  *present = generation->present;
	List	   *given = generation->asked.renames;

	if (generation->by_address)
		given = list_concat_copy(given,
								 pgm_rename_copied(present,
												   generation->desired));
	for (int stage = 0; stage < PGM_RENAME_STAGES; stage++)
	{
		PgmScratchTask tasks[3] = {
			{PGM_SCRATCH_LOAD}, {PGM_SCRATCH_LOAD}, {PGM_SCRATCH_MODEL}
		};
		bool		first = generation->renames.there == NIL;
		PgmDiffOptions options;
		List	   *there;

		there = pgm_rename_stage(&generation->renames, stage,
								 generation->asked.text, given,
								 generation->present, present,
								 generation->desired);
		if (there == NIL)
			continue;
		if (first)
			tasks[0].text = present_from_nothing(generation, &options);
		tasks[1].text = pgm_diff_text(there);
		run_generated(generation, generation->names[RENAMED], first ? 3 : 2,
					  first ? tasks : tasks + 1);
		present = tasks[2].reading.model;
	}
	return present;
}

/* Both ways between the present schema, under desired names, and the other. */
static void
write_both(Generation *generation, PgmSchema *present)
{
	List	   *left = NIL;
	List	   *same = NIL;
	PgmSchema  *back;

	generation->upgrade = pgm_diff_write(present, generation->desired,
										 &generation->options);
	generation->upgrade = list_concat(generation->renames.there,
									  generation->upgrade);
	if (!generation->prove)
		return;
	if (generation->asked.schemas != NIL && generation->upgrade != NIL)
		settle_mapped(generation);
	back = pgm_diff_way_back(present, generation->desired, &left);
	generation->back = pgm_diff_way_back(generation->present,
										 generation->desired, &same);
	generation->downgrade = pgm_diff_write(generation->desired, back,
										   &generation->options);
	generation->downgrade = list_concat(generation->downgrade,
										generation->renames.back);
	generation->downgrade = pgm_diff_not_brought_back(generation->upgrade,
													  generation->downgrade,
													  left);
}

static void
work(Generation *generation)
{
	PgmSchema  *present;

	if (generation->asked.schemas != NIL)
		read_mapped(generation);
	else
		read_both(generation);
	present = generation->present;
	if (generation->names[RENAMED] != NULL)
		present = rename_present(generation);
	else if (generation->by_address &&
			 pgm_rename_copied(present, generation->desired) != NIL)
	{
		generation->copied = true;
		return;
	}
	pgm_rename_notice(present, generation->desired);
	if (generation->options.no_grants)
		generation->options.defaults = present;
	if (generation->asked.text != NULL)
		pgm_diff_adopt(present, generation->desired, &generation->options,
					   !generation->sets_owners, !generation->grants);
	else if (generation->asked.schemas != NIL)
		adopt_mapped(generation);
	present = pgm_rename_equal(&generation->renames, present,
							   generation->desired, &generation->options);
	write_both(generation, present);
	pgm_diff_tell(present, generation->desired, &generation->options);
	if (generation->upgrade != NIL)
		pgm_diff_check_rights(generation->present, generation->desired,
							  &generation->options,
							  generation->prove ? ERROR : WARNING);
	if (generation->prove && generation->upgrade != NIL)
		prove(generation);
	else if (generation->prove)
		check_same(generation);
}

/* Which scratch databases are needed. */
static void
name_scratch(Generation *generation)
{
	bool		needed[MAX_SCRATCH] = {0};

	generation->nscratch = 0;
	needed[DESIRED] = generation->asked.text != NULL ||
		generation->asked.schemas != NIL;
	needed[RENAMED] = generation->copied ||
		generation->asked.renames != NIL ||
		pgm_rename_hinted(generation->asked.text);
	needed[SETTLED] = generation->asked.schemas != NIL && generation->prove;
	needed[PROOF] = generation->prove;
	for (int i = 0; i < MAX_SCRATCH; i++)
		if (needed[i])
		{
			generation->names[i] = pgm_scratch_name("scratch", i + 1);
			generation->scratch[generation->nscratch++] =
				generation->names[i];
		}
}

/* With the scratch databases, which go whatever happens. */
static void
in_scratch(Generation *generation, void (*action) (Generation *generation))
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		pgm_scratch_create(generation->nscratch, generation->scratch);
		action(generation);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		pgm_scratch_drop(generation->nscratch, generation->scratch);
		ReThrowError(edata);
	}
	PG_END_TRY();
	pgm_scratch_drop(generation->nscratch, generation->scratch);
}

static void
do_work(Generation *generation)
{
	name_scratch(generation);
	if (generation->nscratch == 0)
		work(generation);
	else
		in_scratch(generation, work);
}

static void
generate(Generation *generation)
{
	refuse_production();
	check_arguments(generation);
	begin_text(&generation->asked.text);
	announce_size(generation);
	generation->by_address = generation->asked.database != NULL;
	generation->options.role = GetUserNameFromId(GetUserId(), false);
	generation->options.include = split_patterns(pgm_autogenerate_include);
	generation->options.exclude = split_patterns(pgm_autogenerate_exclude);
	do_work(generation);
	/* once more, with a scratch database for the renames */
	if (generation->copied)
		do_work(generation);
}

List *
pgm_generate_diff(const PgmDesired *desired)
{
	Generation	generation = {*desired, false};

	generate(&generation);
	return generation.upgrade;
}

bool
pgm_generate_revision(const PgmDesired *desired, char **upgrade,
					  char **downgrade)
{
	Generation	generation = {*desired, true};

	generate(&generation);
	if (generation.upgrade == NIL)
		return false;
	*upgrade = pgm_diff_text(generation.upgrade);
	*downgrade = pgm_diff_text(generation.downgrade);
	return true;
}

/* ---- between two models */

static void
prove_both(Generation *generation)
{
	PgmScratchTask task = {PGM_SCRATCH_MODEL, NULL};

	pgm_scratch_work(generation->names[PROOF], 1, &task);
	generation->empty = task.reading.model;
	if (generation->copied)
		write_both(generation, rename_present(generation));
	prove(generation);
}

static bool
may_create_database(void)
{
	HeapTuple	tuple;
	bool		result = superuser();

	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (HeapTupleIsValid(tuple))
	{
		result |= ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return result;
}

bool
pgm_generate_between(PgmSchema *from, PgmSchema *to, List *exclude,
					 char **upgrade, char **downgrade)
{
	Generation	generation = {{NULL}, true};

	generation.options.role = GetUserNameFromId(GetUserId(), false);
	generation.options.exclude = exclude;
	generation.present = from;
	generation.desired = to;
	write_both(&generation, from);
	if (generation.upgrade == NIL && generation.downgrade == NIL)
		return false;
	if (may_work_here() && may_create_database())
	{
		generation.by_address = true;
		generation.copied = pgm_rename_copied(from, to) != NIL;
		name_scratch(&generation);
		in_scratch(&generation, prove_both);
	}
	else
		ereport(NOTICE,
				errmsg("the SQL was not proven in a scratch database"),
				errdetail("That takes a role with CREATEDB, and another environment than \"production\"."));
	*upgrade = pgm_diff_text(generation.upgrade);
	*downgrade = pgm_diff_text(generation.downgrade);
	return true;
}
