#!/bin/bash
# indent.sh
#	  Format the C sources with PostgreSQL's own pgindent; "make indent".
#
#	indent.sh			format, and bring typedefs.list up to date
#	indent.sh --check	show what would change; fails if anything would
#
# pg_bsd_indent is not in Debian 12, so it is built from Debian's source of
# PostgreSQL 17 or 18, which have the same one: fetched by apt-get (which
# checks the signatures) through the mirror this machine uses, kept in the
# user's cache.  A mirror may list a version whose files it has lost, so there
# is a second source.  The exit status is 77 where there is no formatter.
#
# Environment: PG_CONFIG, whose headers and libraries it is built with.

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT"
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

SOURCES="trixie/postgresql-17 sid/postgresql-18"
CACHE=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/pgmigrate/pgindent
PG_CONFIG=${PG_CONFIG:-pg_config}

# Unpack the formatter's part of the source package $2 of suite $1 into the
# directory $3; what went wrong is in its file "log".
download()
{
	local scratch=$3 options

	mkdir -p "$scratch/lists/partial" "$scratch/cache"
	printf '%s\n' 'Types: deb-src' "URIs: $(debian_mirror)" "Suites: $1" \
		'Components: main' \
		'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' \
		>"$scratch/source.sources"
	options="-q -o Dir::Etc::sourcelist=$scratch/source.sources
		-o Dir::Etc::sourceparts=- -o Dir::State::lists=$scratch/lists
		-o Dir::Cache=$scratch/cache -o APT::Sandbox::User="
	(
		cd "$scratch"
		# shellcheck disable=SC2086
		apt-get $options update >log 2>&1 &&
			apt-get $options source --download-only "$2" >>log 2>&1 &&
			tar -xf ./*.orig.tar.* --strip-components=1 --wildcards \
				'*/src/tools/pg_bsd_indent/*.[ch]' '*/src/tools/pgindent/*'
	)
}

# Leave pg_bsd_indent, pgindent and PostgreSQL's typedefs.list in CACHE.
fetch()
{
	local scratch source from found=

	have bzip2 || install_packages bzip2
	scratch=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$scratch'" EXIT
	for from in $SOURCES; do
		source=$scratch/${from#*/}
		mkdir "$source"
		if download "${from%/*}" "${from#*/}" "$source"; then
			found=$source/src/tools
			break
		fi
		tail -n 5 "$source/log" >&2
		say "could not fetch the source of ${from#*/} from ${from%/*}"
	done
	[ -n "$found" ] || exit 77
	source=$found
	gcc -O1 -w -I"$("$PG_CONFIG" --includedir-server)" -D_GNU_SOURCE \
		-o "$source/pgindent/pg_bsd_indent" "$source"/pg_bsd_indent/*.c \
		-L"$("$PG_CONFIG" --pkglibdir)" -L"$("$PG_CONFIG" --libdir)" \
		-lpgcommon -lpgport || fail "could not build pg_bsd_indent"
	mkdir -p "$CACHE"
	cp "$source"/pgindent/{pg_bsd_indent,pgindent,typedefs.list} "$CACHE"
	rm -rf "$scratch"
	trap - EXIT
}

# The names of types: our own, and those of PostgreSQL that we use.  Not those
# that are the names of variables here.
typedefs()
{
	perl -0777 -ne '
		while (/^typedef\b(?:[^;{]|\{.*?^\})*?(\w+)\s*;/msg) { print "$1\n" }
		while (/^typedef\b[^;{]*?\(\s*\*\s*(\w+)\s*\)/mg) { print "$1\n" }
	' "${FILES[@]}" >"$WORDS.own"
	for dir in src test/unit; do
		mkdir -p "$WORDS.code/$dir"
		find "$dir" -name '*.[ch]' 2>/dev/null |
			xargs -r perl tools/cfacts.pl "$WORDS.code/$dir" >/dev/null
	done
	grep -rhoE '[[:alpha:]_][[:alnum:]_]*' "$WORDS.code" | sort -u >"$WORDS"
	{
		sort -u "$CACHE/typedefs.list" | comm -12 - "$WORDS"
		cat "$WORDS.own"
	} | sort -u | grep -vxE 'text|duration'
}

for file in pg_bsd_indent pgindent typedefs.list; do
	[ -e "$CACHE/$file" ] || { fetch; break; }
done

mapfile -t FILES < <(find src test/unit -name '*.[ch]' 2>/dev/null | sort)
WORDS=$(mktemp)
trap 'rm -rf "$WORDS" "$WORDS".*' EXIT
export LC_ALL=C
typedefs >"$WORDS.list"

# The list of the checkout decides, as PostgreSQL's own differs from version to
# version; only our types must all be in it.
run_pgindent()
{
	perl "$CACHE/pgindent" --typedefs=typedefs.list \
		--indent="$CACHE/pg_bsd_indent" "$@" "${FILES[@]}"
}

if [ "${1:-}" != --check ]; then
	cp "$WORDS.list" typedefs.list
	run_pgindent
	exit 0
fi

# A file that pgindent cannot read is reported, but not in its exit status.
run_pgindent --check --diff >"$WORDS.diff" 2>&1 || true
cat "$WORDS.diff"
sort -u "$WORDS.own" | grep -vxE 'text|duration' | comm -23 - typedefs.list |
	sed 's/^/typedefs.list does not have /' | tee -a "$WORDS.diff"
if [ -s "$WORDS.diff" ]; then
	echo 'The sources are not formatted: run "make indent".'
	exit 1
fi
