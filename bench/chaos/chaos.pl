#!/usr/bin/perl

# Copyright (c) 2026, pgmigrate developers

# Interrupt runs on a server that is there for the test only; see README.md.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../../test/perl";

use Chaos;
use Getopt::Long;
use POSIX qw(strftime);

my %option = (events => 1000, seed => 1, cycles => 3);

GetOptions(\%option, 'data=s', 'bindir=s', 'socket=s', 'port=i', 'events=i',
	'seed=i', 'cycles=i', 'seconds=i')
  or die "usage: chaos.pl --data DIR --bindir DIR --socket DIR --port N [--events N] [--seed N] [--cycles N] [--seconds N]\n";
$| = 1;

my $chaos = Chaos->new(
	%option,
	events => 0,
	log => sub { print strftime('%H:%M:%S', gmtime), " @_\n" });
my $faults = $chaos->run($option{events}, $option{seconds});

print "\n| event | what the run said |\n|---|---|\n";
foreach my $kind (sort keys %{ $chaos->{outcome} })
{
	my $said = $chaos->{outcome}{$kind};

	print "| $kind | ",
	  join(', ', map { "$said->{$_} $_" } sort keys %$said), " |\n";
}
print "\n";
print "$_: $chaos->{count}{$_}\n" foreach sort keys %{ $chaos->{count} };
my $blind = 0;
foreach my $plant ($chaos->planted)
{
	print "planted: $plant->[0]: $plant->[1] found\n";
	$blind++ if $plant->[1] == 0;
}
print "$chaos->{events} events, $faults faults, $blind planted faults not seen\n";
exit($faults || $blind ? 1 : 0);
