#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-pure.sh - check the rules on includes, barriers and kernel versions (design.rst)
#
#  - ring/ includes only "ring_env.h" and its own headers.
#  - Only ring_env.h and mem.h use barriers.
#  - No source tests the kernel version.
#  - VTAP_HAVE_* appears only in include/compat/ and at the kernel compatibility
#    boundary (thread.c, backend/*.c).
#  - Each probe has a user, and each VTAP_HAVE_* name has a probe.

set -u
shopt -s lastpipe	# "... | bad" sets status in this shell
cd "$(dirname "$0")/.." || exit 1
ring=drivers/vhost_tap/ring
status=0

# bad TEXT < MATCHES: report each match as a violation of the rule TEXT
bad() {
	local found
	found=$(cat)
	[ -n "$found" ] || return 0
	printf '%s\n' "$1" "$found"
	status=1
}

grep -nE '^[[:space:]]*#[[:space:]]*include' $ring/*.[ch] |
	grep -vE "^$ring/ring_env\.h:" |
	while IFS= read -r line; do
		header=$(sed -n 's/.*include[[:space:]]*"\([^"]*\)".*/\1/p' <<<"$line")
		[ -n "$header" ] && [ -e "$ring/$header" ] || printf '%s\n' "$line"
	done | bad "ring/ includes only ring_env.h and its own headers:"

grep -nE '\b(smp_(mb|rmb|wmb|load_acquire|store_release|store_mb)|virt_(mb|rmb|wmb|load_acquire|store_release|store_mb)|dma_[rw]?mb|[rw]?mb|barrier|atomic_thread_fence|__sync_synchronize)\(' \
	$ring/*.[ch] | grep -vE "^$ring/(ring_env|mem)\.h:" |
	bad "ring/ has barriers only in ring_env.h and mem.h:"

grep -nE '\b_*(get|put)_user\(|\b__copy_(from|to)_user' $ring/*.[ch] |
	grep -vE "^$ring/ring_env\.h:" |
	bad "ring/ reads and writes the guest in access windows or by copy_*_user:"

grep -rnE '\b(LINUX_VERSION_CODE|KERNEL_VERSION|RHEL_RELEASE)' Kbuild drivers include tools/testing --include='*.[ch]' \
	--include=Makefile --include=Kbuild | bad "code does not test the kernel version, use a probe:"

grep -rnE '#[[:space:]]*(if|ifdef|ifndef|elif)\b.*VTAP_HAVE_' drivers include --include='*.[ch]' |
	grep -vE '^(include/compat/|drivers/vhost_tap/(thread\.c|backend/[a-z_]*\.[ch]|vtap_kcompat\.h):?)' |
	bad "VTAP_HAVE_* only in include/compat/, thread.c and backend/:"

probes=$(cd scripts/kcompat/probe && printf '%s\n' *.c | sed '/^control_/d; s/\.c$//' | tr '[:lower:]' '[:upper:]' | sort)
used=$(grep -rhoE '\bVTAP_HAVE_[A-Z0-9_]+' drivers include --include='*.[ch]' --exclude=vtap_kcompat.h |
	sed 's/^VTAP_HAVE_//' | sort -u)
comm -23 <(echo "$probes") <(echo "$used") | bad "probes in scripts/kcompat/probe without a user:"
comm -13 <(echo "$probes") <(echo "$used") | bad "VTAP_HAVE_ names without a probe:"

for probe in scripts/kcompat/probe/*.c; do
	head -n 1 "$probe" | grep -qE '^/\* (control \| .+|(since|until) [0-9.]+[^|]* \| [^|]+ \| .+) \*/$' || echo "$probe"
done | bad "first line of a probe is /* since|until VERSION | commit subject | reason */:"

exit $status
