
# Copyright (c) 2026, pgmigrate developers

# Alembic itself, from the package index: a project with branches, a merge, a
# dependency, and a revision that cannot be rendered is taken over while both
# tools are in use.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tool = abs_path(dirname(__FILE__) . '/../../tools/pgmigrate-alembic');
my $root = PostgreSQL::Test::Utils::tempdir();

my $python = python_with_alembic($root);
plan skip_all => 'needs python3 with venv, and a package index with Alembic' if !$python;
my $bin = dirname($python);

my $node = new_node('alembic', 'max_connections = 20');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
delete $ENV{PGDATABASE};
my $user = query($node, 'SELECT current_user');

sub file
{
	my ($name, $contents) = @_;
	open my $fh, '>', "$root/$name" or die "$name: $!";
	print $fh $contents;
	close $fh;
	return;
}

# A script of the project: id, parents, and what else it says, in Python.
sub script
{
	my ($id, $down, $up_code, $down_code, $more) = @_;

	file("project/migrations/versions/${id}_x.py", <<PYTHON);
"""message of $id

Revises: what it says below
"""
import functools
import sqlalchemy as sa
from alembic import op

revision = '$id'
down_revision = $down
@{[ $more // '' ]}

def decorated(function):
    \@functools.wraps(function)
    def wrapper():
        function()
    return wrapper


\@decorated
def upgrade():
    $up_code


def downgrade():
    $down_code
PYTHON
	return;
}

sub table
{
	my ($name) = @_;
	return ("op.create_table('$name', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(30), server_default=\"it's\"))",
		"op.drop_table('$name')");
}

# Alembic's own command, on a database.
sub alembic
{
	my ($database, @arguments) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PROJECT_DATABASE} = $database;

	IPC::Run::run([ $python, '-m', 'alembic', @arguments ],
		'<', \undef, '>', \$out, '2>', \$err,
		init => sub { chdir "$root/project" or die });
	die "alembic @arguments: $err" if $?;
	return join ' ', sort map { s/ \(.*//r } split /\n/, $out;
}

sub run_tool
{
	my ($database, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ $tool, '--python', $python, @options, "$root/project", $database ],
		'<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

sub database
{
	my ($name) = @_;

	query($node, "CREATE DATABASE $name");
	query($node, 'CREATE EXTENSION pgmigrate', $name);
	query($node, "ALTER DATABASE $name SET client_min_messages = warning");
	return;
}

# The schema but for the ledger, and the rows of x.
sub schema
{
	my ($database) = @_;
	my ($out, $err) = run_command(
		[ 'pg_dump', '-s', '-n', 'public', '-T', 'alembic_version', '-d', $database ]);

	return join "\n", grep { !/^\\|^--/ } split /\n/, $out;
}

mkdir "$root/project";
alembic('postgres', 'init', 'migrations');
file('project/project_url.py', <<PYTHON);
import os


def url():
    return ("postgresql+psycopg://$user\@/%s?host=%s&port=%s"
            % (os.environ.get("PROJECT_DATABASE", "postgres"),
               os.environ["PGHOST"], os.environ["PGPORT"]))
PYTHON
my $env = slurp_file("$root/project/migrations/env.py");
$env =~ s/^config = context.config$/config = context.config\nfrom project_url import url\nconfig.set_main_option("sqlalchemy.url", url())/m or die;
$env =~ s/target_metadata=target_metadata(?=\n|,)/target_metadata=target_metadata, transaction_per_migration=True/g;
file('project/migrations/env.py', $env);
my $ini = slurp_file("$root/project/alembic.ini");
$ini =~ s/^prepend_sys_path.*$/prepend_sys_path = ./m;
file('project/alembic.ini', $ini);

script('a1', 'None', table('a'));
script('a2', "'a1'", "op.get_bind().execute(sa.text('select 1')).fetchall(); op.add_column('a', sa.Column('extra', sa.Text))", "op.drop_column('a', 'extra')");
script('y1', "'a2'", table('y'), "branch_labels = ('ybranch',)");
script('x1', "'a2'", table('x'));
script('x2', "'x1'", "op.execute('INSERT INTO x SELECT id FROM y')", 'pass', "depends_on = 'ybranch'");
script('m1', "('x2', 'y1')", 'pass', 'pass');
script('s1', "'m1'", "
    with op.get_context().autocommit_block():
        op.execute('CREATE INDEX CONCURRENTLY ix ON x (id)')", "
    with op.get_context().autocommit_block():
        op.execute('DROP INDEX CONCURRENTLY ix')");

# what Alembic makes of it by itself
query($node, 'CREATE DATABASE alone');
alembic('alone', 'upgrade', 'head');

# taken over in the middle
database('live');
alembic('live', 'upgrade', 'x1');
my ($rc, $out, $err) = run_tool('live', '--check');
is($rc, 0, 'a check') or diag($err);
is(query($node, 'SELECT count(*) FROM pgmigrate.revision', 'live'), '0', 'stores nothing');
($rc, $out, $err) = run_tool('live', '--mirror', '--keep', "$root/kept");
is($rc, 0, 'taken over') or diag($err);
is($out, "added a1 a1.sql\nadded a2 a2.sql\nadded x1 x1.sql\nadded y1 y1.sql\nadded x2 x2.sql\nadded m1 m1.sql\nadded s1 s1.sql\nhead s1\nknown x1\n",
	'all are added, and the ledger is known');
like($err, qr/"a2" is applied, and is loaded without its SQL/, 'what cannot be rendered is told');
is(query($node, "SELECT string_agg(concat_ws(' ', id, down_revision, depends_on, branch_labels, transactional), E'\\n' ORDER BY id) FROM pgmigrate.revision", 'live'),
	"a1 {} {} {}\na2 {a1} {} {}\nm1 {x2,y1} {} {}\ns1 {m1} {} {} f\nx1 {a2} {} {}\nx2 {x1} {y1} {}\ny1 {a2} {} {ybranch}",
	'the graph is that of the scripts');
is(query($node, "SELECT count(*) FROM pgmigrate.revision WHERE message <> 'message of ' || id", 'live'),
	'0', 'with its messages');
is(query($node, "SELECT string_agg(id, ' ' ORDER BY id) FROM pgmigrate.revision r JOIN pgmigrate.applied a ON a.revision = r.id", 'live'),
	'a1 a2 x1', 'what is applied is');
($rc, $out, $err) = run_tool('live', '--upgrade');
is($rc, 0, 'upgraded') or diag($err);
is(alembic('live', 'current'), 's1', 'Alembic agrees');
is(schema('live'), schema('alone'), 'the schema is what Alembic makes');

# one new revision: only that is rendered
script('s2', "'s1'", "op.execute(\"-- migrate:down\\nCOMMENT ON TABLE a IS 'a:b'\")", "op.execute('COMMENT ON TABLE a IS NULL')");
($rc, $out, $err) = run_tool('live', '--upgrade');
is($rc, 0, 'a new revision') or diag($err);
is($out, "added s2 s2.sql\nhead s2\ndone s2 message of s2\n", 'by itself');
is($err, '', 'nothing is said of the others');
is(alembic('live', 'current'), 's2', 'Alembic agrees');
($rc, $out) = run_tool('live');
is($out, "# there are no new revisions\n", 'and none the next time');

# the way back, which Alembic goes on from
query($node, "SELECT count(*) FROM pgmigrate.downgrade('x1')", 'live');
is(alembic('live', 'current'), 'x1 y1', 'taken back');
alembic('live', 'upgrade', 'head');
alembic('alone', 'upgrade', 'head');
is(schema('live'), schema('alone'), 'Alembic goes on');

# an empty database cannot have what cannot be rendered
database('fresh');
($rc, $out, $err) = run_tool('fresh');
is($rc, 1, 'not applied and not rendered');
like($err, qr/"a2" cannot be rendered: .*nothing was loaded/s, 'is refused by name');
script('a2', "'a1'", "op.add_column('a', sa.Column('extra', sa.Text))", "op.drop_column('a', 'extra')");
($rc, $out, $err) = run_tool('fresh', '--upgrade');
is($rc, 0, 'a fresh database') or diag($err);
is(schema('fresh'), schema('alone'), 'is the same');
query($node, "SELECT count(*) FROM pgmigrate.downgrade('base')", 'fresh');
is(query($node, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", 'fresh'),
	'0', 'and empty again');

# a project that is broken, and a ledger of another
script('z1', "'nowhere'", 'pass', 'pass');
($rc, $out, $err) = run_tool('fresh');
is($rc, 1, 'a parent that is missing');
like($err, qr/^pgmigrate-alembic: the project cannot be read: .*nowhere/m, 'is told');
unlike($err, qr/Traceback/, 'in a line');
unlink "$root/project/migrations/versions/z1_x.py";
query($node, "UPDATE alembic_version SET version_num = 'other'", 'live');
($rc, $out, $err) = run_tool('live');
is($rc, 1, 'a ledger of another project');
like($err, qr/the ledger has "other", which the project does not/, 'is told');

log_is_clean($node);
done_testing();
