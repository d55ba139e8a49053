# SPDX-License-Identifier: GPL-2.0-or-later
# Density and the price of page frames against the mean length of objects.
#	gnuplot -e "data='reclaim.tsv'; out='fig_reclaim'" plots/fig_reclaim.gp
# writes OUT.svg and OUT.png from the TSV of `dedupsim reclaim`.

if (!exists("data")) data = "reclaim.tsv"
if (!exists("out")) out = "fig_reclaim"
if (!exists("share")) share = "5%"

set datafile separator "\t"
set datafile missing NaN
set encoding utf8
file_exists(f) = int(system("test -e '".f."' && echo 1 || echo 0"))
if (file_exists("plots/style.gp")) load "plots/style.gp"

# Dark to light, so that they stay apart in grey; each has its own mark too.
zs = "#0b3c7d"; zb = "#c4570a"; zf = "#6fae3d"

mean = '(column("churned_bytes") / column("churned_objects"))'
is(pool, policy, compaction) = strcol("pool") eq pool && \
	strcol("policy") eq policy && strcol("compaction") eq compaction && \
	strcol("share") eq share
density(pool, policy) = is(pool, policy, "no") ? \
	column("churned_objects") / column("churned_pages") : NaN
cost(pool, policy, compaction) = is(pool, policy, compaction) ? \
	column("evicted_objects") / column("freed_pages") : NaN
x(ok) = ok ? column("churned_bytes") / column("churned_objects") : NaN

set xrange [600:3700]
set xtics 500 format "%.0f"
set grid ytics lc rgb "#bbbbbb" lw 0.5 dt 1
set border 3
set tics nomirror out
set lmargin 9
set rmargin 2

do for [kind in "svg png"] {
	if (kind eq "svg") {
		set terminal svg size 640,720 font "Helvetica,13" name "reclaim"
	} else {
		set terminal pngcairo size 1280,1440 fontscale 1 \
			font "Helvetica,26" linewidth 2 pointscale 1.6
	}
	set output out.".".kind
	set multiplot

	set origin 0, 0.6
	set size 1, 0.4
	unset bmargin
	set title "Density after churn" offset 0, -0.5
	set ylabel "objects per frame"
	unset xlabel
	unset logscale y
	set yrange [0.8:6]
	set ytics 1, 1
	set key default
	set key inside top right reverse Left samplen 3 spacing 1.1
	plot data using (x(is("zsmalloc", "oldest-object", "no"))):(density("zsmalloc", "oldest-object")) \
		with linespoints lc rgb zs lw 2 pt 7 ps 0.6 title "zsmalloc", \
	     data using (x(is("z3fold", "own-order", "no"))):(density("z3fold", "own-order")) \
		with linespoints lc rgb zf lw 2 pt 9 ps 0.7 title "z3fold", \
	     data using (x(is("zbud", "own-order", "no"))):(density("zbud", "own-order")) \
		with linespoints lc rgb zb lw 2 pt 5 ps 0.6 title "zbud"

	set origin 0, 0
	set size 1, 0.6
	set title sprintf("Price of the first %s of the frames", share) offset 0, -0.5
	set ylabel "objects evicted per frame freed"
	set xlabel "mean length of objects, bytes (deviation 500)"
	set logscale y 2
	set yrange [0.5:64]
	set ytics (0.5, 1, 2, 4, 8, 16, 32, 64)
	set key at screen 0.60, 0.005 bottom center vertical maxrows 3 \
		reverse Left samplen 3 spacing 1.1
	set bmargin 7.5
	plot data using (x(is("zsmalloc", "oldest-object", "no"))):(cost("zsmalloc", "oldest-object", "no")) \
		with linespoints lc rgb zs lw 2 pt 7 ps 0.6 title "zsmalloc, oldest object", \
	     data using (x(is("zsmalloc", "oldest-object", "yes"))):(cost("zsmalloc", "oldest-object", "yes")) \
		with linespoints lc rgb zs lw 2 dt (10, 4) pt 6 ps 0.7 title "zsmalloc, oldest object, compacting", \
	     data using (x(is("zsmalloc", "oldest-zspage", "no"))):(cost("zsmalloc", "oldest-zspage", "no")) \
		with linespoints lc rgb zs lw 2 dt (3, 4) pt 4 ps 0.7 title "zsmalloc, oldest zspage", \
	     data using (x(is("z3fold", "own-order", "no"))):(cost("z3fold", "own-order", "no")) \
		with linespoints lc rgb zf lw 2 pt 9 ps 0.7 title "z3fold, its oldest page", \
	     data using (x(is("zbud", "own-order", "no"))):(cost("zbud", "own-order", "no")) \
		with linespoints lc rgb zb lw 2 pt 5 ps 0.6 title "zbud, its oldest page"

	unset multiplot
	unset output
}
