#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh PROGRAM...: run each, JOBS at a time, show what matters, sum up.
# A Check program counts its tests, anything else counts as one; a program that
# fails shows all it said.

if [ "$1" = --one ]; then
	log=$B/logs/$(basename "$2").log
	case $2 in
	*/fuzz/replay_*)
		name=${2##*/replay_fuzz_}
		"$2" "tests/fuzz/corpus/$name" >"$log" 2>&1 ;;
	*.sh)	sh "$2" >"$log" 2>&1 ;;
	*)	"$2" >"$log" 2>&1 ;;
	esac
	status=$?
	sum=$(grep -E '^[0-9]+%: Checks: ' "$log" | tail -n 1)
	echo "$status ${sum:-none}" >"$log.sum"
	if [ $status -ne 0 ]; then
		printf 'FAILED %s (status %d)\n%s\n' "$2" $status "$(cat "$log")"
	else
		printf '%-28s %s\n' "$(basename "$2")" \
			"${sum:-$(tail -n 1 "$log")}"
	fi
	exit 0
fi

export B="${B:-build}"
rm -rf "$B/logs"
mkdir -p "$B/logs"
[ $# -eq 0 ] || printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-1}" sh "$0" --one
for p in "$@"; do
	echo "$p $(cat "$B/logs/$(basename "$p").log.sum" || echo 1 none)"
done | awk '
	# program status 100%: Checks: n, Failures: f, Errors: e
	$2 != 0 { list = list "  " $1 "\n" }
	$4 == "Checks:" {
		bad = $7 + $9
		if ($2 != 0 && bad == 0) bad = 1
		pass += $5 - bad; fail += bad; next
	}
	{ if ($2 == 0) pass++; else fail++ }
	END {
		if (fail) printf "\nfailed:\n%s", list
		printf "%d passed, %d failed\n", pass, fail; exit fail > 0
	}'
