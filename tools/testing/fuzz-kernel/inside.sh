#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the fuzzer in a kernel with KCOV and fault injection (see fuzz-kernel).
#
# Usage: inside.sh PROGRAM [ARG]...
dbg=/sys/kernel/debug
here=$(cd "$(dirname "$0")" && pwd)

for kind in failslab fail_page_alloc fail_usercopy; do
	echo 0 >$dbg/$kind/verbose || exit 125
done
echo N >$dbg/failslab/ignore-gfp-wait
echo N >$dbg/fail_page_alloc/ignore-gfp-wait
# Not the pages of user space: UML kills a program whose page fault finds no memory.
echo 0 >$dbg/fail_page_alloc/min-order
[[ ! -e $dbg/kmemleak ]] || echo scan=off >$dbg/kmemleak
mount -t tracefs none /sys/kernel/tracing
echo 64 >/sys/kernel/tracing/buffer_size_kb
# The host sends nothing by itself.
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
echo 1 >/proc/sys/kernel/panic_on_warn
echo 15 >/proc/sys/kernel/hung_task_timeout_secs
echo 1 >/proc/sys/kernel/hung_task_panic
grep -H . /sys/module/vhost_tap/sections/.text* >"$VTAP_OUT/sections" || exit 125

# No exec: the kernel's log is saved after the program ends.
FUZZ_OUT=$VTAP_OUT FUZZ_LINKS=$here/links.sh "${@//@OUT@/$VTAP_OUT}"
