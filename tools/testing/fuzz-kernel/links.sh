#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Create the interfaces of the fuzzer's programs, or restore those that a program changed.
exec >/dev/null 2>&1
have() { [ -e "/sys/class/net/$1" ]; }

have fzt0 || ip tuntap add fzt0 mode tap vnet_hdr
have fzt1 || ip tuntap add fzt1 mode tap vnet_hdr multi_queue
have fzt2 || ip tuntap add fzt2 mode tun vnet_hdr
have fzv0 || ip link add fzv0 address 02:02:02:02:02:03 type veth peer name fzv1
have fzm0 || ip link add link fzv0 name fzm0 address 02:02:02:02:02:02 type macvtap mode bridge
have fzp0 || ip link add fzp0 type veth peer name fzp1
for i in fzt0 fzt1 fzt2 fzv0 fzv1 fzp0 fzp1 fzm0; do
	ip link set "$i" mtu 1500 txqueuelen 500 up || exit 1
done
