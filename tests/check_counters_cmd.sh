#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# --counters: each event has a count or a reason, CPU time is always there, and
# results are the same bytes with and without.

D=${DEDUPSIM:-build/dedupsim}
trace=traces/samples/guests.trace
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
complain() {
	echo "$1"
	failed=1
}

run() {
	"$D" --trace $trace --until scans=2 --json "$dir/$1.json" \
		--tsv "$dir/$1.tsv" --timeline "$dir/$1.line" \
		>"$dir/$1.text" 2>"$dir/$1.said"
}

run plain || complain "a plain run fails"
set -- PERF_COUNT_SW_TASK_CLOCK cycles instructions no-such-event
list=$(echo "$@" | tr ' ' ',')
"$D" --counters "$list" --trace $trace --until scans=2 --json "$dir/with.json" \
	--tsv "$dir/with.tsv" --timeline "$dir/with.line" \
	>"$dir/with.text" 2>"$dir/with.said" || complain "refused events end a run"
for f in json tsv line text; do
	cmp "$dir/plain.$f" "$dir/with.$f" || complain "$f differs with --counters"
done
[ ! -s "$dir/plain.said" ] || complain "a plain run says $(cat "$dir/plain.said")"
[ "$(wc -l <"$dir/with.said")" -eq 5 ] ||
	complain "not a line each: $(cat "$dir/with.said")"
grep -qE '^engine: thread CPU time [0-9.]+ (ns|us|ms|s)$' "$dir/with.said" ||
	complain "no CPU time: $(cat "$dir/with.said")"
for name in "$@"; do
	grep -qE "^engine: $name ([1-9][0-9]*|not counted: ..*)" \
		"$dir/with.said" || complain "neither count nor reason for $name"
done
grep -q '^engine: no-such-event not counted: this processor has no such event' \
	"$dir/with.said" || complain "an event that nobody has is counted"

# As a processor that need not be here: what the kernel is asked for.
LIBPFM_FORCE_PMU=amd64_fam19h_zen4 "$D" --quiet --trace $trace --until scans=1 \
	--counters RETIRED_INSTRUCTIONS,CYCLES_NOT_IN_HALT \
	>/dev/null 2>"$dir/zen4" || complain "a forced processor ends a run"
for want in 'RETIRED_INSTRUCTIONS 0xc0' 'CYCLES_NOT_IN_HALT 0x76'; do
	name=${want% *}
	grep -qE "^engine: $name ([1-9][0-9]*( |$)|not counted: .* ${want#* }: )" \
		"$dir/zen4" || complain "$name: $(cat "$dir/zen4")"
done

# In the bench, too.
"$D" bench --exact --only visits/same --counters no-such-event gate \
	>/dev/null 2>"$dir/bench" || complain "bench: refused events end it"
grep -q '^measured parts: no-such-event not counted: ' "$dir/bench" ||
	complain "bench: $(cat "$dir/bench")"

for bad in '' ',' 'cycles,'; do
	"$D" --trace $trace --counters "$bad" >/dev/null 2>"$dir/bad"
	status=$?
	[ $status -eq 2 ] || complain "--counters '$bad': status $status"
done

[ $failed -eq 0 ] || exit 1
echo "a count or a reason for each of $# events"
