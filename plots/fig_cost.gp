# SPDX-License-Identifier: GPL-2.0-or-later
# plot: What runs cost, by what it was spent on, and what they saved
# data: what `dedupsim --tsv FILE` writes, for each run
# rows: cost saved
# needs: cost.ns cost.low_ns cost.high_ns saved.saved_pages
# also: cost.scan_ns cost.checksum_ns cost.tree_walk_ns cost.compare_ns cost.page_table_ns cost.allocation_ns cost.copy_ns cost.codec_ns cost.pool_ns cost.store_ns cost.switch_ns
# turned: yes
# column: run 1 ms
# column: cost.scan_ns 1000000.0 next page
# column: cost.checksum_ns 1000000.0 checksums
# column: cost.tree_walk_ns 1000000.0 tree walks
# column: cost.compare_ns 1000000.0 compares
# column: cost.page_table_ns 1000000.0 page tables
# column: cost.allocation_ns 1000000.0 allocation
# column: cost.copy_ns 1000000.0 copies, faults
# column: cost.codec_ns 1000000.0 compression
# column: cost.pool_ns 1000000.0 pools
# column: cost.store_ns 1000000.0 store calls
# column: cost.switch_ns 1000000.0 wake-ups
# column: cost.ns 1000000.0 together
# column: cost.low_ns 1000000.0 low
# column: cost.high_ns 1000000.0 high
# column: saved.saved_pages 256.0 saved, MiB
groups = "scan checksum tree_walk compare page_table allocation copy codec pool store switch"
array spoken[11] = ["next page", "checksums", "tree walks", "compares", \
	"page tables", "allocation", "copies, faults", "compression", "pools", \
	"store calls", "wake-ups"]
n = words(groups)

set datafile separator "\t"
stats data using (column("cost.high_ns") / 1e9) nooutput
runs = STATS_records
top = STATS_max
unit = top < 2 ? 1e6 : 1e9
top = top * 1e9 / unit
cost(i) = column("cost.".word(groups, i)."_ns") / unit
below(i) = i == 1 ? 0 : (sum [k=1:i-1] cost(k))
saved(pages) = sprintf("%.1f MiB", pages / 256.0)
# A group that costs nothing in any run is not in the key.
array used[11]
keys = 2
do for [i=1:n] {
	stats data using (cost(i)) nooutput
	used[i] = STATS_max > 0
	keys = keys + used[i]
}
lines = (keys + 1) / 2

width = 8.5
height = 2.0 + 0.65 * runs + 0.31 * lines
load "plots/style.gp"

set xrange [0:1.4 * top]
set yrange [runs - 0.5:-0.5]
set xtics step(top) format "%g"
set ytics scale 0
set grid noytics xtics lw 0.5 dt 1 lc rgb "#d0d0d0"
set border 1
set xlabel (unit == 1e6 ? "CPU time, ms" : "CPU time, s") offset 0, 0.4
set rmargin 2
set tmargin 0.5
set bmargin 3.6 + 1.08 * lines
set key at screen 0.5, 0.01 center bottom horizontal maxcols 2 samplen 1.5 width 1
plot for [i=1:n] data using (below(i)):0:(below(i)):(below(i) + cost(i)):($0 - 0.32):($0 + 0.32):yticlabel(label(strcol("run"))) \
	with boxxyerror fs pattern hatch[i] border lc rgb "#000000" fc rgb area[i] \
	title (used[i] ? spoken[i] : ""), \
	"" using (column("cost.ns") / unit):0:(column("cost.low_ns") / unit):(column("cost.high_ns") / unit) \
	with xerrorbars lc rgb "#000000" lw 1.2 pt 0 title "low to high, and", \
	"" using (column("cost.high_ns") / unit):0:(saved(column("saved.saved_pages"))) with labels left offset 0.6, 0 notitle, \
	NaN with points pt 0 title "what is saved"
