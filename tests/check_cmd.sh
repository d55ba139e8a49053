#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user meets before anything runs: help, mistakes, exit statuses.

D=${DEDUPSIM:-build/dedupsim}
sample=traces/samples/guests.trace
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cases=0
failed=0

# expect STATUS WORDS ARGUMENT...: that exit status, and the words in what was
# said; a failure says one line, on stderr, that begins with "dedupsim: "
expect() {
	status=$1
	words=$2
	shift 2
	cases=$((cases + 1))
	"$D" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ $got -ne "$status" ] || ! cat "$dir/out" "$dir/err" |
		grep -qF -e "$words"; then
		echo "dedupsim $*: status $got, not $status, or no \"$words\":"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
	if [ "$status" -ne 0 ] && { [ -s "$dir/out" ] ||
		[ "$(wc -l <"$dir/err")" -ne 1 ] ||
		! grep -q '^dedupsim: ' "$dir/err"; }; then
		echo "dedupsim $*: not one line on stderr:"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
	if [ "$status" -eq 0 ] && [ -s "$dir/err" ]; then
		echo "dedupsim $*: talks although all is well:"
		cat "$dir/err"
		failed=1
	fi
}

expect 0 'Usage: dedupsim --engine NAME --trace FILE' --help
expect 0 'Usage: dedupsim --engine NAME --trace FILE' help
expect 0 'dedupsim 0.' --version
expect 2 'dedupsim --help'
for c in run list import trace scenario docs; do
	expect 0 "Usage: dedupsim $c" $c --help
	expect 0 "Usage: dedupsim $c" help $c
	expect 0 "  $c" list commands
done
expect 0 'Usage: dedupsim trace info' trace info --help
expect 0 'Usage: dedupsim trace info' help trace info
expect 2 'did you mean "import"?' imprt
expect 2 'did you mean "import"?' help imprt
expect 2 'no command "zzzzzzzzzz"' zzzzzzzzzz
expect 2 'did you mean "verify"?' trace verfy x.trace
expect 2 'did you mean "ksm"?' --engine kms --trace $sample
expect 2 'did you mean "ksm"?' run --engine kms --trace $sample
expect 2 'no-such' --no-such-option
expect 2 'did you mean "epyc-zen5-vm"?' --trace $sample --cpu epic-zen5-vm
expect 2 'did you mean "epyc-zen5-vm"?' list cpus epyc-zen5
expect 0 'e5-2650v4' list cpus
expect 0 'dram_load' list cpus epyc-zen5-vm
"$D" list cpus neoverse-n1 >"$dir/own.conf" || exit 1
expect 0 'of CPU time on own.conf' --trace $sample --cpu "$dir/own.conf"
echo 'atomic 3ns [meas]' >>"$dir/own.conf"
expect 2 'own.conf:22: atomic: the source is missing' --trace $sample \
	--cpu "$dir/own.conf"
expect 2 'pages_to_scn' --engine ksm --trace $sample --set pages_to_scn=1
expect 2 'pages_to_scan' --engine ksm --trace $sample --set pages_to_scan=-1
expect 1 "$dir/none.trace" --engine ksm --trace "$dir/none.trace"
printf 'not a trace' >"$dir/odd.trace"
expect 1 "$dir/odd.trace" --engine ksm --trace "$dir/odd.trace"

expect 0 'ksm' list
expect 0 'ksm' list engines
expect 0 'binary' list readers
expect 0 'raw' list importers
expect 0 'pages_to_scan' list options ksm
expect 0 'pages_to_scan' list options
expect 2 'did you mean "ksm"?' list options kms
expect 2 'did you mean "engines"?' list engine
expect 2 'one word too many' list engines ksm
expect 2 '--loud' list --loud
expect 0 '.TH DEDUPSIM 1' docs
expect 2 'format' docs --format html

# Standard output that takes nothing.
cases=$((cases + 1))
"$D" list >/dev/full 2>"$dir/err"
if [ $? -ne 1 ] || ! grep -q '^dedupsim: standard output: ' "$dir/err"; then
	echo "a full disk on stdout goes unnoticed"
	failed=1
fi
cases=$((cases + 1))
"$D" list >&- 2>"$dir/err"
if [ $? -ne 1 ] || ! grep -q '^dedupsim: standard output: ' "$dir/err"; then
	echo "a closed stdout goes unnoticed"
	failed=1
fi
cases=$((cases + 1))
"$D" --engine none --trace $sample --json /dev/full >"$dir/out" 2>"$dir/err"
if [ $? -ne 1 ] || ! grep -q '^dedupsim: .*/dev/full' "$dir/err"; then
	echo "a full disk under --json goes unnoticed"
	failed=1
fi

[ $failed -eq 0 ] || exit 1
echo "$cases command lines answered rightly"
