// SPDX-License-Identifier: GPL-2.0
/*
 * An object is of one module, so each test module compiles this for itself.
 */

#include "../../conformance/probe.c"
