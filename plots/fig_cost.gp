# SPDX-License-Identifier: GPL-2.0-or-later
# plot: What a run's work cost, by what it was spent on
# data: what `dedupsim --tsv FILE` writes, for each run
# rows: cost saved
# needs: cost.ns cost.low_ns cost.high_ns saved.saved_pages
# also: cost.scan_ns cost.checksum_ns cost.tree_walk_ns cost.compare_ns cost.page_table_ns cost.allocation_ns cost.copy_ns cost.pool_ns cost.switch_ns
# table: run cost.scan_ns cost.checksum_ns cost.tree_walk_ns cost.compare_ns cost.page_table_ns cost.allocation_ns cost.copy_ns cost.pool_ns cost.switch_ns cost.ns cost.low_ns cost.high_ns saved.saved_pages
groups = "scan checksum tree_walk compare page_table allocation copy pool switch"
array words[9] = ["finding pages", "checksums", "tree walks", "comparing", \
	"page tables", "allocation", "copies", "pools", "waking up"]

stats data using (column("cost.high_ns") / 1e9) nooutput
runs = STATS_records
top = STATS_max
width = 8.5
height = 3.6 + 0.7 * runs
load "plots/style.gp"

cost(i) = column("cost.".word(groups, i)."_ns") / 1e9
below(i) = i == 1 ? 0 : (sum [k=1:i-1] cost(k))
# A group that costs nothing in any run is not in the key.
array used[9]
do for [i=1:9] {
	stats data using (cost(i)) nooutput
	used[i] = STATS_max > 0
}

set xrange [0:*]
set yrange [runs - 0.5:-0.5]
set xtics step(top) format "%g"
set ytics scale 0
set grid noytics xtics lw 0.5 dt 1 lc rgb "#d0d0d0"
set border 1
set xlabel "CPU time, s" offset 0, 0.4
set rmargin 2
set tmargin 0.5
set bmargin 9
set key at screen 0.5, 0.01 center bottom horizontal maxcols 3 samplen 1.5 width 1
plot for [i=1:9] data using (below(i)):0:(below(i)):(below(i) + cost(i)):($0 - 0.32):($0 + 0.32):yticlabel(1) \
	with boxxyerror fs pattern hatch[i] border lc rgb "#000000" fc rgb area[i] \
	title (used[i] ? words[i] : ""), \
	"" using (column("cost.ns") / 1e9):0:(column("cost.low_ns") / 1e9):(column("cost.high_ns") / 1e9) \
	with xerrorbars lc rgb "#000000" lw 1.2 pt 0 title "low to high"
