
# Copyright (c) 2026, pgmigrate developers

# What assess() tells of other sessions and of what they run: locks on the
# relation now, and statements of pg_stat_statements that mention it.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my ($sharedir) = run_command([ 'pg_config', '--sharedir' ]);
plan skip_all => 'pg_stat_statements of contrib is not installed'
  unless -e "$sharedir/extension/pg_stat_statements.control";

my $node = new_node('blast', 'autovacuum = off');

# A value in the details of the row for t.
sub details
{
	my ($sql, $path) = @_;

	return "SELECT coalesce((details #>> '{$path}')::text, '-') FROM pgmigrate.lint('$sql') WHERE rule = 'lock' AND relation = 'public.t'";
}

# The statements that mention t, with their calls.
sub statements
{
	my ($sql, $role) = @_;

	return query($node,
		($role ? "SET ROLE $role;" : '') . "SELECT string_agg(s ->> 'query' || ' ' || (s ->> 'calls'), '; ' ORDER BY s ->> 'query' COLLATE \"C\") FROM pgmigrate.lint('$sql') l, jsonb_array_elements(l.details -> 'statements_that_mention_it') s WHERE l.rule = 'lock' AND l.relation = 'public.t'"
	);
}

query($node, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, n int);
CREATE TABLE u (id int PRIMARY KEY, t int);
CREATE ROLE regress_reader;
GRANT SELECT ON t TO regress_reader;
GRANT USAGE ON SCHEMA pgmigrate TO regress_reader;
GRANT EXECUTE ON FUNCTION pgmigrate.lint(text, boolean) TO regress_reader;
SQL

my $alter = 'ALTER TABLE t ADD x int';

# --- who is on the relation

my $holder = session($node);
my $waiter = session($node);
$holder->query('BEGIN; SELECT count(*) FROM t');
is(query($node, details($alter, 'holders,0,pid')),
	$holder->pid, 'a session that reads it is a holder');
is(query($node, details($alter, 'holders,0,mode')),
	'AccessShareLock', 'with its mode');
is(query($node, details($alter, 'holders,0,state')),
	'idle in transaction', 'and its state');
like(query($node, details($alter, 'holders,0,transaction_age_ms')),
	qr/^\d+$/, 'and the age of its transaction');
$waiter->send('BEGIN; LOCK TABLE t');
ok( poll($node,
		"SELECT count(*) = 1 FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"
	),
	'another one waits');
is(query($node, details($alter, 'waiters,0,pid')),
	$waiter->pid, 'a session that waits for it is told too');
is(query($node, 'SET ROLE regress_reader;' . details('COPY t TO STDOUT', 'holders,0,state')),
	'-', 'but not what others do, without pg_read_all_stats');
$holder->query('ROLLBACK');
$waiter->result;
$holder->quit;
$waiter->quit;

# --- without the extension

is(query($node, details($alter, 'statements_that_mention_it')),
	'-', 'no statements without pg_stat_statements');
is(query($node, details($alter, 'statements_not_known')),
	'-', 'and no word of it');

# --- installed, but not preloaded

query($node, 'CREATE SCHEMA "Odd schema"; CREATE EXTENSION pg_stat_statements SCHEMA "Odd schema"');
like(query($node, details($alter, 'statements_not_known')),
	qr/must be loaded via/, 'not preloaded: the reason is told');
is(query($node, "SELECT count(*) FROM pgmigrate.lint('$alter') WHERE rule = 'lock'"),
	1, 'and everything else');

# --- at work

$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'pg_stat_statements'");
$node->restart;
query($node, 'SELECT "Odd schema".pg_stat_statements_reset()');
query($node, 'SELECT n FROM t WHERE id = 1');
query($node, 'SELECT n FROM public.T');
query($node, 'SELECT * FROM "t"');
query($node, 'SELECT t FROM u') foreach 1 .. 2;
query($node, 'SELECT id FROM u');
query($node, q{SELECT 't', /* t */ 1 FROM u});
query($node, 'CREATE SCHEMA s; CREATE TABLE s.t (id int)');
query($node, 'SELECT id FROM s.t');
is(statements($alter),
	'SELECT * FROM "t" 1; SELECT n FROM public.T 1; SELECT n FROM t WHERE id = $1 1; SELECT t FROM u 2',
	'statements that mention t, a column of that name too');
is( query($node,
		details($alter, 'prepared_statements_that_fail_once,candidates')
		  . q{ AND details #>> '{prepared_statements_that_fail_once,candidates,0,query}' = 'SELECT * FROM "t"' AND jsonb_array_length(details #> '{prepared_statements_that_fail_once,candidates}') = 1}
	) ne '',
	1,
	'of these one returns all columns');

# the text of others is theirs
sub trouble_of_reader
{
	return query($node,
		'SET ROLE regress_reader;'
		  . details('COPY t TO STDOUT', 'statements_not_known'));
}

query($node, 'SET ROLE regress_reader; SELECT n FROM t');
like(trouble_of_reader(), qr/permission denied/,
	'a role without rights on the view is told so');
query($node, 'GRANT USAGE ON SCHEMA "Odd schema" TO regress_reader');
is(statements('COPY t TO STDOUT', 'regress_reader'),
	'SELECT n FROM t 1', 'one without pg_read_all_stats sees its own');
like(trouble_of_reader(), qr/pg_read_all_stats/,
	'and is told that there are others');

# many texts, and long ones
query($node, join(';', map { "SELECT $_ AS c$_, n FROM t" } 1 .. 300));
$node->safe_psql('postgres',
	'SELECT n FROM t WHERE id IN (' . join(',', 1 .. 5000) . ')');
is( query($node,
		"SELECT jsonb_array_length(details -> 'statements_that_mention_it') FROM pgmigrate.lint('$alter') WHERE rule = 'lock' AND relation = 'public.t'"
	),
	5,
	'five at most are told');

# nothing is planted in a schema before the extension's
query($node, <<'SQL');
CREATE FUNCTION public.left(text, int) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'planted'; END$$;
SQL
is(query($node, "SET search_path = public, pg_catalog; SELECT count(*) FROM pgmigrate.lint('$alter') WHERE details ? 'statements_that_mention_it'"),
	1, 'search_path is pinned');

# --- what a revision runs is there, and in the log, by its own text; a comment
# before it is left out since 19

query($node, q{SELECT pgmigrate.revision('own', $$SELECT 'größe' AS own_text;
/* ß */ UPDATE t SET n = 4711 WHERE id = -1; CREATE TABLE own_text (ä int)$$, id => 'own')});
query($node, 'SELECT "Odd schema".pg_stat_statements_reset()');
my $offset = -s $node->logfile;
query($node, q{SET log_statement = 'all'; SELECT pgmigrate.upgrade()});
is( query($node,
		q{SELECT string_agg(regexp_replace(query, '^/[*].*[*]/ ', ''), '; ' ORDER BY query ~ 'UPDATE' DESC, query COLLATE "C") FROM "Odd schema".pg_stat_statements WHERE query ~ 'own_text|UPDATE t SET' AND query !~ 'pgmigrate'}
	),
	'UPDATE t SET n = $1 WHERE id = $2; CREATE TABLE own_text (ä int); SELECT $1 AS own_text',
	'each statement has its own text in pg_stat_statements');
my @logged = slurp_file($node->logfile, $offset) =~ /pgmigrate worker .*LOG:  (?:00000: )?statement: (.*)/g;
is(join('; ', grep { /own_text|UPDATE t/ } @logged),
	q{SELECT 'größe' AS own_text; UPDATE t SET n = 4711 WHERE id = -1; CREATE TABLE own_text (ä int)},
	'and in the log');

log_is_clean($node);
$node->stop;
done_testing();
