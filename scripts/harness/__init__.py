# SPDX-License-Identifier: GPL-2.0

"""The harness: the stages from a bare machine to a verdict, for any out-of-tree module."""
