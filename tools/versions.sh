#!/bin/bash
# versions.sh
#	  Run all tests on every supported PostgreSQL of Debian; by hand or nightly.
#
# Each version comes from the Debian release that has it: this machine's own
# release is tested here, the others in a chroot that debootstrap makes once
# and later runs reuse.  Needs root, about 2 GB for each chroot, and minutes.
# The result is written to doc/versions.md; its sections are by hand and kept.
#
#	versions.sh [RELEASE ...]		default: bookworm trixie sid
#
# Environment:
#	CHROOT_BASE		directory of the chroots, one of each release's name;
#					default /var/tmp/pgmigrate-chroots

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

# Make the chroot of a release, unless it is there.  It appears under its name
# only when complete.
make_chroot()
{
	local release=$1 dir=$CHROOT_BASE/$1

	[ ! -e "$dir/etc/debian_version" ] || return 0
	have debootstrap || install_packages debootstrap
	mkdir -p "$CHROOT_BASE"
	rm -rf "$dir.part"
	debootstrap --variant=minbase --include=make,ca-certificates \
		"$release" "$dir.part" "$(debian_mirror)" ||
		fail "could not make a chroot of $release"
	# nothing that gets installed there may start a service
	printf '#!/bin/sh\nexit 101\n' >"$dir.part/usr/sbin/policy-rc.d"
	chmod 755 "$dir.part/usr/sbin/policy-rc.d"
	mv "$dir.part" "$dir"
}

# Run the tests in a chroot.  What is mounted for it, and every process in it,
# ends with the namespace.
test_in_chroot()
{
	local dir=$CHROOT_BASE/$1 rc=0

	COPY=$(mktemp -d "$dir/tmp/pgmigrate-source.XXXXXX")
	pack_source | tar -C "$COPY" -xf - --no-same-owner
	cp /etc/resolv.conf "$dir/etc/resolv.conf"
	unshare --mount --pid --fork --kill-child --propagation private \
		bash -c '
			set -e
			mount -t proc proc "$1/proc"
			mkdir -p "$1/dev/shm"
			mount -t tmpfs tmpfs "$1/dev/shm"
			exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
				HOME=/root ${SUITES:+"SUITES=$SUITES"} "$2/tools/test.sh"
		' - "$dir" "${COPY#"$dir"}" </dev/null || rc=$?
	rm -rf "$COPY"
	COPY=
	return "$rc"
}

[ "$(id -u)" -eq 0 ] || fail "making and entering a chroot needs root"
[ $# -gt 0 ] || set -- bookworm trixie sid

own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
for release in "$@"; do
	log=$WORK/$release
	rc=0
	echo "## $release"
	if [ "$release" = "$own" ]; then
		tools/test.sh </dev/null >"$log" 2>&1 || rc=$?
	else
		make_chroot "$release"
		test_in_chroot "$release" >"$log" 2>&1 || rc=$?
	fi
	cat "$log"
	[ "$rc" -eq 0 ] || FAILED=1
	version=$(sed -n 's/^# using \(PostgreSQL [^ ]*\).*/\1/p' "$log")
	result=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1 || true)
	echo "| ${version:-?} | $release | ${result:-did not run} |" >>"$WORK/table"
done

mkdir -p "$(dirname "$OUTPUT")"
kept=$(sed -n '/^## /,$p' "$OUTPUT" 2>/dev/null || true)
{
	echo '# PostgreSQL versions tested'
	echo
	echo "The last run of \`tools/versions.sh\`, $(date -u +%Y-%m-%d), on $(uname -m):"
	echo
	echo '| server | Debian release | `make test` |'
	echo '|---|---|---|'
	cat "$WORK/table"
	[ -z "$kept" ] || printf '\n%s\n' "$kept"
} >"$OUTPUT"
cat "$WORK/table"
exit "$FAILED"
