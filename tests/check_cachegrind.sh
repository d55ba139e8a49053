#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The cache model and Cachegrind count the same misses, to the last one: on a
# program without a C library, so that both tools see the same addresses.

B=${B:-build}
feed=$B/tests/cachegrind/feed
src=tests/cachegrind
touch=$B/cachegrind-touch

# D1/LL; I1 is as D1.  The last two are the first level of z13 and of zec12.
geometries='32768,8,64/262144,8,64 16384,1,64/1048576,4,64
49152,12,64/1048576,16,64 131072,8,64/2097152,8,64 8192,1,64/131072,2,64
131072,8,256/2097152,8,256 98304,6,256/1048576,8,256'

skip()
{
	echo "skipped: $1"
	exit 0
}

command -v valgrind >/dev/null || skip "no valgrind (make deps-all)"
[ "$(uname -m)" = x86_64 ] || skip "the program is for x86_64"
[ -x "$feed" ] || { echo "$feed is not there"; exit 1; }

# shellcheck disable=SC2086 # a launcher and its compiler are two words
${CC:-cc} -O2 -std=c17 -ffreestanding -fno-pic -fno-stack-protector \
	-fno-tree-vectorize -static -no-pie -nostdlib -o "$touch" \
	$src/start.S $src/touch.c || exit 1

tool()
{
	env -i PATH="$PATH" valgrind -q "$@" "$touch"
}

# shellcheck disable=SC2086 # words
tool --tool=lackey --trace-mem=yes --log-fd=9 9>&1 >/dev/null |
	"$feed" $geometries >"$B/cachegrind-model" || exit 1

for g in $geometries; do
	# shellcheck disable=SC2069
	tool --tool=cachegrind --cache-sim=yes --D1="${g%/*}" --I1="${g%/*}" \
		--LL="${g#*/}" --cachegrind-out-file="$B/cachegrind-out" \
		>/dev/null 2>&1 || exit 1
	# summary: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw
	awk '/^summary:/ { print $5, $6, $7, $8, $9, $10 }' "$B/cachegrind-out"
done >"$B/cachegrind-tool"

n=$(wc -l <"$B/cachegrind-tool")
[ "$n" -eq 7 ] || { echo "$n results of 7"; exit 1; }
awk '$2 < 50000 || $5 < 10000 { bad = 1 } END { exit bad }' \
	"$B/cachegrind-tool" || { echo "hardly anything was missed"; exit 1; }
if ! cmp -s "$B/cachegrind-model" "$B/cachegrind-tool"; then
	echo "reads, D1 misses, LL misses, writes, D1 misses, LL misses:"
	diff "$B/cachegrind-model" "$B/cachegrind-tool"
	exit 1
fi
echo "$n geometries: the misses are Cachegrind's"
