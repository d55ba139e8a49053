# SPDX-License-Identifier: GPL-2.0-or-later
# Cycles per line against the size of an array of zeros that is read again and
# again.
#	gnuplot -e "data='colour.tsv'; out='fig_colour'" plots/fig_colour.gp
# writes OUT.svg and OUT.png from the TSV of `dedupsim colour`.

if (!exists("data")) data = "colour.tsv"
if (!exists("out")) out = "fig_colour"
load "plots/style.gp"

machines = "z13 r4400sc"
titles = "'IBM z13, lines of 256 bytes' 'MIPS R4400SC, lines of 32 bytes'"

# one case of one machine, when it was read before; sizes in KiB
part(m, c) = sprintf("< awk -F '\t' '$1 == \"%s\" && $3 == \"%s\" " . \
	"{ print $2 / 1024 \"\t\" $12 }' %s", m, c, data)

set logscale x 2
set logscale y 10
set xrange [3.2:165000]
set yrange [1.5:300]
set xtics ("4 KiB" 4, "64 KiB" 64, "1 MiB" 1024, "16 MiB" 16384)
set ytics (2, 5, 10, 20, 50, 100, 200)
set xlabel "size of the array" offset 0,0.3
set key at screen 0.53,0.01 center bottom horizontal maxrows 2 maxcols 2 \
	reverse Left samplen 3 width 2 spacing 1.1

do for [kind in "svg png"] {
	if (kind eq "svg") {
		set terminal svg size 680,360 font "Helvetica,12" name "colour" \
			background "#ffffff"
	} else {
		set terminal pngcairo size 1360,720 fontscale 1 \
			font "Helvetica,24" linewidth 2 pointscale 1.8
	}
	set output out.".".kind
	set multiplot layout 1,2 margins 0.115,0.985,0.335,0.92 spacing 0.075
	do for [i=1:2] {
		m = word(machines, i)
		set title word(titles, i) offset 0,-0.5
		if (i == 1) {
			set ylabel "cycles per line" offset 1.2,0
			set key on
		} else {
			unset ylabel
			set key off
		}
		plot part(m, "private") with linespoints ls 1 \
				title "private pages", \
			part(m, "ksm") with linespoints ls 2 \
				title "one KSM page", \
			part(m, "coloured") with linespoints ls 3 \
				title "coloured zero pages", \
			part(m, "ksm_uzp") with linespoints ls 4 \
				title "KSM, use\\_zero\\_pages"
	}
	unset multiplot
	unset output
}
