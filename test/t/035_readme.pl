
# Copyright (c) 2026, pgmigrate developers

# README.md is true: what its sections from "Quick start" to "Rollback" show is
# one session, run here from top to bottom, and its tables are complete.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $readme = slurp_file(abs_path(dirname(__FILE__) . '/../../README.md'));
my $node = new_node('readme');

# Times are not the same twice, and neither is the width of their columns; how
# psql counts the rows is left out.
sub normal
{
	my ($text) = @_;

	$text =~ s/^psql:\S*?:\d+: //mg;
	$text =~ s/\d\d:\d\d:\d\d(?:\.\d+)?/TIME/g;
	$text =~ s/\d{4}-\d\d-\d\d TIME(?:[+-]\d\d)?/TIMESTAMP/g;
	$text =~ s/^\(\d+ rows?\)$//mg;
	$text =~ s/-{3,}/--/g;
	$text =~ s/[ \t]+/ /g;
	$text =~ s/^ | $//mg;
	$text =~ s/\n{2,}/\n/g;
	$text =~ s/^\n|\n$//g;
	return $text;
}

# "..." on a line of its own stands for any lines, and is at its ends too where
# the output is cut.
sub shows
{
	my ($got, $expected) = @_;
	my $pattern = join '(?:.*\n)*?', map { quotemeta } split /^\.\.\.\n?/m, "$expected\n";

	$pattern .= '(?:.*\n)*?' if $expected =~ /^\.\.\.\z/m;
	return "$got\n" =~ /^(?:$pattern)\z/;
}

my ($session) = $readme =~ /^(## Quick start\n.*?)^## For those/ms or die 'no sessions in README.md';
my $blocks = join "\n", $session =~ /((?:^ {4}.*\n|^\n(?= {4}))+)/mg;
$blocks =~ s/^ {4}//mg;

# A statement begins a line with SELECT and ends with ";" at the end of one;
# what follows is what it prints.
my $n = 0;
while ($blocks =~ /^(SELECT .*?;)\n(.*?)(?=^SELECT |\z)/msg)
{
	my ($statement, $expected) = ($1, normal($2));
	my ($out, $err) = ('', '');

	# graph() and script() are shown without what psql puts around lines
	my @bare = $statement =~ /\.(?:graph|script)\(/ ? ('-t') : ();
	$node->psql('postgres', $statement,
		stdout => \$out, stderr => \$err, on_error_stop => 0,
		extra_params => [ '-P', 'format=aligned', '-P', 'tuples_only=' . (@bare ? 'on' : 'off'),
			'-P', 'pager=off', '-v', 'VERBOSITY=default' ]);
	$n++;
	if ($expected eq '')
	{
		unlike($err, qr/ERROR/, "statement $n works") or diag($statement);
		next;
	}
	my $got = normal(join "\n", grep { $_ ne '' } $err, $out);
	ok(shows($got, $expected), "statement $n prints what is shown")
	  or diag("$statement\n-- prints\n$got\n-- but README.md has\n$expected");
}
cmp_ok($n, '>=', 12, 'there are statements');

# Every function and setting is named, and all that is named exists.
my ($functions) = $readme =~ /^## Functions\n(.*?)^## /ms;
my ($settings) = $readme =~ /^## Settings\n(.*?)^## /ms;
my @help = split /\n/, query($node, 'SELECT name FROM pgmigrate.help ORDER BY 1');
my %named = map { $_ => 1 } map { /(\w+)/g } $functions =~ /`([^`]*)`/g;
is(join(' ', grep { !$named{$_} } @help), '', 'every function and view is in a table');
my @guc = split /\n/, query($node, "LOAD 'pgmigrate'; SELECT substr(name, 11) FROM pg_settings WHERE name LIKE 'pgmigrate.%' ORDER BY 1");
is(join(' ', grep { $settings !~ /`(?:pgmigrate\.)?$_`/ } @guc), '', 'every setting is in a table');
my %guc = map { $_ => 1 } @guc;
is(join(' ', grep { !$guc{$_} } map { /`(?:pgmigrate\.)?(\w+)`/g } $settings =~ /^\| (`[^|]*)\|/mg), '',
	'every setting in the table exists');

log_is_clean($node);
done_testing();
