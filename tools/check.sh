#!/bin/bash
# check.sh
#	  The rules of the source tree that a machine can check; "make gates".
#
# One line per rule, "ok" or "not ok" with what breaks it, and at the end
# "N passed, N failed".  The exit status says the same.
#
# Environment:
#	PG_CONFIG		for the rule that needs the server's headers
#	PRIVATE_WORDS	extended regular expression of words that are a developer's
#					own business and must not get into the tree

set -eu
# a gate at the end of a pipeline counts in this shell
shopt -s lastpipe
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8

PASSED=0
FAILED=0
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
mkdir "$SCRATCH/code"

# The rule $1 is broken by each line of standard input.
gate()
{
	local found

	found=$(cat)
	if [ -z "$found" ]; then
		PASSED=$((PASSED + 1))
		echo "ok - $1"
	else
		FAILED=$((FAILED + 1))
		echo "not ok - $1"
		printf '%s\n' "$found" | sed 's/^/    /'
	fi
}

# The text files of the tree that match the patterns given.
tree()
{
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		local pattern
		for pattern in "$@"; do
			find . -path ./.git -prune -o -type f -path "./$pattern" -print
		done | sed 's,^\./,,'
	fi | sort | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

mapfile -t SOURCES < <(find src -name '*.[ch]' | sort)
if [ ${#SOURCES[@]} -eq 0 ]; then
	echo "there is no src/*/*.c" | gate "there are sources"
	exit 1
fi
perl tools/cfacts.pl "$SCRATCH/code" "${SOURCES[@]}" >"$SCRATCH/facts"

# Occurrences of the word $1 in code, other than in the files of src given as
# a shell pattern.
only_in()
{
	(cd "$SCRATCH/code" && grep -rnwE "$1" -- *) | while IFS= read -r hit; do
		# shellcheck disable=SC2254
		case ${hit%%:*} in
			$2) ;;
			*) echo "src/$hit" ;;
		esac
	done
}

# ---- who may call what

only_in 'SPI_[a-zA-Z_]*' 'base/spi.[ch]' | gate "SPI only in src/base/spi.c"
only_in '(Start|Commit)TransactionCommand|AbortCurrentTransaction' base/transaction.c |
	gate "top-level transactions only in src/base/transaction.c"
only_in PG_VERSION_NUM 'compat/*.h' |
	gate "server versions are told apart only in src/compat"
only_in 'WaitLatch(OrSocket)?|WaitEventSetWait|(pg_)?usleep' base/clock.c |
	gate "waiting only in src/base/clock.c"
only_in PG_FUNCTION_INFO_V1 'api/*.c' |
	gate "SQL functions only in src/api"

# ---- the order of folders

# A file includes its own folder and folders above it, which src/README.md
# lists in their order; "internal.h" is for its own folder only.
mapfile -t FOLDERS < <(sed -n 's,^| `\([a-z]*\)/` |.*,\1,p' src/README.md)
awk -v folders="${FOLDERS[*]}" '
	BEGIN {
		for (i = split(folders, name, " "); i > 0; i--)
			place[name[i]] = i
	}
	FNR == 1 {
		split(FILENAME, part, "/")
		own = part[2]
		if (!(own in place))
			print FILENAME ": src/README.md does not list the folder"
	}
	/^#include "/ {
		split($2, part, /["\/]/)
		other = part[2]
		if ($2 !~ /\// && system("test -e src/" own "/" other) == 0)
			print FILENAME ":" FNR ": write \"" own "/" other "\""
		else if (!(other in place) || other == own)
			next
		else if (place[other] > place[own])
			print FILENAME ":" FNR ": includes " $2 " of a folder below"
		else if ($2 ~ /\/internal\.h/)
			print FILENAME ":" FNR ": includes " $2 ", which is internal"
	}
' "${SOURCES[@]}" | gate "includes follow the order of folders"

for folder in "${FOLDERS[@]}"; do
	[ -d "src/$folder" ] || echo "src/README.md: there is no src/$folder"
done | gate "every folder listed exists"

# ---- update scripts

find sql -name 'pgmigrate--*--*.sql' | while read -r file; do
	grep -v '^--' "$file" | grep -m 1 . |
		grep -qx 'SELECT pgmigrate.wait_for_run();' ||
		echo "$file: does not begin with SELECT pgmigrate.wait_for_run()"
done | gate "an update of the extension waits for a run"

# ---- errors

awk -F'\t' '$1 == "ereport" && $4 ~ /^(ERROR|FATAL|PANIC)$/ && $5 == "none" {
	print $2 ":" $3 ": no errcode"
}' "$SCRATCH/facts" | gate "every error has an errcode"

# A first word in capitals is SQL.
awk -F'\t' '$1 == "message" && $4 ~ /^errmsg/ {
	where = $2 ":" $3 ": "
	if ($5 ~ /^[A-Z][a-z]/)
		print where "begins with a capital: " $5
	if ($5 ~ /\.$/)
		print where "ends with a period: " $5
	if ($5 ~ /\\n/)
		print where "has a line break: " $5
	if (tolower($5) ~ /^pgmigrate[: ]/)
		print where "names the extension: " $5
}
$1 == "message" && $4 ~ /^err(detail|hint)/ && $4 !~ /_internal$/ {
	where = $2 ":" $3 ": "
	if ($5 ~ /^[a-z]/)
		print where "begins in lower case: " $5
	if ($5 !~ /[.?)]$/ && $5 !~ /%s$/)
		print where "has no final period: " $5
}
$1 == "message" && $4 ~ /^errcontext/ {
	where = $2 ":" $3 ": "
	if ($5 ~ /^[A-Z][a-z]/ || $5 ~ /\.$/)
		print where "context with a capital or a period: " $5
}' "$SCRATCH/facts" | gate "messages follow the style guide"

# ---- ceilings and names

{
	wc -l src/*/*.c | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, at most 800" }'
	wc -l src/*/*.h | awk '$2 != "total" && $1 > 150 { print $2 ": " $1 " lines, at most 150" }'
} | gate "files are short"

awk -F'\t' '$1 == "function" && $5 > 100 {
	print $2 ":" $3 ": " $4 " has " $5 " lines, at most 100"
}' "$SCRATCH/facts" | gate "functions are short"

awk -F'\t' '$1 == "function" && $6 == "extern" &&
	$4 !~ /^(pgm_|pgmigrate_|_PG_)/ {
	print $2 ":" $3 ": " $4
}' "$SCRATCH/facts" | gate "exported functions are called pgm_ or pgmigrate_"

# Message strings are not split, so a line with a string may be longer.
for file in "${SOURCES[@]}"; do
	expand -t4 "$file" | awk -v file="$file" \
		'length > 79 && !/"/ && substr($0, 1, 20) !~ /^ *$/ { print file ":" FNR ": " length " columns" }'
done | gate "lines have at most 79 columns"

# ---- files

for file in "${SOURCES[@]}"; do
	grep -q "^ \* $(basename "$file")\$" "$file" ||
		echo "$file: the header does not name the file"
done | gate "every source has its header"

# Expected output is as psql has written it.
tree '*.c' '*.h' '*.sql' '*.sh' '*.pl' '*.pm' '*.spec' '*.json' '*.yml' \
	Makefile '*/Makefile' '*.control' '.ci/*' | while read -r file; do
	grep -nE '[[:blank:]]+$' "$file" | sed "s,^\([0-9]*\):.*,$file:\1: trailing blanks,"
	[ -z "$(tail -c 1 "$file")" ] || echo "$file: no final newline"
	! grep -q "$(printf '\r')" "$file" || echo "$file: carriage returns"
done | gate "no trailing blanks, final newlines"

PG_CONFIG=${PG_CONFIG:-pg_config}
include=$("$PG_CONFIG" --includedir-server 2>/dev/null || true)
if [ -e "$include/postgres.h" ]; then
	for header in src/*/*.h; do
		printf '#include "postgres.h"\n#include "%s"\n' "${header#src/}" |
			gcc -fsyntax-only -Wall -Isrc -I"$include" -D_GNU_SOURCE \
				-x c - 2>&1 | sed "s,^,$header: ,"
		! grep -q '^#include "postgres.h"' "$header" ||
			echo "$header: includes postgres.h"
	done | gate "every header compiles alone after postgres.h"

	# those that no text of a revision parses to are left out
	grep -ohw 'T_[A-Za-z]*Stmt' "$include"/nodes/nodes.h \
		"$include"/nodes/nodetags.h 2>/dev/null |
		grep -vE '^T_(Raw|Planned|Return|PLAssign|SetOperation|ReplicaIdentity)Stmt$' |
		sort -u | while read -r tag; do
			grep -qw "$tag" src/sql/kinds.c src/compat/parse.h || echo "$tag"
		done | gate "every kind of statement has a row in src/sql/kinds.c"
else
	echo "skipped - every header compiles alone (there is no pg_config)"
	echo "skipped - every kind of statement has a row (there is no pg_config)"
fi

# ---- SQL

# The parts without their comments, keeping the lines.
for file in sql/parts/*.sql sql/pgmigrate--*--*.sql; do
	[ -e "$file" ] || continue
	sed 's/--.*//' "$file" |
		grep -niE '\b(or[[:space:]]+replace|if[[:space:]]+(not[[:space:]]+)?exists)\b' |
		sed "s,^,$file:,"
done | gate "install scripts only CREATE"

# ---- tests

{
	for file in test/sql/*.sql; do
		[ ! -e "$file" ] || echo "$file expected/$(basename "$file" .sql).out"
	done
	for file in test/specs/*.spec; do
		[ ! -e "$file" ] || echo "$file expected/$(basename "$file" .spec).out"
	done
} >"$SCRATCH/tests"
{
	while read -r file expected; do
		[ -e "$expected" ] || echo "$file: there is no $expected"
	done <"$SCRATCH/tests"
	awk '{ print $2 }' "$SCRATCH/tests" | sort | uniq -d |
		sed 's/$/: belongs to two tests/'
	# name_1.out is another output that is right, of a server set up otherwise
	for file in expected/*.out; do
		[ ! -e "$file" ] || grep -qE " $file\$" "$SCRATCH/tests" ||
			grep -qE " ${file%_[0-9].out}.out\$" "$SCRATCH/tests" ||
			echo "$file: belongs to no test"
	done
} | gate "every test has its expected output"

# ---- documentation

# tools/lint-rules.sh --check compares every word, but needs a server.
{
	sed -n 's/^	{"\([a-z-]*\)", PGM_LEVEL_.*/\1/p' src/lint/rules.c | sort
	sed -n 's/^## \(.*\)/\1/p' doc/lint-rules.md | sort
} | sort | uniq -c | awk '$1 != 2 {
	print "doc/lint-rules.md: rule \"" $2 "\": run tools/lint-rules.sh"
}' | gate "every lint rule is documented"

# ---- versions

{
	control=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" pgmigrate.control)
	for found in $(sed -n 's/.*"version" *: *"\(.*\)".*/\1/p' META.json); do
		[ "$found" = "$control" ] ||
			[ "$found" = 1.0.0 ] ||
			echo "META.json: $found, but pgmigrate.control: $control"
	done
	grep -q "\"version\" *: *\"$control\"" META.json ||
		echo "META.json: does not have $control"
	changelog=$(sed -n 's/^##* *\[*\([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)
	[ "$changelog" = "$control" ] ||
		echo "CHANGELOG.md: begins with \"$changelog\", but pgmigrate.control: $control"
} | gate "versions agree"

# The levels of access, as the code and the manual have them.
sed -n 's/^	{"\([a-z_]*\)", PGM_ACCESS_[A-Z]*},$/\1/p; /relations\[\] = {/,/};/s/^	"\([a-z_]*\)",*$/\1/p' \
	src/api/access_levels.c | while read -r name; do
	sed -n '/^| Level |/,/^`run_error`/p' doc/security.md | grep -q "\`$name\`" ||
		echo "doc/security.md: does not say who may use $name"
done | gate "the manual has the levels of access"

sed -n 's/.*"docfile" *: *"\(.*\)".*/\1/p' META.json | while read -r file; do
	[ -e "$file" ] || echo "META.json: there is no $file"
done | gate "META.json names a manual that exists"

perl -MJSON::PP -e '
	local $/;
	my $meta = eval { decode_json(<STDIN>) } or die "META.json: $@";
	for my $field (qw(name version abstract description maintainer license
		provides prereqs resources release_status tags meta-spec)) {
		print "META.json: has no $field\n" unless $meta->{$field};
	}
	print "META.json: $meta->{version} is not a semantic version\n"
	  unless $meta->{version} =~ /^\d+\.\d+\.\d+(-[A-Za-z][0-9A-Za-z-]*)?$/;
	my $sql = "sql/pgmigrate--$meta->{version}.sql";
	print "META.json: provides $meta->{provides}{pgmigrate}{file}, not $sql\n"
	  unless $meta->{provides}{pgmigrate}{file} eq $sql;
' <META.json 2>&1 | gate "META.json has what PGXN asks for"

control=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" pgmigrate.control)
{
	[ "$(sed -n '1s/^pgmigrate (\([^)]*\)).*/\1/p' debian/changelog)" = "$control" ] ||
		echo "debian/changelog: does not begin with $control"
} | gate "the Debian packages are of this version"

# ---- what is nobody else's business

# Paths of one developer's machine, and the words the developer gave.
tree '*' | grep -vE '^(LICENSE|bench/results/)' | while read -r file; do
	grep -nIE "(^|[^[:alnum:]_./~-])/(home|root|work|mnt|Users)/[[:alnum:]_]" "$file" |
		sed "s,^,$file:,"
	[ -z "${PRIVATE_WORDS:-}" ] ||
		grep -nIiE -- "$PRIVATE_WORDS" "$file" | sed "s,^,$file:,"
done | cut -c 1-160 | gate "no private paths or words"

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
