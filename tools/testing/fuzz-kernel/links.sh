#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Create the interfaces of the fuzzer's programs, except taps, if they do not exist.
exec >/dev/null 2>&1
have() { [ -e "/sys/class/net/$1" ]; }

have fzv0 || ip link add fzv0 address 02:02:02:02:02:03 type veth peer name fzv1
have fzm0 || ip link add link fzv0 name fzm0 address 02:02:02:02:02:02 type macvtap mode bridge
have fzp0 || ip link add fzp0 type veth peer name fzp1
exit 0
