# SPDX-License-Identifier: GPL-2.0
#
# Draws one of the bench's plots. scripts/plot.py sets: data, a table with a column for each path
# under its name; out, the file; terminal; xaxis and yaxis, what is on the axes; and xmax, the
# largest x.

set terminal @terminal
set output out
set key outside right center reverse Left noenhanced
set xlabel xaxis
set ylabel yaxis
set grid
set logscale y 10
if (xmax > 8) { set logscale x 2; set format x "2^{%L}" } else { set xtics 1; set logscale y 2 }

stats data skip 1 nooutput
plot for [n = 2:STATS_columns] data using 1:n with linespoints linewidth 2 title columnheader(n)
