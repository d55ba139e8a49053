# SPDX-License-Identifier: GPL-2.0-or-later
# plot: Saved memory, and the processor time of the engine's threads, over time
# data: what `dedupsim --timeline FILE` writes
# needs: time_ns saved.saved_pages saved.zero_pages cpu.workers_ppm
# column: time_ns 1000000000.0 time, s
# column: saved.saved_pages 256.0 saved, MiB
# column: saved.zero_pages 256.0 zeros, MiB
# column: cpu.workers_ppm 10000.00 of a CPU, %
width = 8.5
height = 7.2
load "plots/style.gp"

s(t) = t / 1e9
mib(pages) = pages / 256.0
stats data using (column("cpu.workers_ppm") / 1e4) nooutput
top_share = STATS_max
stats data using (mib(column("saved.saved_pages"))) nooutput
top_saved = STATS_max

set lmargin 8.5
set rmargin 1.5
set yrange [0:*]
set autoscale xfixmax
set multiplot
set origin 0, 0.42
set size 1, 0.58
set format x ""
set bmargin 0.8
set tmargin 2.4
set ytics step(top_saved)
set ylabel "MiB saved" offset 0.8, 0
set key at screen 0.55, 0.995 center top horizontal maxrows 1 samplen 1.5 width -2
plot data using (s(column("time_ns"))):(mib(column("saved.saved_pages"))) \
		with filledcurves x1 fs solid fc rgb area[2] title "saved", \
	"" using (s(column("time_ns"))):(mib(column("saved.zero_pages"))) \
		with filledcurves x1 fs solid fc rgb "#6d8fc7" title "of this, pages of zeros", \
	"" using (s(column("time_ns"))):(mib(column("saved.saved_pages"))) \
		with lines ls 3 notitle

set origin 0, 0
set size 1, 0.42
set format x "%g"
set bmargin 3.2
set tmargin 0.6
set xlabel "simulated time, s" offset 0, 0.4
set ytics step(top_share)
set ylabel percent." of a CPU" offset 0.8, 0
set key off
plot data using (s(column("time_ns"))):(column("cpu.workers_ppm") / 1e4) \
		with fsteps ls 4 dt 1
unset multiplot
