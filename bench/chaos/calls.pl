#!/usr/bin/perl

# Copyright (c) 2026, pgmigrate developers

# Interrupt calls that are no runs on a server that is there for the test only;
# see README.md.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../../test/perl";

use Calls;
use Getopt::Long;
use POSIX qw(strftime);

my %option = (hits => 10, seed => 1, only => '');

GetOptions(\%option, 'data=s', 'bindir=s', 'socket=s', 'port=i', 'hits=i',
	'seed=i', 'seconds=i', 'only=s')
  or die "usage: calls.pl --data DIR --bindir DIR --socket DIR --port N [--hits N] [--seed N] [--seconds N] [--only NAME,...]\n";
$| = 1;

my $chaos = Calls->new(%option,
	log => sub { print strftime('%H:%M:%S', gmtime), " @_\n" });
my $faults = $chaos->run($option{hits}, $option{seconds}, split /,/, $option{only});

print "\n| call | hits | ms |\n|---|---|---|\n";
foreach my $name (sort keys %{ $chaos->{hits} })
{
	my $ways = $chaos->{hits}{$name};

	print "| $name | ", join(', ', map { "$_ $ways->{$_}" } sort keys %$ways),
	  ' | ', int($chaos->{took}{$name} * 1000), " |\n";
}
print "\n$_: $chaos->{count}{$_}\n" foreach sort keys %{ $chaos->{count} };
my $blind = 0;
foreach my $plant ($chaos->planted)
{
	print "planted: $plant->[0]: $plant->[1] found\n";
	$blind++ if $plant->[1] == 0;
}
print "$chaos->{events} hits, $faults faults, $blind planted faults not seen\n";
exit($faults || $blind ? 1 : 0);
