#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Do the result files of small recordings still say what they said?
#
#	tests/check_golden.sh           compare
#	tests/check_golden.sh show      the counts of check_vectors, too (make golden)
#	tests/check_golden.sh write     make what is now the new truth

D=${DEDUPSIM:-build/dedupsim}
B=${B:-build}
how=$1
out=$B/golden
mkdir -p "$out" || exit 1
runs=0
failed=0

# differ FILE: the golden one against what it is now
differ() {
	if [ "$how" = write ]; then
		cmp -s "tests/golden/$1" "$out/$1" || {
			cp "$out/$1" "tests/golden/$1" || exit 1
			echo "tests/golden/$1 written"
		}
		return
	fi
	[ -e "tests/golden/$1" ] || {
		echo "tests/golden/$1 is not there"
		failed=1
		return
	}
	diff -u "tests/golden/$1" "$out/$1" || failed=1
}

# one NAME TRACE ARGUMENT...: without the version, which is nothing that a run
# found out
one() {
	file=$1.tsv
	from=$2
	shift 2
	"$D" --trace "$from" "$@" --tsv "$out/all" || exit 1
	grep -v "^# dedupsim	" "$out/all" >"$out/$file"
	rm "$out/all"
	differ "$file"
	made="$made $file"
	runs=$((runs + 1))
}

for trace in traces/samples/*.trace tests/golden/*.txt; do
	name=$(basename "${trace%.*}")
	check="--quiet"
	[ "${trace##*.}" = trace ] || check="--quiet --paranoid 1"
	# shellcheck disable=SC2086 # several words
	{
		one "$name-none" "$trace" --engine none $check
		one "$name-oracle" "$trace" --engine oracle $check
		one "$name-ksm" "$trace" --engine ksm $check
		one "$name-ksm-fixpoint" "$trace" --engine ksm $check \
			--until fixpoint --set use_zero_pages=1
		one "$name-zram" "$trace" --engine zram $check \
			--timeline "$out/timeline"
	}
done
store="tests/golden/store.text --quiet --paranoid 1 --engine tmem --cpu none"
# shellcheck disable=SC2086
{
	one store-tmem $store --set guest_room=1MiB
	one store-tmem-R3 $store --set revision=R3 \
		--set defects=as_shipped --set compress=1
}
# Made by tests/check_vectors, which also compares it.
[ -z "$how" ] || differ ksm-meter.tsv
for f in tests/golden/*.tsv; do
	case " $made ksm-meter.tsv " in
	*" $(basename "$f") "*) ;;
	*)
		echo "$f: no run makes it"
		failed=1 ;;
	esac
done
if [ $failed -ne 0 ]; then
	echo "golden: results have changed; make golden GOLDEN=write takes them over"
	exit 1
fi
[ $runs -gt 0 ] || exit 1
echo "$runs runs as ever"
