# SPDX-License-Identifier: GPL-2.0-or-later
# awk -f tests/floors.awk FILE...: fails on an include that does not go down.
# A directory may include itself; engines may include neither each other nor
# prices; every include is written from the root of the tree.
BEGIN {
  n = split("sim/base=0 sim/core=1 traces=2 workloads=2 models=2 sim/machine=3 " \
            "sim/pool=4 sim/engine=5 sim/report=6 sim/run=7 bench=8 sim/cmd=9 " \
            "sim/main.c=10 tests=11", pair, " ")
  for (i = 1; i <= n; i++) {
    split(pair[i], side, "=")
    floor[side[1]] = side[2] + 0
  }
}
function place(path,  dir) {          # the part of the tree a file belongs to
  for (dir in floor)
    if (path == dir || index(path, dir "/") == 1) return dir
  return ""
}
function engine(path) {               # ksm.c, ksm_tree.h, ksm/tree.h: ksm
  sub("^sim/engine/", "", path); sub("[/_.].*", "", path)
  return path
}
function complain(what) {
  printf "%s:%d: includes \"%s\": %s\n", FILENAME, FNR, inc, what > "/dev/stderr"
  bad = 1
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
  split($0, quoted, "\""); inc = quoted[2]
  from = place(FILENAME); to = place(inc)
  if (to == "")
    complain("not a path from the root of the tree")
  else if (from != "" && from != to && floor[to] >= floor[from])
    complain(floor[to] > floor[from] ? "goes up" : "goes sideways")
  else if (from == "sim/engine" && inc == "models/cost.h")
    complain("engines count, models price")
  else if (from == "sim/engine" && to == from && inc !~ /\.def$/ &&
           engine(inc) != "engine" && engine(inc) != engine(FILENAME))
    complain("engines do not know each other")
}
END { exit bad }
