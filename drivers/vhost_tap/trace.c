// SPDX-License-Identifier: GPL-2.0
/* trace.c - instantiate the tracepoints */
#include "vtap.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
