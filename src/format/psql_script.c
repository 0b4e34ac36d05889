/*-------------------------------------------------------------------------
 *
 * psql_script.c
 *	  Make of a script for psql a text that a revision may hold.
 *
 * Transaction control goes away: where the script is one transaction nothing
 * is lost, and where it is several the revision is to run statement by
 * statement, which keeps their order.  What would mean something else then is
 * refused.  psql commands are refused unless they do nothing to the database.
 * COPY FROM STDIN becomes INSERT.
 *
 * Whatever is taken out leaves its newlines behind, so the lines of the text
 * are those of the file.  A script with nothing to take out stays as it is,
 * byte for byte.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/heading.h"
#include "format/internal.h"

/*
 * Where a script is with respect to transactions.  A tool may run the whole
 * in one of its own, so at the start that is not known.
 *
 *		unknown --BEGIN--> inside <--BEGIN--+
 *		   |                  |             |
 *		   +----COMMIT----> outside <-------+ COMMIT
 */
typedef enum BlockState
{
	BLOCK_UNKNOWN,
	BLOCK_INSIDE,
	BLOCK_OUTSIDE
} BlockState;

typedef struct Cleaner
{
	PgmFormatContext *cx;
	PgmFormatScript *script;
	StringInfoData out;
	bool		changed;
	size_t		copied;			/* input up to here is in out */
	BlockState	block;
	int			begin_line;		/* of the block that is open */
	int			nblocks;
	int			nends;
	int			nunknown;		/* statements by state, settings left out */
	int			noutside;
	bool		implicit;		/* COMMIT came first */
	int			bound_line;		/* statement that needs its block, or 0 */
	const char *bound;
} Cleaner;

typedef enum StatementClass
{
	CLASS_OTHER,
	CLASS_BEGIN,
	CLASS_COMMIT,
	CLASS_ROLLBACK,
	CLASS_REFUSED,				/* other transaction control */
	CLASS_BOUND					/* means nothing outside of its block */
} StatementClass;

/* The first words of a statement, lower-cased by comparison only. */
#define MAX_WORDS 4

typedef struct StatementWords
{
	PgmSqlLexer lexer;
	PgmSqlToken token[MAX_WORDS];
} StatementWords;

static void
read_words(const PgmFormatScript *script, const PgmSqlItem *item,
		   StatementWords *words)
{
	pgm_sqlscan_lexer(&words->lexer, script->data + item->body,
					  item->body_end - item->body, item->line);
	for (int i = 0; i < MAX_WORDS; i++)
		pgm_sqlscan_significant(&words->lexer, &words->token[i]);
}

static bool
word_is(const StatementWords *words, int i, const char *word)
{
	return pgm_sqlscan_is_word(&words->lexer, &words->token[i], word);
}

/*
 * What is the statement to the transaction it is in?  name tells the user.
 */
static StatementClass
classify(const StatementWords *words, const char **name)
{
	*name = NULL;
	if (word_is(words, 0, "begin"))
		return CLASS_BEGIN;
	if (word_is(words, 0, "start") && word_is(words, 1, "transaction"))
		return CLASS_BEGIN;
	if (word_is(words, 0, "commit") || word_is(words, 0, "end") ||
		word_is(words, 0, "rollback"))
	{
		int			next = word_is(words, 1, "work") ||
			word_is(words, 1, "transaction") ? 2 : 1;

		*name = word_is(words, 0, "rollback") ? "ROLLBACK" : "COMMIT";
		if (word_is(words, next, "and") && !word_is(words, next + 1, "no"))
			*name = "AND CHAIN";
		else if (word_is(words, 1, "prepared"))
			*name = word_is(words, 0, "commit") ? "COMMIT PREPARED" :
				"ROLLBACK PREPARED";
		else if (word_is(words, 0, "rollback"))
			return word_is(words, next, "to") ? CLASS_REFUSED : CLASS_ROLLBACK;
		else
			return CLASS_COMMIT;
		return CLASS_REFUSED;
	}
	if (word_is(words, 0, "savepoint"))
		*name = "SAVEPOINT";
	else if (word_is(words, 0, "release"))
		*name = "RELEASE";
	else if (word_is(words, 0, "abort"))
		*name = "ABORT";
	else if (word_is(words, 0, "prepare") && word_is(words, 1, "transaction"))
		*name = "PREPARE TRANSACTION";
	if (*name != NULL)
		return CLASS_REFUSED;
	if (word_is(words, 0, "set") &&
		(word_is(words, 1, "local") || word_is(words, 1, "transaction") ||
		 word_is(words, 1, "constraints")))
	{
		*name = word_is(words, 1, "local") ? "SET LOCAL" :
			word_is(words, 1, "transaction") ? "SET TRANSACTION" :
			"SET CONSTRAINTS";
		return CLASS_BOUND;
	}
	if (word_is(words, 0, "lock") || word_is(words, 0, "declare"))
	{
		*name = word_is(words, 0, "lock") ? "LOCK TABLE" : "DECLARE CURSOR";
		return CLASS_BOUND;
	}
	return CLASS_OTHER;
}

/*
 * Leave input from 'from' to 'to' out, but for its newlines.
 */
static void
cut(Cleaner *cleaner, size_t from, size_t to)
{
	const char *data = cleaner->script->data;
	const char *p = data + from;

	if (!cleaner->changed)
	{
		initStringInfo(&cleaner->out);
		cleaner->changed = true;
	}
	appendBinaryStringInfo(&cleaner->out, data + cleaner->copied,
						   from - cleaner->copied);
	while ((p = memchr(p, '\n', data + to - p)) != NULL)
	{
		appendStringInfoChar(&cleaner->out, '\n');
		p++;
	}
	cleaner->copied = to;
}

static bool
refuse(Cleaner *cleaner, int line, char *message, const char *hint)
{
	return pgm_format_fail(cleaner->cx, cleaner->script->file, line, message,
						   NULL, hint ? pstrdup(hint) : NULL);
}

static bool
follow_begin(Cleaner *cleaner, const StatementWords *words,
			 const PgmSqlItem *item)
{
	int			next = word_is(words, 0, "start") ||
		word_is(words, 1, "work") || word_is(words, 1, "transaction") ? 2 : 1;

	if (cleaner->block == BLOCK_INSIDE)
		return refuse(cleaner, item->line,
					  psprintf("BEGIN within a transaction"), NULL);
	if (word_is(words, next, "isolation") || word_is(words, next, "read") ||
		word_is(words, next, "not") || word_is(words, next, "deferrable"))
		pgm_format_warn(cleaner->cx, cleaner->script->file, item->line,
						psprintf("transaction modes of BEGIN are not kept"));
	cleaner->block = BLOCK_INSIDE;
	cleaner->begin_line = item->line;
	cleaner->nblocks++;
	cut(cleaner, item->body, item->end);
	return true;
}

static bool
follow_end(Cleaner *cleaner, StatementClass class, const PgmSqlItem *item)
{
	if (class == CLASS_ROLLBACK)
	{
		if (!cleaner->script->allow_rollback ||
			cleaner->block != BLOCK_INSIDE)
			return refuse(cleaner, item->line,
						  psprintf("ROLLBACK is not allowed in a revision"),
						  NULL);
	}
	else if (cleaner->block == BLOCK_OUTSIDE)
		return refuse(cleaner, item->line,
					  psprintf("COMMIT without a transaction"), NULL);
	if (cleaner->block == BLOCK_UNKNOWN)
		cleaner->implicit = true;
	cleaner->block = BLOCK_OUTSIDE;
	cleaner->nends++;
	cut(cleaner, item->body, item->end);
	return true;
}

/*
 * Old dumps turn standard_conforming_strings off, and then their literals are
 * not what they were read as.
 */
static bool
check_setting(Cleaner *cleaner, const StatementWords *words,
			  const PgmSqlItem *item)
{
	PgmSqlLexer lexer = words->lexer;
	PgmSqlToken value;
	int			i = 1;

	if (!word_is(words, 0, "set"))
		return true;
	if (word_is(words, 1, "session") || word_is(words, 1, "local"))
		i = 2;
	if (!word_is(words, i, "standard_conforming_strings"))
		return true;
	/* the token after "=" or TO: the fourth, or the one behind the words */
	if (i == 1)
		value = words->token[3];
	else
		pgm_sqlscan_significant(&lexer, &value);
	if (pgm_sqlscan_is_word(&lexer, &value, "on") ||
		pgm_sqlscan_is_word(&lexer, &value, "default") ||
		pgm_sqlscan_is_word(&lexer, &value, "true") ||
		(value.end - value.start == 4 &&
		 pg_strncasecmp(lexer.input + value.start, "'on'", 4) == 0))
		return true;
	return refuse(cleaner, item->line,
				  psprintf("\"standard_conforming_strings\" must be on"), NULL);
}

static void
count_statement(Cleaner *cleaner)
{
	cleaner->script->nstatements++;
	if (cleaner->block == BLOCK_UNKNOWN)
		cleaner->nunknown++;
	else if (cleaner->block == BLOCK_OUTSIDE)
		cleaner->noutside++;
}

static bool
follow_statement(Cleaner *cleaner, const PgmSqlItem *item)
{
	StatementWords words;
	StatementClass class;
	const char *name;

	if (item->variable_line > 0)
		return refuse(cleaner, item->variable_line,
					  psprintf("psql variable in a statement"),
					  "Write its value in its place; if it is no variable, put a blank after the colon.");

	read_words(cleaner->script, item, &words);
	class = classify(&words, &name);
	switch (class)
	{
		case CLASS_BEGIN:
			return follow_begin(cleaner, &words, item);
		case CLASS_COMMIT:
		case CLASS_ROLLBACK:
			return follow_end(cleaner, class, item);
		case CLASS_REFUSED:
			return refuse(cleaner, item->line,
						  psprintf("%s is not allowed in a revision", name),
						  NULL);
		case CLASS_BOUND:
			if (cleaner->bound_line == 0)
			{
				cleaner->bound_line = item->line;
				cleaner->bound = name;
			}
			break;
		case CLASS_OTHER:
			break;
	}
	if (!check_setting(cleaner, &words, item))
		return false;
	if (!word_is(&words, 0, "set") && !word_is(&words, 0, "reset"))
		count_statement(cleaner);
	else
		cleaner->script->nstatements++;
	return true;
}

/*
 * Is the psql command one that only concerns what psql shows?  silent is set
 * for the pair that pg_dump puts round every dump.
 */
static bool
is_harmless(const char *command, size_t len, bool *silent)
{
	static const char *const harmless[] = {
		"echo", "qecho", "warn", "pset", "timing", "x", "a", "t", "f", "C",
		"H", "T", "conninfo"
	};
	static const char *const settings[] = {
		"ON_ERROR_STOP", "ON_ERROR_ROLLBACK", "QUIET", "ECHO", "ECHO_HIDDEN",
		"VERBOSITY", "SHOW_CONTEXT", "AUTOCOMMIT on"
	};
	size_t		word = strcspn(command, " \t\r\n");
	const char *args = command + word;

	args += strspn(args, " \t");
	*silent = (word == 8 && strncmp(command, "restrict", 8) == 0) ||
		(word == 10 && strncmp(command, "unrestrict", 10) == 0);
	if (*silent)
		return true;
	if (strstr(command, "\\") != NULL || strchr(command, '`') != NULL)
		return false;
	for (int i = 0; i < lengthof(harmless); i++)
	{
		if (strlen(harmless[i]) == word &&
			strncmp(command, harmless[i], word) == 0)
			return true;
	}
	if (word == 8 && strncmp(command, "encoding", 8) == 0)
		return pg_strcasecmp(args, "utf8") == 0 ||
			pg_strcasecmp(args, "utf-8") == 0 ||
			pg_strcasecmp(args, "unicode") == 0;
	if ((word == 3 && strncmp(command, "set", 3) == 0) ||
		(word == 5 && strncmp(command, "unset", 5) == 0))
	{
		for (int i = 0; i < lengthof(settings); i++)
		{
			size_t		n = strlen(settings[i]);

			if (strncmp(args, settings[i], n) == 0 &&
				(args[n] == '\0' || args[n] == ' ' || args[n] == '\t' ||
				 args[n] == '='))
				return true;
		}
	}
	return false;
}

static bool
follow_meta(Cleaner *cleaner, const PgmSqlItem *item)
{
	const char *start = cleaner->script->data + item->body + 1;
	char	   *command = pnstrdup(start, item->end - item->body - 1);
	size_t		word = strcspn(command, " \t\r\n");
	bool		silent;

	/* blanks at the end are no arguments */
	for (size_t n = strlen(command); n > 0 &&
		 (command[n - 1] == ' ' || command[n - 1] == '\t'); n--)
		command[n - 1] = '\0';
	if (!is_harmless(command, word, &silent))
		return refuse(cleaner, item->line,
					  psprintf("psql command \"\\%.*s\" is not supported",
							   (int) Min(word, 40), command),
					  "Write what it does as SQL.");
	if (!silent)
		pgm_format_warn(cleaner->cx, cleaner->script->file, item->line,
						psprintf("psql command \"\\%.*s\" is passed over",
								 (int) Min(word, 40), command));
	pfree(command);
	cut(cleaner, item->body, item->end);
	return true;
}

static bool
follow_copy(Cleaner *cleaner, const PgmSqlItem *item)
{
	if (item->variable_line > 0)
		return refuse(cleaner, item->variable_line,
					  psprintf("psql variable in a statement"), NULL);
	cut(cleaner, item->body, item->body);
	cleaner->copied = item->end;
	count_statement(cleaner);
	return pgm_format_copy(cleaner->cx, cleaner->script, item, &cleaner->out);
}

/*
 * All items were seen: decide what the transactions make of the revision.
 */
static bool
finish_blocks(Cleaner *cleaner)
{
	PgmFormatScript *script = cleaner->script;

	if (cleaner->block == BLOCK_INSIDE && !cleaner->implicit)
		return refuse(cleaner, cleaner->begin_line,
					  psprintf("transaction is not ended"), NULL);
	if (cleaner->nblocks + cleaner->nends == 0)
		return true;
	/* one transaction: its own, or that of the tool up to COMMIT at the end */
	if (cleaner->nblocks <= 1 && cleaner->nends == 1 &&
		cleaner->noutside == 0 &&
		(cleaner->nblocks == 0 || cleaner->nunknown == 0))
		return true;
	if (cleaner->bound_line > 0)
		return refuse(cleaner, cleaner->bound_line,
					  psprintf("%s in a file of several transactions",
							   cleaner->bound),
					  "A revision is one transaction, or runs statement by statement.  Make a revision of each transaction.");
	script->split = true;
	return true;
}

/*
 * Set script->text from what was kept.
 */
static void
finish_text(Cleaner *cleaner)
{
	PgmFormatScript *script = cleaner->script;
	const char *kept = script->data;
	size_t		len = script->len;
	int			line = script->line;

	if (cleaner->changed)
	{
		appendBinaryStringInfo(&cleaner->out, script->data + cleaner->copied,
							   script->len - cleaner->copied);
		kept = cleaner->out.data;

		len = cleaner->out.len;
	}
	if (cleaner->changed || script->trim)
	{
		PgmFormatReader reader;
		PgmFormatLine first;
		size_t		start = 0;

		pgm_format_reader(&reader, kept, len, line);
		while (pgm_format_line(&reader, &first) &&
			   pgm_format_blank(first.start, first.len))
		{
			start = first.next;
			line = first.number + 1;
		}
		kept += start;

		len -= start;
		if (pgm_format_blank(kept, len))
			len = 0;
		else
		{
			size_t		end = len;
			const char *eol;

			while (pgm_format_blank(kept + end - 1, 1))
				end--;
			eol = memchr(kept + end, '\n', len - end);
			len = eol ? eol + 1 - kept : end;
		}
	}
	script->text.text = pnstrdup(kept, len);
	script->text.file = pstrdup(script->file);
	script->text.line = line;
	if (cleaner->changed)
		pfree(cleaner->out.data);
}

static bool
clean(PgmFormatContext *cx, PgmFormatScript *script)
{
	Cleaner		cleaner;
	PgmSqlSplitter splitter;
	PgmSqlItem	item;

	memset(&cleaner, 0, sizeof(cleaner));
	cleaner.cx = cx;
	cleaner.script = script;
	script->nstatements = 0;
	script->split = false;

	pgm_sqlscan_splitter(&splitter, script->data, script->len, script->line);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		bool		ok = true;

		switch (item.kind)
		{
			case PGM_SQL_STATEMENT:
				ok = follow_statement(&cleaner, &item);
				break;
			case PGM_SQL_COPY:
				ok = follow_copy(&cleaner, &item);
				break;
			case PGM_SQL_META:
				ok = follow_meta(&cleaner, &item);
				break;
			case PGM_SQL_EMPTY:
			case PGM_SQL_REST:
				break;
		}
		if (!ok)
			return false;
	}
	if (splitter.error)
		return pgm_format_fail(cx, script->file, splitter.error_line,
							   splitter.error, NULL, NULL);
	if (!finish_blocks(&cleaner))
		return false;
	finish_text(&cleaner);
	return true;
}

/*
 * The same, but its errors are none of the load: the one it has, or NULL.
 */
PgmFormatError *
pgm_format_try_clean(PgmFormatContext *cx, PgmFormatScript *script)
{
	PgmFormatResult *result = cx->result;
	PgmFormatError error = result->error;
	int			nmore_errors = result->nmore_errors;
	PgmFormatError *reason;

	if (clean(cx, script))
		return NULL;
	reason = palloc(sizeof(PgmFormatError));
	*reason = nmore_errors < result->nmore_errors ?
		result->more_errors[nmore_errors] : result->error;
	result->error = error;
	result->nmore_errors = nmore_errors;
	return reason;
}

/*
 * Make script->text of the script's data.  Of a way down that cannot be read
 * there is none: tools read it when they run it, so histories have such, and
 * the way up is worth having without.
 */
bool
pgm_format_clean(PgmFormatContext *cx, PgmFormatScript *script)
{
	PgmFormatError *reason;

	if (!script->way_down)
		return clean(cx, script);
	reason = pgm_format_try_clean(cx, script);
	if (reason != NULL)
		pgm_format_loss(cx, script->file, reason->line,
						psprintf("way down cannot be read and is left out: %s",
								 reason->message));
	return true;
}

/*
 * Store a cleaned script as one of the revision's texts, which takes over
 * what the script says of transactions.
 */
void
pgm_format_take(PgmFormatContext *cx, PgmFormatRevision *revision,
				PgmFormatScript *script, PgmFormatText *text)
{
	*text = script->text;
	if (script->split && revision->transactional != PGM_FLAG_OFF)
	{
		revision->transactional = PGM_FLAG_OFF;
		pgm_format_warn(cx, script->file, script->line,
						psprintf("file has several transactions and will run statement by statement"));
	}
	if (script->nstatements == 0 && text == &revision->upgrade)
		pgm_format_warn(cx, script->file, script->line,
						psprintf("revision has no statement"));
}

/*
 * The common case: a whole file is one text.
 */
bool
pgm_format_whole(PgmFormatContext *cx, int file, PgmFormatRevision *revision,
				 PgmFormatText *text)
{
	PgmFormatScript script;

	if (!pgm_format_data(cx, file))
		return false;
	memset(&script, 0, sizeof(script));
	script.file = cx->files[file].name;
	script.data = cx->files[file].data;
	script.len = cx->files[file].len;
	script.line = 1;
	script.way_down = text == &revision->downgrade;
	if (text == &revision->upgrade &&
		cx->result->format != PGM_FORMAT_STRUCTURE &&
		!pgm_format_check_way_up(cx, &script))
		return false;
	if (!pgm_format_clean(cx, &script))
		return false;
	pgm_format_take(cx, revision, &script, text);
	return true;
}
