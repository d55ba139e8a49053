#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `dedupsim colour`, and `dedupsim run` with a machine, as a user meets them.

D=${DEDUPSIM:-build/dedupsim}
trace=tests/golden/zero.txt
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cases=0
failed=0

wrong() {
	echo "$*"
	failed=1
}

# refuse STATUS WORDS ARGUMENT...: one line on stderr with the words, nothing on
# stdout, no file left behind
refuse() {
	status=$1
	words=$2
	shift 2
	cases=$((cases + 1))
	"$D" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	[ $got -eq "$status" ] || wrong "dedupsim $*: status $got, not $status"
	[ ! -s "$dir/out" ] || wrong "dedupsim $*: says something on stdout"
	{ [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -qF -e "$words" "$dir/err"; } ||
		wrong "dedupsim $*: not one line with \"$words\": $(cat "$dir/err")"
	left=$(ls -A "$dir/made")
	[ -z "$left" ] || wrong "dedupsim $*: leaves $left behind"
}
# has FILE PATTERN: a line like this must be there
has() {
	cases=$((cases + 1))
	grep -q -e "$2" "$1" || wrong "no line \"$2\" in $(cat "$1")"
}

mkdir "$dir/made"
refuse 2 'unknown machine "z31"; did you mean "z13"?' colour -m z31
refuse 2 'unknown machine "r4400"; did you mean' colour -m z13,r4400 \
	--json "$dir/made/j"
refuse 2 'is no list of names' colour -m z13,,zen5
refuse 2 'is no list of names' colour -m z13,
refuse 2 'expected 4KiB <= FROM <= TO' colour --size 8KiB..4KiB
refuse 2 'expected 4KiB <= FROM <= TO' colour --size 4KiB..4GiB
refuse 2 'is no size as 4MiB' colour --size big
refuse 2 'no whole pages of z13' colour -m z13 --size 6KiB
refuse 2 '--check' colour --check maybe
refuse 2 '--synonym' colour --synonym L4
refuse 2 '--limit' colour --limit 1
refuse 2 'l1_wayz' colour -m z13 --set l1_wayz=8
refuse 2 'not a power of two' colour -m z13 --set l1_ways=3
refuse 2 'expected KEY=VALUE' colour -m z13 --set l1_ways
refuse 2 'is no version as 6.18' colour -m z13 --kernel six
refuse 2 'is no version as 6.18' colour -m z13 --kernel 6
refuse 2 'is no version as 6.18' colour -m z13 --kernel 6.1.2.3
refuse 2 'is no version as 6.18' colour -m z13 --kernel 6.300
refuse 1 "$dir/none/j" colour -m z13 --size 4KiB --json "$dir/none/j"
printf 'summary x\nl1_size 16KiB [A] y\nl1_ways 0 [A] y\n' >"$dir/odd.conf"
refuse 2 "$dir/odd.conf:3: " colour -m "$dir/odd.conf"

# The table, in its three forms.
"$D" colour -m z13,r4400sc --size 4KiB..16KiB --tsv "$dir/t" --json "$dir/j" \
	>"$dir/text" 2>"$dir/err" || wrong "colour fails: $(cat "$dir/err")"
has "$dir/text" '^z13: IBM z13'
has "$dir/text" '^ *8 KiB *4 *45 *45 *4 *45 *4 '
has "$dir/text" '^ *8 KiB *2 *142.5 *142.5 *2 *142.5 *2 '
has "$dir/text" '15\.\.45'
has "$dir/t" '^z13	8192	ksm	32	1	'
has "$dir/j" '"schema": "dedupsim.colour/1"'
cases=$((cases + 1))
awk -F '\t' '!/^#/ { if (n && NF != n) bad = 1; n = NF; rows++ }
	END { exit bad || rows != 1 + 2 * 3 * 6 }' "$dir/t" ||
	wrong "the TSV is not 2 machines, 3 sizes, 6 cases"
# KSM puts zeros where the kernel would have had them.
for case in coloured ksm_uzp; do
	awk -F '\t' -v c=$case '$3 == c { $3 = ""; print }' "$dir/t" >"$dir/$case"
done
cases=$((cases + 1))
cmp -s "$dir/coloured" "$dir/ksm_uzp" || wrong "ksm_uzp is not coloured"
"$D" colour -m z13 --size 8KiB --synonym L2 --check 0 -q --tsv "$dir/t" ||
	failed=1
has "$dir/t" '^z13	8192	ksm	32	1	[0-9]*	480	480	480	1	'
# How many zero pages there are: by kernel and by memory.
"$D" colour -m z13 --size 1MiB --kernel 3.5 -q --tsv "$dir/t" || failed=1
has "$dir/t" '^z13	1048576	coloured	4096	4	'
"$D" colour -m z13 --size 1MiB --memory 256MiB -q --tsv "$dir/t" || failed=1
has "$dir/t" '^z13	1048576	coloured	4096	64	'
"$D" colour -m z10 --size 1MiB -q --tsv "$dir/t" || failed=1
has "$dir/t" '^z10	1048576	coloured	4096	4	'
"$D" colour -m z10 --size 1MiB --kernel 6.1 -q --tsv "$dir/t" || failed=1
has "$dir/t" '^z10	1048576	coloured	4096	128	'
# Same bytes at any number of threads.
"$D" colour -m r4400sc --size 4KiB..64KiB --threads 1 >"$dir/one" || failed=1
"$D" colour -m r4400sc --size 4KiB..64KiB --threads 3 >"$dir/three" || failed=1
cases=$((cases + 1))
cmp "$dir/one" "$dir/three" || wrong "threads change the tables"

# Every machine there is.
for m in $("$D" list machines | awk '{ print $1 }'); do
	cases=$((cases + 1))
	"$D" colour -m "$m" --size 16KiB -q --tsv "$dir/t" || failed=1
	[ "$(grep -c "^$m	" "$dir/t")" -eq 6 ] || wrong "$m has no table"
done

# A run with a machine.
"$D" -t $trace -m z13 --readers sequential --tsv - >"$dir/t" 2>"$dir/err" ||
	wrong "run fails: $(cat "$dir/err")"
has "$dir/t" '^# run\.machine	z13$'
has "$dir/t" '^# run\.readers	sequential$'
has "$dir/t" '^cache	merged_cycles	'
has "$dir/t" '^colour	colours	-	colours	128$'
"$D" -t $trace -m z13 -s use_zero_pages=1 >"$dir/t" || failed=1
has "$dir/t" 'on z13, of the trace: no merged page was read'
"$D" -t $trace -m z13 --readers strided >"$dir/t" || failed=1
has "$dir/t" 'reads of merged pages on z13, strided: 7 pages'
"$D" -t $trace -m z13 --scan-cache --readers random --placement random \
	>"$dir/t" || failed=1
has "$dir/t" '^  the scan reads'
"$D" -t traces/samples/guests.trace -m z13 -u 1s --tsv - >"$dir/t" || failed=1
has "$dir/t" '^# run\.readers	sequential$'
"$D" -t $trace --tsv - >"$dir/t" || failed=1
cases=$((cases + 1))
grep -qE '^(cache|colour)	|run\.machine' "$dir/t" &&
	wrong "caches without a machine"
"$D" -w number-crunch:table_size=64KiB,passes=2 -m z13 -s machine.cpus=2 \
	-s colour_copies=per-colour --tsv - >"$dir/t" || failed=1
has "$dir/t" '^# trace	number-crunch:table_size=64KiB,passes=2$'
has "$dir/t" '^# run\.readers	of the trace$'
refuse 2 'did you mean "z13"?' -t $trace -m z31
refuse 2 'need --machine' -t $trace --scan-cache
refuse 2 'need --machine' -t $trace --kernel 6.1
refuse 2 'needs --machine' -t $trace -s machine.cpus=2
refuse 2 'cpuss' -t $trace -m z13 -s machine.cpuss=2
refuse 2 'which of them' -t $trace -w number-crunch
refuse 2 'did you mean "number-crunch"?' -w number-crush
refuse 2 'table_size' -w number-crunch:table_size=1
refuse 2 '--readers' -t $trace -m z13 --readers backwards
refuse 2 'colours: 3 is not a power of two' -t $trace -s colours=3
refuse 1 'pages of 16384 bytes' -t $trace -m z13 -s machine.page_bytes=16KiB

[ $failed -eq 0 ] || exit 1
echo "$cases cases as they should be"
