#!/usr/bin/perl
#
# cfacts.pl
#	  Print facts about C files, for the gates of check.sh.
#
# cfacts.pl DIRECTORY FILE ...
#
# One fact a line, its fields separated by tabs:
#	function  FILE LINE NAME LINES static|extern
#	ereport   FILE LINE LEVEL errcode|none
#	message   FILE LINE KIND TEXT		(KIND: errmsg, errdetail, ...)
# A copy of each file, without its first folder, without comments and without the contents of strings
# is written to DIRECTORY, line for line, so that a grep for a name finds code.

use strict;
use warnings;

use File::Path qw(make_path);

my ($directory, @files) = @ARGV;

# Blank out what a pattern matched, but keep its line breaks.
sub blank
{
	my ($text) = @_;
	$text =~ s/[^\n]/ /g;
	return $text;
}

# The text from the parenthesis at an offset to the one that closes it.
sub balanced
{
	my ($code, $from) = @_;
	my $depth = 0;

	for (my $at = $from; $at < length $code; $at++)
	{
		my $char = substr $code, $at, 1;
		$depth++ if $char eq '(';
		return $at - $from + 1 if $char eq ')' && --$depth == 0;
	}
	return length($code) - $from;
}

sub line_of
{
	my ($text, $offset) = @_;
	return 1 + (substr($text, 0, $offset) =~ tr/\n//);
}

for my $file (@files)
{
	open my $in, '<', $file or die "could not open $file: $!\n";
	my $text = do { local $/; <$in> };
	close $in;

	my $string = qr/"(?:[^"\\\n]|\\.)*"/s;
	my $char = qr/'(?:[^'\\\n]|\\.)+'/s;

	(my $source = $text) =~
	  s{($string|$char)|(/\*.*?\*/|//[^\n]*)}{ $1 // blank($2) }gse;
	(my $code = $source) =~
	  s{($string)|($char)}{ defined $1 ? '"' . blank(substr $1, 1, -1) . '"' : blank($2) }gse;

	(my $under = $file) =~ s{^(?:\./)?[^/]*/}{};
	make_path("$directory/" . ($under =~ s{[^/]*$}{}r));
	open my $out, '>', "$directory/$under" or die "could not write: $!\n";
	print $out $code;
	close $out;

	# functions: a body is what stands between braces in the first column
	my @lines = split /\n/, $code, -1;
	for my $n (1 .. $#lines)
	{
		next unless $lines[$n] =~ /^\{/ && $lines[ $n - 1 ] =~ /\)\s*$/;
		my ($name, $storage) = ('?', 'extern');
		for (my $up = $n - 1; $up >= 0 && $n - $up < 20; $up--)
		{
			next unless $lines[$up] =~ /^(?:(.*?)\b)?(\w+)\s*\(/;
			next if $lines[$up] =~ /^\s/;
			$name = $2;
			$storage = 'static'
			  if $lines[$up] =~ /^static\b/
			  || ($up > 0 && $lines[ $up - 1 ] =~ /^static\b/);
			last;
		}
		my $end = $n;
		$end++ while $end < $#lines && $lines[$end] !~ /^\}/;
		print join("\t",
			'function', $file, $n + 1, $name, $end - $n + 1, $storage), "\n";
	}

	while ($code =~ /\b(?:ereport|ereport_domain|errsave|ereturn)\s*(?=\()/g)
	{
		my $from = pos $code;
		my $call = substr $code, $from, balanced($code, $from);
		my ($level) = $call =~ /^\(\s*(\w+)/;
		print join("\t",
			'ereport', $file, line_of($code, $from), $level // '?',
			$call =~ /\berrcode\w*\s*\(/ ? 'errcode' : 'none'), "\n";
	}

	while ($source =~ /\b(err(?:msg|detail|hint|context)\w*)\s*\(\s*((?:$string|\s|PRI\w+|INT64_FORMAT|UINT64_FORMAT)+)/g)
	{
		my ($kind, $literal, $at) = ($1, $2, $-[0]);
		my $message = join '', $literal =~ /"((?:[^"\\]|\\.)*)"/g;
		print join("\t", 'message', $file, line_of($source, $at), $kind,
			$message), "\n";
	}
}
