#!/bin/bash
# versions.sh
#	  Run all tests on every supported PostgreSQL of Debian; by hand or nightly.
#
# Each version comes from the Debian release that has it: this machine's own
# release is tested here, the others in a chroot that debootstrap makes once
# and later runs reuse.  "experimental" is sid with the newest server of that
# suite.  16 is in no release: "wheel" is a package of PyPI that has it, with
# its headers.  Needs root, about 2 GB for each chroot, and minutes.
#
# The result is written to the table of doc/versions.md, version by version,
# where the cells of what was not asked for stay; the sections below it are by
# hand and kept.
#
#	versions.sh [VERSION | SUITE ...]
#
# VERSION is one of 15 to 19, or the release that has it: bookworm, wheel,
# trixie, sid, experimental; SUITE one of unit, regress, isolation and tap.
# Default is all of both.
#
# Environment:
#	CHROOT_BASE		directory of the chroots, one of each release's name;
#					default /var/tmp/pgmigrate-chroots
#	TAP_JOBS		as for tools/test.sh

set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT"
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

CHROOT_BASE=${CHROOT_BASE:-/var/tmp/pgmigrate-chroots}
OUTPUT=doc/versions.md
WORK=$(mktemp -d)
FAILED=0
trap 'rm -rf "$WORK" ${COPY:+"$COPY"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Run a command in the chroot $1; before it may stand settings of its
# environment.  What is mounted for it, and every process in it, ends with the
# namespace.
in_chroot()
{
	unshare --mount --pid --fork --kill-child --propagation private \
		bash -c '
			set -e
			mount -t proc proc "$0/proc"
			mkdir -p "$0/dev/shm"
			mount -t tmpfs tmpfs "$0/dev/shm"
			exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
				HOME=/root "$@"
		' "$@" </dev/null
}

# Make the chroot of a release, unless it is there.  It appears under its name
# only when complete.
make_chroot()
{
	local release=$1 dir=$CHROOT_BASE/$1 suite=$1 mirror

	mirror=$(debian_mirror)
	[ "$release" != experimental ] || suite=sid

	[ ! -e "$dir/etc/debian_version" ] || return 0
	have debootstrap || install_packages debootstrap
	mkdir -p "$CHROOT_BASE"
	rm -rf "$dir.part"
	debootstrap --variant=minbase --include=make,ca-certificates \
		"$suite" "$dir.part" "$mirror" ||
		fail "could not make a chroot of $release"
	[ "$release" = "$suite" ] || add_experimental "$dir.part" "$mirror"
	# nothing that gets installed there may start a service
	printf '#!/bin/sh\nexit 101\n' >"$dir.part/usr/sbin/policy-rc.d"
	chmod 755 "$dir.part/usr/sbin/policy-rc.d"
	mv "$dir.part" "$dir"
}

# Install the newest server that experimental has; nothing else is taken from
# there, unless the server asks for it.  A mirror that is some weeks behind has
# lists whose date apt-get would refuse; their signature is checked all the same.
add_experimental()
{
	echo "deb $2 experimental main" >>"$1/etc/apt/sources.list"
	in_chroot "$1" DEBIAN_FRONTEND=noninteractive sh -c '
		apt-get -o Acquire::Check-Valid-Until=false update -q
		version=$(apt-cache pkgnames postgresql-server-dev- |
			sed -n "s/.*-\([0-9]*\)$/\1/p" | sort -n | tail -n 1)
		printf "Package: src:postgresql-%s src:postgresql-common\n" "$version" \
			>/etc/apt/preferences.d/server
		printf "Pin: release a=experimental\nPin-Priority: 990\n" \
			>>/etc/apt/preferences.d/server
		apt-get install -y -q --no-install-recommends \
			"postgresql-$version" "postgresql-server-dev-$version"
	' || fail "could not install the server of experimental"
}

# Unpack the package of PyPI, which brings what an extension is built with, but
# no modules of Perl for TAP.  Zip files have modes that Python does not restore.
make_wheel()
{
	local dir=$CHROOT_BASE/wheel

	[ ! -e "$dir" ] || return 0
	rm -rf "$dir.part"
	mkdir -p "$dir.part"
	pip download -q --no-deps -d "$WORK/wheel" pgserver ||
		fail "could not fetch the package of 16"
	python3 -m zipfile -e "$WORK"/wheel/*.whl "$dir.part"
	chmod -R a+rX "$dir.part"
	chmod -R a+x "$dir.part/pgserver/pginstall/bin" \
		"$dir.part/pgserver/pginstall/lib/postgresql/pgxs"
	mv "$dir.part" "$dir"
}

# Its libraries are beside what is copied to the private tree, those that the
# unit tests link too.
test_wheel()
{
	local top=$CHROOT_BASE/wheel

	LD_LIBRARY_PATH=$top/pgserver.libs \
		SUITES="${SUITES:-unit regress isolation}" \
		PG_CONFIG=$top/pgserver/pginstall/bin/pg_config \
		tools/test.sh </dev/null
}

# Run the tests in a chroot.
test_in_chroot()
{
	local dir=$CHROOT_BASE/$1 rc=0

	COPY=$(mktemp -d "$dir/tmp/pgmigrate-source.XXXXXX")
	pack_source | tar -C "$COPY" -xf - --no-same-owner
	cp /etc/resolv.conf "$dir/etc/resolv.conf"
	in_chroot "$dir" ${SUITES:+"SUITES=$SUITES"} \
		${TAP_JOBS:+"TAP_JOBS=$TAP_JOBS"} "${COPY#"$dir"}/tools/test.sh" ||
		rc=$?
	rm -rf "$COPY"
	COPY=
	return "$rc"
}

RELEASES=
SUITES=
for argument in "$@"; do
	case $argument in
		15) RELEASES="$RELEASES bookworm" ;;
		16) RELEASES="$RELEASES wheel" ;;
		17) RELEASES="$RELEASES trixie" ;;
		18) RELEASES="$RELEASES sid" ;;
		19) RELEASES="$RELEASES experimental" ;;
		bookworm | wheel | trixie | sid | experimental)
			RELEASES="$RELEASES $argument" ;;
		unit | regress | isolation | tap) SUITES="$SUITES $argument" ;;
		*) fail "\"$argument\" is no version and no suite" ;;
	esac
done
export SUITES
[ "$(id -u)" -eq 0 ] || fail "making and entering a chroot needs root"

# Set CELLS to the cells that the table has of release $1.
read_cells()
{
	local row

	row=$(sed -n "/^## /q; s/^| PostgreSQL [^|]* | $1 | \(.*\) |\$/\1/p" \
		"$OUTPUT" 2>/dev/null | tail -n 1)
	IFS='|' read -r -a CELLS <<<"${row// | /|}"
}

# Print the row of release $1 by the log $2: what a suite came to, or what the
# table has of it where it was not run now.
table_row()
{
	local log=$2 version suite result i=0 row=

	version=$(sed -n 's/^# using \(PostgreSQL [^ ]*\).*/\1/p' "$log")
	read_cells "$1"
	for suite in unit regress isolation tap; do
		result=$(sed -n "s/^# $suite: \(.*\) ([0-9]* s)\$/\1/p" "$log" |
			tail -n 1 | sed 's/, 0 failed$//')
		result=${result:+$result, $COMMIT}
		row="$row ${result:-${CELLS[i]:-not run}} |"
		i=$((i + 1))
	done
	echo "| ${version:-PostgreSQL ?} | $1 |$row"
}

# Put the rows of $WORK/table into the document, for those that it has of the
# same releases.
write_table()
{
	local row release kept

	sed -n '/^## /q; /^| PostgreSQL /p' "$OUTPUT" 2>/dev/null |
		while IFS= read -r row; do
			release=${row#*| *| }
			grep -qF "| ${release%% *} |" "$WORK/table" || echo "$row"
		done >"$WORK/others"
	sort -V "$WORK/table" "$WORK/others" >"$WORK/sorted"
	mkdir -p "$(dirname "$OUTPUT")"
	kept=$(sed -n '/^## /,$p' "$OUTPUT" 2>/dev/null || true)
	{
		echo '# PostgreSQL versions tested'
		echo
		echo "The last run of each suite by \`tools/versions.sh\`, on $(uname -m):"
		echo
		echo '| server | Debian release | unit | regress | isolation | TAP |'
		echo '|---|---|---|---|---|---|'
		cat "$WORK/sorted"
		[ -z "$kept" ] || printf '\n%s\n' "$kept"
	} >"$OUTPUT"
}

own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
COMMIT="$(date -u +%Y-%m-%d) $(git rev-parse --short HEAD 2>/dev/null || echo '?')"
git diff --quiet HEAD -- . ":!$OUTPUT" 2>/dev/null || COMMIT="$COMMIT, changed"
for release in ${RELEASES:-bookworm wheel trixie sid experimental}; do
	log=$WORK/log
	rc=0
	echo "## $release"
	case $release in
		"$own") tools/test.sh </dev/null >"$log" 2>&1 || rc=$? ;;
		wheel)
			make_wheel
			test_wheel >"$log" 2>&1 || rc=$?
			;;
		*)
			make_chroot "$release"
			test_in_chroot "$release" >"$log" 2>&1 || rc=$?
			;;
	esac
	cat "$log"
	[ "$rc" -eq 0 ] || FAILED=1
	table_row "$release" "$log" >>"$WORK/table"
	write_table
done
cat "$WORK/sorted"
exit "$FAILED"
