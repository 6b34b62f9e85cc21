# SPDX-License-Identifier: GPL-2.0
#
# Draws what an object takes in a cache of its own and in a bucket of kmalloc(). scripts/plot.py sets:
# data, a table of layouts with a column for each; out, the file; terminal.

set terminal @terminal
set output out
set key top left noenhanced
set xlabel "size/alignment of an object, in bytes"
set ylabel "bytes taken for each byte of it"
set grid y
set yrange [1:*]
set style data histogram
set style fill solid 0.6
set xtics rotate by -45

plot for [n = 2:3] data using n:xtic(1) title columnheader(n)
