#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `dedupsim run` and `dedupsim scenario` as a user meets them: what is refused,
# which files are there afterwards, and what the timeline holds.

D=${DEDUPSIM:-build/dedupsim}
trace=tests/golden/fork.txt
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
	rm "$dir/out" "$dir/err"
	left=$(ls -A "$dir/made")
	[ -z "$left" ] || wrong "dedupsim $*: leaves $left behind"
}
# has FILE PATTERN: a line like this must be there
has() {
	cases=$((cases + 1))
	grep -q -e "$2" "$1" || wrong "no line \"$2\" in what is made"
}

mkdir "$dir/made"
refuse 2 'no --trace FILE given' run
refuse 2 'none of end, fixpoint, scans=N' run -t $trace --until never
refuse 2 'none of end, fixpoint, scans=N' run -t $trace --until scans=0
refuse 2 'is not a time as 24s' run -t $trace --at soon
refuse 2 'is not a power of two' run -t $trace --zero-pages 3
refuse 2 'expected KEY=VALUE' run -t $trace --set smart_scan
refuse 2 'has no tunables' run -e none -t $trace -s smart_scan=0
refuse 2 'smart_scan' run -t $trace -s smart_scn=0
refuse 2 'smart_scan' run -t $trace -s smart_scan=2
refuse 2 'max_page_sharing' run -t $trace -s max_page_sharing=1
refuse 2 'threads: 0 is out of range (1 … 1024 threads)' run -t $trace \
	-s threads=0
refuse 2 'threads: 1000000 is out of range (1 … 1024 threads)' run -t $trace \
	-s threads=1000000
refuse 2 'max_page_sharing: Linux 4.4 has no such tunable' run -t $trace \
	-s max_page_sharing=256 -s version=4.4
refuse 2 'advisor_mode: Linux 6.1 has no such tunable, it came with 6.8' \
	run -t $trace -s version=6.1 -s ksm.advisor_mode=none
refuse 2 'interval' run -t $trace --interval 1us
refuse 2 '--pool: engine ksm has no pool' run -t $trace --pool zbud
refuse 2 '--codec: engine none has no codec' run -e none -t $trace --codec lz4
refuse 2 'did you mean "zsmalloc"?' run -e zram -t $trace --pool zsmaloc
refuse 2 'did you mean "lzo-rle"?' run -e zram -t $trace --codec lzorle
refuse 2 'no workload "nope"' run --workload nope
refuse 2 'unknown key "foo"' run --workload number-crunch:foo=1
refuse 2 '3 is not a power of two' run -t $trace -s colours=3
refuse 2 'codec lzo has no levels' run -e zram -t $trace --codec lzo -s level=1

# A run that is too short for anything says what helps.
"$D" run -e pageone -t $trace --until 30s >"$dir/short"
has "$dir/short" 'lower merge_period, or let it go on'

# A run that fails leaves no file, whatever was asked for.
printf 'dedupsim-trace 1.0\n0 space 0\n1s write 0 5 0\n' >"$dir/bad.txt"
refuse 1 "$dir/bad.txt:3: vpn 5 is not mapped" run -t "$dir/bad.txt" \
	--json "$dir/made/j" --tsv "$dir/made/t" --timeline "$dir/made/l"
refuse 1 "$dir/none/j" run -t $trace --json "$dir/none/j"
refuse 1 '--max-pages allows more' run -t tests/golden/huge.txt \
	--max-pages 1024 --json "$dir/made/j"

# The timeline: a line at each multiple and at the end, none twice.
"$D" run -q -t $trace --timeline "$dir/l" --interval 100ms || failed=1
cut -f 1 "$dir/l" | tr '\n' ' ' >"$dir/times"
has "$dir/times" '^time_ns 0 100000000 200000000 300000000 400000000 500000000 600000000 $'
has "$dir/l" '^time_ns	.*	ksm\.pages_sharing	.*	machine\.frames'
awk -F '\t' 'NF != n && n { bad = 1 } { n = NF } END { exit bad }' "$dir/l" ||
	wrong "lines of the timeline differ in length"

# A still picture, and results on standard output alone.
"$D" run -t $trace --at 199ms --tsv - >"$dir/t" 2>"$dir/err" || failed=1
has "$dir/t" '^# run\.at	199ms$'
has "$dir/t" '^run	trace_events	-	events	13$'
has "$dir/t" '^run	settled	-	boolean	1$'
[ ! -s "$dir/err" ] || wrong "talks beside its results: $(cat "$dir/err")"
"$D" -t $trace -s ksm.smart_scan=0 -s pages_to_scan=7 --tsv - >"$dir/t" || failed=1
has "$dir/t" '^# option\.smart_scan	0$'
has "$dir/t" '^# option\.pages_to_scan	7$'
"$D" -t $trace -s threads=4 >"$dir/t" || failed=1
has "$dir/t" '^  threads  *[0-9]*\.[0-9][0-9]x  as fast as one, at most [0-9]*\.[0-9][0-9]: '
"$D" -t $trace -s threads=4 --cpu none --tsv - >"$dir/t" || failed=1
has "$dir/t" '^ksm_threads	speedup_milli	-	1/1000	0$'
"$D" -t $trace -s version=4.4 --tsv - >"$dir/t" || failed=1
has "$dir/t" '^# option\.version	4\.4$'
grep -q 'smart_scan\|max_page_sharing\|stable_node_chains' "$dir/t" &&
	wrong "4.4 has tunables or counters that it had not"
"$D" -t $trace --quiet >"$dir/t" 2>&1 || failed=1
[ ! -s "$dir/t" ] || wrong "--quiet is not"

# Pages that are kept compressed.
"$D" -e zram -t $trace --pool zbud --codec lz4 >"$dir/t" 2>&1 || failed=1
has "$dir/t" '^  pool=zbud codec=lz4, other tunables as by default$'
has "$dir/t" '^  stored  *[0-9.]* KiB  [0-9]* pages: [0-9]* of one word'
"$D" -e zram -t $trace -s mem_limit=4KiB >"$dir/t" 2>&1 || failed=1
has "$dir/t" '^  refused .* mem_limit or disksize: stays in memory$'

# Scenarios.
printf 'scenario A\nstart 0\nmap 0 0 2\nfill 0 0 2 id 1 0 0\nscan\nscan\nsnap 1\n' >"$dir/s"
"$D" scenario "$dir/s" --paranoid -o "$dir/rows" || failed=1
has "$dir/rows" '^scenario	step	full_scans_done	pages_shared	'
has "$dir/rows" '^A	1	2	1	1	0	0	0	0	0	2	3968	4	0	0	256	0	1$'
"$D" scenario -s version=6.1 "$dir/s" >"$dir/rows" || failed=1
has "$dir/rows" '^A	1	2	1	1	0	0	0	0	-	2	-	-	-	0	256	0	-$'
printf 'scenario A\nset smart_scan 0\nset max_page_sharing 9\nsnap 0\n' \
	>"$dir/late"
"$D" scenario -s version=6.1 "$dir/late" >"$dir/rows" || failed=1
has "$dir/rows" '^A	0	.*	9	0	-$'
printf 'scenario A\nset smartscan 0\n' >"$dir/no"
refuse 1 "$dir/no:2: no such tunable: \"smartscan\"" \
	scenario "$dir/no" -o "$dir/made/rows"
refuse 2 'expected KEY=VALUE' scenario --set version "$dir/s"
printf 'map 0 0 2\n' >"$dir/odd"
: >"$dir/empty"
printf 'scenario A\nscann\n' >"$dir/typo"
refuse 2 'takes one FILE' scenario
refuse 2 'takes one FILE' scenario "$dir/s" "$dir/s"
refuse 1 'the first line is neither' scenario "$dir/odd"
refuse 1 'the first line is neither' scenario "$dir/empty"
refuse 1 "$dir/odd:1: expected: scenario ID" scenario --as ksm "$dir/odd" \
	-o "$dir/made/rows"
refuse 1 "$dir/typo:2: no operation \"scann\"; did you mean \"scan\"?" \
	scenario "$dir/typo" -o "$dir/made/rows"
refuse 2 'no language "xen"; there are ksm, zram' scenario --as xen "$dir/s"
printf '# zram\nv 0 init - -\nv 1 write 0-2 4096*3\n' >"$dir/z"
refuse 1 'takes no tunables' scenario -s version=6.1 "$dir/z" -o "$dir/made/rows"
"$D" scenario "$dir/z" --paranoid >"$dir/rows" || failed=1
has "$dir/rows" '^vector	step	op	slots	sizes	result	orig_data_size	'
has "$dir/rows" '^v	1	write	0-2	4096\*3	ok	12288	12288	12288	0	12288	0	0	3	3$'
printf '# zram\nv 0 init - -\nv 1 write 0 5000\n' >"$dir/z"
refuse 1 "$dir/z:3: not a list of sizes up to a page: \"5000\"" \
	scenario "$dir/z" -o "$dir/made/rows"
refuse 1 "$dir/none" scenario "$dir/none"

[ $failed -eq 0 ] || exit 1
echo "$cases cases as they should be"
