#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Does a big-endian machine write the same result files?
#
#	tests/s390x.sh fetch            libraries for it into build-s390x (network)
#	tests/s390x.sh TRACE PROGRAM    build, replay under qemu, compare
#
# Nothing foreign is installed: packages are unpacked beside the objects.

B=build-s390x
root=$B/sysroot
lib=$root/usr/lib/s390x-linux-gnu

fetch() {
	[ ! -e $root/done ] || [ ! -e $lib/libpfm.a ] ||
		[ ! -e $lib/liburcu.a ] || exit 0
	command -v apt-get >/dev/null || {
		echo "s390x: no apt-get here, libraries not fetched"
		exit 0
	}
	# Package lists of our own: the system's are left as they are.
	mkdir -p $B/apt/lists/partial $B/apt/cache/archives/partial $root
	here=$(pwd)/$B/apt
	set -- -o APT::Architecture=s390x -o APT::Architectures=s390x \
		-o Dir::State="$here" -o Dir::State::status=/dev/null \
		-o Dir::Cache="$here/cache" -o APT::Sandbox::User="$(id -un)"
	apt-get "$@" -q update &&
		(cd $B/apt && apt-get "$@" -q download libzstd-dev \
			libxxhash-dev libjansson-dev libjansson4 liblzo2-dev \
			liblz4-dev libpfm4-dev liburcu-dev) || exit 1
	for d in $B/apt/*.deb; do
		dpkg -x "$d" $root || exit 1
	done
	touch $root/done
	rm -rf $B/apt
}

if [ "$1" = fetch ]; then
	fetch
	exit
fi
for tool in s390x-linux-gnu-gcc qemu-s390x-static; do
	command -v $tool >/dev/null || {
		echo "s390x: skipped, no $tool (make deps-all)"
		exit 0
	}
done
[ -e $root/done ] || {
	echo "s390x: skipped, its libraries were not fetched (make deps-all)"
	exit 0
}

CPPFLAGS="-isystem $root/usr/include -isystem $root/usr/include/s390x-linux-gnu" \
	LDFLAGS=-static \
	LDLIBS="$lib/libzstd.a $lib/libxxhash.a $lib/libjansson.a \
		$lib/liblzo2.a $lib/liblz4.a $lib/libpfm.a \
		$lib/liburcu.a $lib/liburcu-common.a" \
	make -s -j"$(nproc)" B=$B CC=s390x-linux-gnu-gcc AR=s390x-linux-gnu-ar \
	$B/dedupsim || exit 1
for engine in none oracle ksm zram; do
	for side in here there; do
		set -- "$1" "$2"
		run=$2
		[ $side = here ] || run="qemu-s390x-static $B/dedupsim"
		# shellcheck disable=SC2086 # emulator and program
		$run --engine $engine --trace "$1" --json $B/$side.json \
			--tsv $B/$side.tsv --timeline $B/$side.timeline \
			>$B/$side.text || exit 1
	done
	for f in json tsv timeline text; do
		cmp $B/here.$f $B/there.$f || {
			echo "s390x: engine $engine: $f differs"
			exit 1
		}
	done
done
echo "s390x: same bytes"
