#!/bin/bash
# debian.sh
#	  Build Debian packages, look at them with lintian, and try them.
#
#	debian.sh [DIRECTORY]	leave the packages there, by default in "packages"
#
# Builds for every server whose headers are installed, of version 15 or later;
# installs what it needs for that with apt-get.  Each package is unpacked into
# a private copy of its server, where the extension is created and upgraded.
#
# Environment:
#	PG_VERSIONS	for which servers, such as "15 17"

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

mkdir -p "${1:-packages}"
target=$(cd "${1:-packages}" && pwd)
clean_up_at_exit
need_packages >&2
have dh || install_packages debhelper
have fakeroot || install_packages fakeroot
# it went into a package of its own
have pg_buildext || install_packages postgresql-common
have pg_buildext || install_packages postgresql-common-dev
if [ -z "${PG_VERSIONS:-}" ]; then
	for header in /usr/include/postgresql/*/server/postgres.h; do
		version=${header#/usr/include/postgresql/}
		version=${version%%/*}
		[ "${version%%.*}" -lt 15 ] || PG_VERSIONS="${PG_VERSIONS:-} $version"
	done
fi
[ -n "${PG_VERSIONS:-}" ] || fail "there are no headers of PostgreSQL 15 or later"
export PG_SUPPORTED_VERSIONS=$PG_VERSIONS

work_area
copy_source
# the packages are written beside the source
user_dir "$WORK/out"
mv "$SOURCE" "$WORK/out/src"
SOURCE=$WORK/out/src
say "building packages for PostgreSQL$PG_VERSIONS"
log=$WORK/packages.log
if ! (
	cd "$SOURCE"
	as_user pg_buildext updatecontrol
	as_user env DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage -us -uc -b -d -rfakeroot
) >"$log" 2>&1; then
	tail -n 40 "$log" >&2
	fail "could not build the packages"
fi
find "$WORK/out" -maxdepth 1 -name '*.deb' ! -name '*dbgsym*' -exec cp {} "$target/" \;

failed=0
if have lintian; then
	found=$(cd "$WORK/out" && lintian --allow-root -- *.changes 2>&1 || true)
	if [ -n "$(printf '%s' "$found" | grep -E '^[EW]:' || true)" ]; then
		printf '%s\n' "$found"
		failed=1
	else
		say "lintian has no errors and no warnings"
	fi
else
	say "lintian is not installed: not looked at"
fi

# The server's tree with what the package adds to it.
for version in $PG_VERSIONS; do
	deb=$(find "$target" -name "postgresql-$version-pgmigrate_*.deb" | head -n 1)
	[ -n "$deb" ] || fail "there is no package for PostgreSQL $version"
	top=$WORK
	WORK=$top/try-$version
	mkdir "$WORK"
	chmod 711 "$WORK"
	(
		PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
		[ -x "${PG_CONFIG%pg_config}postgres" ] || {
			say "$(basename "$deb"): no server here to try it"
			exit 0
		}
		private_tree
		dpkg-deb -x "$deb" "$WORK/package"
		chmod -R a+rX "$WORK/package"
		cp -r "$WORK/package/usr/." "$WORK/pg/"
		start_cluster "fsync = off"
		result=$(as_user "$BINDIR/psql" -X -q -A -t -d postgres <<'SQL'
CREATE EXTENSION pgmigrate;
SELECT count(*) FROM pgmigrate.revision('try', 'CREATE TABLE try ()', 'DROP TABLE try');
SELECT state FROM pgmigrate.upgrade();
SQL
		) 2>&1
		stop_cluster
		case $result in
			*done) say "$(basename "$deb"): works" ;;
			*) fail "$(basename "$deb"): $result" ;;
		esac
	) || failed=1
	WORK=$top
done
say "packages are in $target"
[ "$failed" -eq 0 ]
