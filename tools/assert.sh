#!/bin/bash
# assert.sh
#	  Run the tests on a PostgreSQL that checks itself; by hand or nightly.
#
# Debian's source of the server is built with --enable-cassert, once, outside
# of the checkout, and test.sh runs on it.  A failed assertion ends the server
# process: check_log of test.sh finds it.  The source comes with what bison and
# flex made, so that a C compiler, make and Perl are all that it takes.
#
#	assert.sh [SUITE ...]		default: unit regress isolation tap
#
# Environment:
#	ASSERT_BASE		directory of source and server;
#					default /var/tmp/pgmigrate-assert
#	SANITIZE=1		also build the extension with the address and the undefined
#					behaviour sanitizer, which end the process where they find
#					something; three times as slow
#	DISCARD=1		the caches of catalogs are thrown away wherever they may be
#					(debug_discard_caches); some of regress only
#	VALGRIND=1		the server runs under valgrind; some of regress only
#	REGRESS			which files of regress, instead of those
#	TAP_FILES		which files of tap, default all

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ASSERT_BASE=${ASSERT_BASE:-/var/tmp/pgmigrate-assert}

# Something of each subject, and nothing that looks at the time, where each
# statement takes up to a hundred times as long: minutes to an hour for a file.
SLOW_REGRESS='lost one_transaction ledger changes backfill online_back partly drift'

# Fetch and unpack the source package with lists of our own, so that nothing
# changes in how this machine is set up.
fetch_source()
{
	local release major

	[ ! -e "$ASSERT_BASE/source/configure" ] || return 0
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	major=$(distribution_default)
	[ -n "$release" ] && [ -n "$major" ] ||
		fail "this is no Debian that has a package \"postgresql\""
	rm -rf "$ASSERT_BASE/apt" "$ASSERT_BASE/source.part"
	mkdir -p "$ASSERT_BASE/apt/lists/partial" "$ASSERT_BASE/source.part"
	echo "deb-src $(debian_mirror) $release main" >"$ASSERT_BASE/apt/sources.list"
	(
		cd "$ASSERT_BASE/apt"
		set -- -q -o Dir::Etc::SourceList="$PWD/sources.list" \
			-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$PWD/lists"
		apt-get "$@" update && apt-get "$@" source --download-only \
			"postgresql-$major"
	) >"$ASSERT_BASE/fetch.log" 2>&1 ||
		{ tail -n 5 "$ASSERT_BASE/fetch.log" >&2; fail "no source of postgresql-$major"; }
	tar -xf "$ASSERT_BASE"/apt/postgresql-*.orig.tar.* --no-same-owner \
		--strip-components=1 -C "$ASSERT_BASE/source.part"
	mv "$ASSERT_BASE/source.part" "$ASSERT_BASE/source"
}

# -O1: assertions on, and still within the time limits of the tests.
build_server()
{
	[ ! -e "$ASSERT_BASE/pg/bin/pg_config" ] || return 0
	say "building a server with assertions, some minutes the first time"
	if ! (
		set -e
		cd "$ASSERT_BASE/source"
		rm -rf "$ASSERT_BASE/pg.part"
		./configure --prefix="$ASSERT_BASE/pg" --enable-cassert --enable-debug \
			--enable-tap-tests --without-readline --without-icu CFLAGS='-O1 -g' \
			$(have valgrind && echo CPPFLAGS=-DUSE_VALGRIND) \
			$(xml2-config --version >/dev/null 2>&1 && echo --with-libxml) \
			${CC:+"CC=$CC"}
		nice make -s -j"$(nproc)"
		nice make -s -j"$(nproc)" -C contrib
		nice make -s install
		nice make -s -C contrib install
	) >"$ASSERT_BASE/build.log" 2>&1; then
		rm -f "$ASSERT_BASE/pg/bin/pg_config"
		tail -n 20 "$ASSERT_BASE/build.log" >&2
		fail "could not build the server"
	fi
}

missing=$(missing_packages '' | tr '\n' ' ')
if [ -n "$missing" ]; then
	# shellcheck disable=SC2086
	install_packages $missing
fi
[ -z "${VALGRIND:-}" ] || have valgrind || install_packages valgrind
mkdir -p "$ASSERT_BASE"
chmod 755 "$ASSERT_BASE"
fetch_source
build_server
export PG_CONFIG=$ASSERT_BASE/pg/bin/pg_config
[ $# -eq 0 ] || export SUITES="$*"
if [ -n "${DISCARD:-}${VALGRIND:-}" ]; then
	export SUITES=regress REGRESS="${REGRESS:-$SLOW_REGRESS}"
	[ -z "${DISCARD:-}" ] || export SETTING='debug_discard_caches = 1'
	if [ -n "${VALGRIND:-}" ]; then
		"$PG_CONFIG" --cppflags | grep -q USE_VALGRIND ||
			fail "the server was built when there was no valgrind; remove $ASSERT_BASE/pg"
		export VALGRIND=$ASSERT_BASE/source/src/tools/valgrind.supp
	fi
fi
exec "$ROOT/tools/test.sh"
