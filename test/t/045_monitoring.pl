
# Copyright (c) 2026, pgmigrate developers

# The metrics as monitoring systems get them: the files of doc/monitoring with
# the exporters of PostgreSQL and SQL and with Prometheus, where those are
# installed; who may read them; and when they were read last.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('monitoring');
my $folder = abs_path(dirname(__FILE__) . '/../../doc/monitoring');
my $http = HTTP::Tiny->new(timeout => 10);
my @servers;

# Environment of a connection would be taken by what is started here.
delete local @ENV{qw(http_proxy HTTP_PROXY all_proxy ALL_PROXY)};

sub installed
{
	my ($program) = @_;

	return grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# A file of ours, with changes, in the temporary folder.
my $temp = PostgreSQL::Test::Utils::tempdir();

sub adapt
{
	my ($name, %changes) = @_;
	my $text = slurp_file("$folder/$name");

	while (my ($from, $to) = each %changes)
	{
		$text =~ s/\Q$from\E/$to/g or die "$name has no $from";
	}
	append_to_file("$temp/$name", $text);
	return "$temp/$name";
}

# A program that listens on a free port of this machine.
sub start_server
{
	my ($command, %environment) = @_;
	my $log = "$temp/" . (split m{/}, $command->[0])[-1] . '.log';
	local @ENV{ keys %environment } = values %environment;

	push @servers, IPC::Run::start($command, '<', \undef, '>', $log, '2>&1');
	return;
}

sub page
{
	my ($port, $path) = @_;
	my $answer = $http->get("http://127.0.0.1:$port$path");

	return $answer->{success} ? $answer->{content} : '';
}

query($node, <<'SQL');
CREATE ROLE monitor LOGIN;
GRANT pg_monitor TO monitor;
CREATE ROLE nobody LOGIN;
SQL
revision($node, 'm1', 'CREATE TABLE m (id int)');
query($node, 'SELECT * FROM pgmigrate.upgrade()');

# Who watches the server may read them, and nothing else of ours.
my $monitor = $node->connstr('postgres') . " user=monitor";
my $text = $node->safe_psql('postgres', 'SELECT pgmigrate.metrics_text()', connstr => $monitor);
like($text, qr/^pgmigrate_revisions\{database="postgres",state="applied"\} 1$/m, 'pg_monitor reads the metrics');
my ($rc, $out, $error) = $node->psql('postgres', 'SELECT * FROM pgmigrate.run', connstr => $monitor);
like($error, qr/permission denied for table run/, 'and no table');
($rc, $out, $error) =
  $node->psql('postgres', 'SELECT pgmigrate.metrics_text()', connstr => $node->connstr('postgres') . ' user=nobody');
like($error, qr/permission denied for schema pgmigrate/, 'others do not');

# When they were read last: asking is not reading.
my $session = session($node);
is(query($node, 'SELECT pgmigrate.metrics_read() IS NULL'),
	query($node, "SELECT current_setting('server_version_num')::int < 160000"),
	'before 16 nobody is known to have read them');
query($node, 'CREATE ROLE stranger LOGIN');
my $stranger = session($node, user => 'stranger');
my $before = query($node, 'SELECT clock_timestamp()');
$stranger->query(q{SELECT 'pgmigrate.metrics'});
is(query($node, "SELECT coalesce(pgmigrate.metrics_read() >= '$before', false)"),
	'f', 'who may not read them has not read them');
$stranger->quit;
$session->query('SELECT count(*) FROM pgmigrate.metrics');
wait_until('the time they were read is known',
	sub { query($node, "SELECT pgmigrate.metrics_read() BETWEEN '$before' AND clock_timestamp()") eq 't' });
pass('the time they were read is known');

# A run that waits: one line says so, the figures too, and at its end the row of
# the step does in a sentence.
my ($holder, $runner, $behind) = map { session($node) } 1 .. 3;
query($node, 'CREATE TABLE busy (id int)');
revision($node, 'm1a', 'ALTER TABLE busy ADD a int');
$holder->query('BEGIN; SELECT * FROM busy');
$runner->send('SELECT details FROM pgmigrate.upgrade()');

# between two tries it waits for nothing
poll($node,
	q{SELECT line ~ '^\[\.{10}\] 0 % of upgrade, m1a, waiting for public\.busy behind process \d+$' FROM pgmigrate.progress}
);
pass('one line says what, how far, and what it waits for');
poll($node, "SELECT value = 1 FROM pgmigrate.metrics WHERE name = 'pgmigrate_run_waiting'");
is( query($node,
		"SELECT string_agg(name || '=' || value, ' ' ORDER BY name COLLATE \"C\") FROM pgmigrate.metrics WHERE name ~ '^pgmigrate_run_(in_progress|steps?|waiting)\$'"
	),
	'pgmigrate_run_in_progress=1 pgmigrate_run_step=1 pgmigrate_run_steps=1 pgmigrate_run_waiting=1',
	'so do the metrics');
like($node->safe_psql('postgres', 'SELECT pgmigrate.metrics_text()', connstr => $monitor),
	qr/^pgmigrate_run_waiting\{database="postgres"\} 1$/m,
	'and to a member of pg_monitor');
like(query($node, 'SELECT string_agg(line, chr(10)) FROM pgmigrate.report(2) AS r (line)'),
	qr/^State: running\.\n\[\.{10}\] 0 % of upgrade, m1a/m, 'and the report');
poll($node, "SELECT max(waited) >= interval '100 ms' FROM (SELECT clock_timestamp() - started AS waited FROM pgmigrate.run WHERE id = 2) AS w");
$holder->query('COMMIT');
like($runner->result, qr/^\{"waited": "\d+\.\d s for AccessExclusiveLock on public\.busy(?:, behind process \d+[^"]*)?"\}$/,
	'the row of the step says in a sentence how long it waited, and for what');
like(query($node, 'SELECT string_agg(line, chr(10)) FROM pgmigrate.report(2) AS r (line)'),
	qr/^1 m1a +\|[.w#]*w[.w#]*\| .*, waited /m, 'and a bar of the report');

# The bar moves within a statement: an index that is built, and waits for the end
# of an older snapshot; a backfill, which is paused.
query($node, 'CREATE TABLE built (id int)');
revision($node, 'm1b', 'CREATE INDEX CONCURRENTLY ON built (id)', transactional => 'false');
$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM busy');
$runner->send('SELECT state FROM pgmigrate.upgrade()');
poll($node, "SELECT share = 0.99 AND phase = 'waiting for old snapshots' FROM pgmigrate.progress");
like(query($node, 'SELECT bar, line FROM pgmigrate.progress'),
	qr/^\[#{20}\]\|\[#{10}\] 99 % of upgrade, m1b, waiting for virtual transaction /, 'the bar of an index');
$holder->query('COMMIT');
is($runner->result, 'done', 'which is built');

query($node, <<'SQL');
CREATE TABLE filled (id int, a int) WITH (fillfactor = 10);
INSERT INTO filled SELECT g FROM generate_series(1, 40000) AS g;
SQL
my $run = query($node, "SELECT pgmigrate.backfill_start('filled', 'a = id', chunk_time => '1 ms', pause => '100 ms')");
poll($node, 'SELECT share BETWEEN 0.005 AND 0.99 AND blocks_done BETWEEN 1 AND blocks_total - 1 FROM pgmigrate.progress');
like(query($node, 'SELECT line FROM pgmigrate.progress'),
	qr/^\[#*\.+\] [1-9]\d? % of backfill\b/, 'the bar of a backfill');
query($node, "SELECT pgmigrate.pause($run)");
poll($node, "SELECT waiting_for = 'resume' FROM pgmigrate.operations");
like(query($node, 'SELECT line FROM pgmigrate.progress'), qr/^\[#*\.+\] [1-9]\d? % of backfill, paused/, 'which is paused');
like(query($node, "SELECT string_agg(line, chr(10)) FROM pgmigrate.report($run) AS r (line)"),
	qr/^State: paused\..*^1 public\.filled.* \|#+\.+\| copying, \d+ of \d+ blocks$/ms, 'its report');
query($node, "SELECT pgmigrate.tune($run, 'pause', '0')");
query($node, "SELECT pgmigrate.resume($run)");
is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'and ends');

# A name that must be escaped.
query($node, qq(CREATE DATABASE "a ""b"" \\c"));
query($node, 'CREATE EXTENSION pgmigrate', 'a "b" \c');
like(query($node, 'SELECT pgmigrate.metrics_text()', 'a "b" \c'),
	qr/^pgmigrate_heads\{database="a \\"b\\" \\\\c"\} 0$/m, 'labels are escaped');

SKIP:
{
	skip 'promtool is not installed', 6 unless installed('promtool');
	foreach my $database ('postgres', 'a "b" \c')
	{
		my $metrics = query($node, 'SELECT pgmigrate.metrics_text()', $database) . "\n";
		my ($stdout, $stderr);
		my $ok = IPC::Run::run([ 'promtool', 'check', 'metrics' ], '<', \$metrics, '>', \$stdout, '2>', \$stderr);

		ok($ok, "promtool takes the metrics of $database") or diag("$stdout$stderr");
		is("$stdout$stderr", '', 'and has nothing to say about them');
	}
	command_ok([ 'promtool', 'check', 'config', "$folder/prometheus.yml" ], 'the configuration of Prometheus');
	command_ok([ 'promtool', 'test', 'rules', "$folder/alerts_test.yml" ], 'the alerts');
}

# The dashboard asks for metrics that there are.
my $dashboard = decode_json(slurp_file("$folder/grafana.json"));
my %known = map { $_ => 1 } split /\n/, query($node, 'SELECT DISTINCT name FROM pgmigrate.metrics');
$known{pgmigrate_last_failure_timestamp_seconds} = 1;    # of none so far
my @expressions = map { $_->{expr} } map { @{ $_->{targets} // [] } } @{ $dashboard->{panels} };
cmp_ok(scalar @expressions, '>', 10, 'the dashboard has queries');
is_deeply([ grep { !$known{$_} } map { /\b(pgmigrate_\w+)/g } @expressions ], [], 'of metrics that there are');
is_deeply([ grep { !$known{$_} } slurp_file("$folder/alerts.yml") =~ /^ *expr: .*?\b(pgmigrate_\w+)/mg ], [], 'so have the alerts');

my %environment = (
	DATA_SOURCE_NAME => 'user=monitor dbname=postgres sslmode=disable host=' . $node->host . ' port=' . $node->port);
my %ports = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(postgres sql prometheus);

SKIP:
{
	skip 'prometheus, prometheus-postgres-exporter or prometheus-sql-exporter is not installed', 5
	  if grep { !installed($_) } qw(prometheus prometheus-postgres-exporter prometheus-sql-exporter);

	start_server(
		[   'prometheus-postgres-exporter', '--disable-default-metrics', '--disable-settings-metrics',
			"--web.listen-address=127.0.0.1:$ports{postgres}", "--extend.query-path=$folder/postgres_exporter.yml"
		],
		%environment);
	wait_until('postgres_exporter has metrics',
	sub { page($ports{postgres}, '/metrics') =~ /^pgmigrate_metric\{/m });
	like(page($ports{postgres}, '/metrics'),
		qr/^pgmigrate_metric\{.*name="pgmigrate_revisions",.*state="applied".*\} 3$/m,
		'postgres_exporter');

	my $config = adapt(
		'sql_exporter.yml',
		'postgres://monitor@localhost:5432/postgres?sslmode=prefer' => 'postgres://monitor@/postgres?sslmode=disable&host='
		  . $node->host . '&port=' . $node->port,
		'interval: 15s' => 'interval: 1s');
	start_server([ 'prometheus-sql-exporter', '-config.file', $config, '-web.listen-address', "127.0.0.1:$ports{sql}" ],
		LOGLEVEL => 'WARN');
	wait_until('sql_exporter has metrics',
	sub { page($ports{sql}, '/metrics') =~ /^sql_pgmigrate\{/m });
	like(page($ports{sql}, '/metrics'),
		qr/^sql_pgmigrate\{.*name="pgmigrate_revisions",.*state="applied".*\} 3$/m,
		'sql_exporter');

	adapt('alerts.yml');
	$config = adapt(
		'prometheus.yml',
		'localhost:9187' => "127.0.0.1:$ports{postgres}",
		'localhost:9237' => "127.0.0.1:$ports{sql}",
		': 15s' => ': 1s');
	start_server([ 'prometheus', "--config.file=$config", "--web.listen-address=127.0.0.1:$ports{prometheus}",
		"--storage.tsdb.path=$temp/tsdb" ]);
	my $value = '/api/v1/query?query=pgmigrate_runs_total%7Bstate%3D%22failed%22%2Ccommand%3D%22upgrade%22%7D';
	wait_until('Prometheus has the metrics of both',
	sub {
			my $answer = page($ports{prometheus}, $value);

			return $answer =~ /"job":"postgres"/ && $answer =~ /"job":"sql"/;
		});
	my @series = @{ decode_json(page($ports{prometheus}, $value))->{data}{result} };
	is_deeply([ map { $_->{metric}{name} // 'gone' } @series ], [ 'gone', 'gone' ],
		'under their names, without the label they came by');
	is_deeply([ map { $_->{value}[1] } @series ], [ 0, 0 ], 'with their values');

	# a run that fails is an alert that fires
	revision($node, 'm2', 'CREATE TABLE m (id int)');
	notices($node, 'SELECT * FROM pgmigrate.upgrade()');
	wait_until('the alert of a failed run fires',
	sub { page($ports{prometheus}, '/api/v1/alerts') =~ /"alertname":"PgmigrateRunFailed".*?"state":"firing"/ });
	pass('the alert of a failed run fires');
}

foreach my $server (@servers)
{
	$server->kill_kill(grace => 5);
}
done_testing();
