# SPDX-License-Identifier: GPL-2.0-or-later
# plot: Density and the price of page frames against the length of objects
# data: what `dedupsim reclaim --compact --tsv FILE` writes
# needs: pool policy compaction share churned_bytes churned_objects churned_pages evicted_objects freed_pages
# column: sizes 1 lengths
# column: pool 1 pool
# column: policy 1 evicted
# column: compaction 1 compaction
# column: churned_objects 1 objects
# column: churned_pages 1 frames
# column: freed_pages 1 freed
# column: evicted_objects 1 objects evicted
# column: evicted_bytes 1 bytes evicted
# column: moved_bytes 1 bytes copied
if (!exists("share")) share = "5%"
width = 8.5
height = 12.5
load "plots/style.gp"
shown = share[1:strlen(share) - 1].percent

# Dark to light, so that they stay apart in grey; each has its own mark too.
zs = "#0b3c7d"; zb = "#c4570a"; zf = "#6fae3d"

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
set lmargin 8
set rmargin 2
set multiplot

set origin 0, 0.63
set size 1, 0.37
unset bmargin
set title "Density after churn" offset 0, -0.5
set ylabel "objects per frame"
unset xlabel
unset logscale y
set yrange [0.8:6]
set ytics 1, 1
set key default
set key inside top right reverse Left samplen 3
plot data using (x(is("zsmalloc", "oldest-object", "no"))):(density("zsmalloc", "oldest-object")) \
	with linespoints lc rgb zs lw 2 pt 7 ps 0.6 title "zsmalloc", \
     data using (x(is("z3fold", "own-order", "no"))):(density("z3fold", "own-order")) \
	with linespoints lc rgb zf lw 2 pt 9 ps 0.7 title "z3fold", \
     data using (x(is("zbud", "own-order", "no"))):(density("zbud", "own-order")) \
	with linespoints lc rgb zb lw 2 pt 5 ps 0.6 title "zbud"

set origin 0, 0
set size 1, 0.63
set title sprintf("Price of the first %s of the frames", shown) offset 0, -0.5
set ylabel "objects evicted per frame freed"
set xlabel "mean length of objects, bytes (deviation 500)"
set logscale y 2
set yrange [0.5:64]
set ytics (0.5, 1, 2, 4, 8, 16, 32, 64)
set key at screen 0.55, 0.01 bottom center vertical maxrows 5 samplen 3
set bmargin 9.5
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
