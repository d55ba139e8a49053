#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `dedupsim plot` as a user meets it.  Drawing itself is tested where there is a
# gnuplot; everything else needs none.

D=${DEDUPSIM:-build/dedupsim}
case $D in /*) ;; *) D=$PWD/$D ;; esac
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tmp" "$dir/made" "$dir/bin"
TMPDIR=$dir/tmp
export TMPDIR
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
	PATH=${path:-$PATH} "$D" plot "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	[ $got -eq "$status" ] || wrong "plot $*: status $got, not $status"
	[ ! -s "$dir/out" ] || wrong "plot $*: says something on stdout"
	{ [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -qF -e "$words" "$dir/err"; } ||
		wrong "plot $*: not one line with \"$words\": $(cat "$dir/err")"
	left=$(ls -A "$dir/made" "$dir/tmp" | grep -v ':$')
	[ -z "$left" ] || wrong "plot $*: leaves $left behind"
}
# good ARGUMENT...: works without a word
good() {
	cases=$((cases + 1))
	"$D" plot "$@" >"$dir/out" 2>&1 </dev/null ||
		wrong "plot $*: fails: $(cat "$dir/out")"
	[ ! -s "$dir/out" ] || wrong "plot $*: talks: $(cat "$dir/out")"
	left=$(ls -A "$dir/tmp")
	[ -z "$left" ] || wrong "plot $*: leaves $left behind"
}
has() {
	cases=$((cases + 1))
	grep -qF -e "$2" "$1" || wrong "no \"$2\" in $1: $(head -n 40 "$1")"
}

# Each script is a figure of the program and one that `make plots` draws.
"$D" list figures >"$dir/figures" || wrong "list figures fails"
figures=" $(sed -n 's/^FIGURES := //p' Makefile) "
for gp in plots/fig_*.gp; do
	name=${gp#plots/fig_}
	name=${name%.gp}
	has "$dir/figures" "  $name "
	case $figures in
	*" $name "*) ;;
	*) wrong "$gp is not among FIGURES of the Makefile" ;;
	esac
done

cd "$dir" || exit 1
tab=$(printf '\t')
run() {
	printf '# engine\tksm\nscope\tname\tindex\tunit\tvalue\n'
	printf 'cost\t%s\t-\tns\t%d\n' ns "$1" low_ns $(($1 / 2)) \
		high_ns $(($1 * 2)) checksum_ns $(($1 / 4)) scan_ns 1000
	printf 'saved\tsaved_pages\t-\tpages\t12345\n'
}
run 1000000000 >a.tsv
run 3000000000 >b_1.tsv
# A figure of one's own.
cat >own.gp <<'END'
# plot: x and y
# needs: x y
load "plots/style.gp"
plot data using "x":"y" with linespoints ls 1 title "a_b<c>&"
END
printf 'x\ty\n1\t2\n2\tNaN\n3\t5\n' >xy.tsv

refuse 2 'no figure; `dedupsim list figures`' -o made/x.svg
refuse 2 'no data to draw' cost -o made/x.svg
refuse 2 '--out FILE is missing' cost a.tsv
refuse 2 'no figure "cots"; did you mean "cost"?' cots a.tsv -o made/x.svg
refuse 2 'ends in none of .svg' cost a.tsv -o made/x
refuse 2 'ends in none of .svg' cost a.tsv -o -
refuse 2 'has to end in .tex' cost a.tsv -f tex -o made/x.pdf
refuse 2 'is not one of auto, svg' cost a.tsv -f gif -o made/x.pdf
refuse 2 'expected [LABEL=]FILE' cost =a.tsv -o made/x.svg
refuse 2 'none.gp: No such file' none.gp xy.tsv -o made/x.svg
refuse 1 'none.tsv: No such file' cost none.tsv -o made/x.svg
refuse 1 'xy.tsv: no results of a run' cost xy.tsv -o made/x.svg
refuse 1 'no "time_ns" in it; figure timeline wants what' timeline xy.tsv \
	-f booktabs -o made/x.tex
refuse 1 'is drawn from one file' timeline xy.tsv xy.tsv -o made/x.tsv
refuse 1 "$dir/none/x.tsv" cost a.tsv -o "$dir/none/x.tsv"
path=$dir/bin
refuse 1 'gnuplot is not installed' cost a.tsv -o made/x.svg
printf '#!/bin/sh\necho\necho "\\"figure.gp\\" line 9: it is broken" >&2\nexit 1\n' \
	>bin/gnuplot
chmod +x bin/gnuplot
path=$dir/bin:/bin:/usr/bin
refuse 1 'gnuplot: "figure.gp" line 9: it is broken' \
	cost a.tsv -o made/x.svg
printf '#!/bin/sh\nexit 0\n' >bin/gnuplot
refuse 1 'gnuplot: drew no pdf' cost a.tsv -o made/x.pdf
refuse 1 'letters, digits and' cost a.tsv -o "made/x'y.svg"
path=

# The data and the table.
good cost a.tsv smart_scan=0=b_1.tsv -o made/d.tsv
has made/d.tsv "run${tab}cost.ns${tab}cost.low_ns"
has made/d.tsv "a${tab}1000000000${tab}500000000"
has made/d.tsv "smart_scan=0${tab}3000000000"
good cost a.tsv b_1.tsv -f booktabs -o made/t.tex
has made/t.tex '\toprule'
has made/t.tex 'ms & a & b\_1 '
has made/t.tex 'checksums & 250.0 & 750.0 '
"$D" plot cost a.tsv -f tsv -o - | cmp -s - "$(
	"$D" plot cost a.tsv -o made/e.tsv; echo made/e.tsv)" ||
	wrong "standard output has other data"
rm -f made/*

if command -v gnuplot >/dev/null; then
	for f in svg pdf png tex; do
		for i in 1 2; do
			mkdir -p made/$i
			good cost a.tsv b_1.tsv -o made/$i/f.$f
		done
		[ -s made/1/f.$f ] || wrong "no $f"
		[ -s made/1/f.tsv ] || wrong "no data beside $f"
		[ $f != tex ] || [ -s made/1/f.pdf ] || wrong "no PDF for tex"
		[ $f != tex ] || has made/1/f.tex '}b\_1}'
		diff -r made/1 made/2 >/dev/null ||
			wrong "two figures as $f differ in their bytes"
		rm -rf made/*
	done
	good own.gp xy.tsv -o made/o.svg --no-data
	has made/o.svg 'a_b&lt;c'
	cases=$((cases + 1))
	[ "$(ls made)" = o.svg ] || wrong "--no-data wrote $(ls made)"
	cp xy.tsv made/o.tsv
	good own.gp made/o.tsv -o made/o.svg
	cmp -s xy.tsv made/o.tsv || wrong "the data it was drawn from changed"
	good own.gp xy.tsv -f svg -o made/p.x
	"$D" plot own.gp xy.tsv -f svg -o - | grep -q '<svg' ||
		wrong "no SVG on standard output"
	rm -f made/*
	echo 'plot nonsense' >>own.gp
	refuse 1 'gnuplot: ' own.gp xy.tsv -o made/x.svg
else
	echo "no gnuplot here: nothing was drawn"
fi
[ $failed -eq 0 ] || exit 1
echo "$cases cases of plot as they should be"
