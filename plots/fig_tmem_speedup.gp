# SPDX-License-Identifier: GPL-2.0-or-later
# plot: Speed-up of tmem's calls against the share of its heaviest shard
# data: what `dedupsim scale --tsv FILE` writes
# needs: pages cpus heaviest_shard speedup bound bound_mean
width = 8.5
height = 12.5
load "plots/style.gp"

# Dark to light with fewer processors; each has its own mark too.
array cpus[4] = [16, 8, 4, 2]
array colour[4] = ["#0b3c7d", "#c4570a", "#6fae3d", "#808080"]
array mark[4] = [7, 5, 9, 13]

is(pages, t) = strcol("pages") eq pages && column("cpus") == t
x(pages, t) = is(pages, t) ? column("heaviest_shard") * 100 : NaN

set xrange [0:100]
set logscale y 2
set yrange [1:18]
set ytics (1, 2, 4, 8, 16)
set ylabel "speed-up"
set lmargin 7
set rmargin 3
set multiplot

set origin 0, 0.56
set size 1, 0.44
set title "Raw pages" offset 0, -0.5
unset xlabel
unset key
plot for [i = 1:4] data using (x("raw", cpus[i])):(column("speedup")) \
	with linespoints lc rgb colour[i] lw 2 pt mark[i] ps 0.6, \
     for [i = 1:4] data using (x("raw", cpus[i])):(column("bound")) \
	with lines lc rgb colour[i] lw 1 dt (4, 4)

set origin 0, 0
set size 1, 0.56
set title "Compressed pages" offset 0, -0.5
set xlabel sprintf("locks of shards that are the heaviest's, %s", percent)
set key at screen 0.5, 0.01 bottom center vertical maxrows 3 samplen 3
set bmargin 7.5
plot for [i = 1:4] data using (x("compressed", cpus[i])):(column("speedup")) \
	with linespoints lc rgb colour[i] lw 2 pt mark[i] ps 0.6 \
	title sprintf("%d processors", cpus[i]), \
     for [i = 1:4] data using (x("compressed", cpus[i])):(column("bound")) \
	with lines lc rgb colour[i] lw 1 dt (4, 4) \
	title (i == 1 ? "at most" : "")

unset multiplot
