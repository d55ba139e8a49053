#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Does the comparison with a kernel find what differs, and do the probe's
# scenarios mean what they meant when kernels were asked about them?

probe=${B:-build}/tests/fidelity/probe
compare=tests/fidelity/compare.awk
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
cases=0

complain()
{
	echo "$1"
	failed=1
}

# judge STATUS WORDS: compare the tables a and b of $dir
judge()
{
	cases=$((cases + 1))
	said=$(awk -f $compare -v left=kernel -v right=dedupsim \
		-v key='scenario step' -v skip=action -v groups=scenarios \
		"$dir/a" "$dir/b" 2>&1)
	status=$?
	[ $status -eq "$1" ] || complain "case $cases: status $status: $said"
	case $said in
	*"$2"*) ;;
	*) complain "case $cases: said \"$said\", not \"$2\"" ;;
	esac
}

table()
{
	printf "$@" | tr ' ' '\t'
}

# told SUM ID...: the operations of these scenarios have this checksum
told()
{
	want=$1
	shift
	cases=$((cases + 1))
	got=$("$probe" -t "$@" | cksum)
	[ "$got" = "$want" ] ||
		complain "probe -t $1 …: checksum $got, not $want"
}

table '# x\nscenario step action un sh\nR1 0 go 5 1\nR1 1 on 6 2\nR2 0 - 7 3\n' \
	>"$dir/a"
table 'scenario step sh un\nR1 0 1 5\nR1 1 2 6\nR2 0 3 7\n' >"$dir/b"
judge 0 'fidelity: 3 rows of 2 scenarios compared, 0 differences'
table 'scenario step sh un\nR1 0 1 5\nR1 1 4 6\nR2 0 3 7\n' >"$dir/b"
judge 1 'scenario R1 step 1: sh: kernel 2, dedupsim 4'
judge 1 'fidelity: 3 rows of 2 scenarios compared, 1 differences'
table 'scenario step sh un\nR1 0 1 5\nR2 0 3 7\n' >"$dir/b"
judge 1 'scenario R1 step 1: dedupsim has no such row'
table 'scenario step sh un\nR1 0 1 5\nR1 1 2 6\nR2 0 3 7\nR2 1 0 0\n' >"$dir/b"
judge 1 'scenario R2 step 1: only dedupsim has this row'
table 'scenario step sh\nR1 0 1\nR1 1 2\nR2 0 3\n' >"$dir/b"
judge 1 'un: dedupsim has no such column'
table 'scenario sh un\nR1 1 5\n' >"$dir/b"
judge 1 'no column step'
: >"$dir/b"
judge 1 'has no such row'

told '4000659606 9764' $("$probe" -l | cut -f 1)
told '913073943 321617' $(awk 'BEGIN { for (i = 1; i <= 300; i++) print "R" i }')
told '538740076 1106' R999999999999999

[ $failed -eq 0 ] || exit 1
echo "$cases comparisons and scenarios judged rightly"
