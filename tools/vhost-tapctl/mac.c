// SPDX-License-Identifier: GPL-2.0
/*
 * mac.c - choose an Ethernet address for a guest
 *
 * The address of a guest should be stable as long as its tap has the same name,
 * and unique in its network. The machine id and the name of the tap give such
 * an address if the name is used once on the machine. Otherwise the tap's own
 * address, which the kernel chose at random, is mixed in.
 */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ctl.h"
#include "link.h"
#include "mac.h"

/* FNV-1a. It mixes the last bytes badly, which finish() corrects. */
static uint64_t add_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3;
	return hash;
}

/* Make every bit depend on every byte. */
static uint64_t finish(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
	return hash ^ hash >> 33;
}

/* Check for a machine-id(5). An image has none before its first boot. */
static bool is_machine_id(const char *id)
{
	return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32 &&
	       strspn(id, "0") != 32;
}

/* Check for another network namespace, where a tap may have the same name. */
static bool in_other_namespace(void)
{
	char ours[64], first[64];
	ssize_t a = readlink("/proc/self/ns/net", ours, sizeof(ours));
	ssize_t b = readlink("/proc/1/ns/net", first, sizeof(first));

	return a > 0 && b > 0 && (a != b || memcmp(ours, first, a));
}

/**
 * mac_make - choose an address for the guest behind a tap
 * @name: name of the tap
 * @l: tap
 * @text: result of LINK_MAC_TEXT bytes
 *
 * The tap's own address cannot be used, because a bridge claims it.
 */
void mac_make(const char *name, const struct link_info *l, char *text)
{
	uint64_t hash = 0xcbf29ce484222325, random;
	uint8_t mac[LINK_MAC];
	bool has_id;
	char id[64];
	int i;

	has_id = read_line("/etc/machine-id", id, sizeof(id)) &&
		 is_machine_id(id);
	if (has_id)
		hash = add_bytes(hash, id, strlen(id));
	hash = add_bytes(hash, name, strlen(name));
	if (!has_id || in_other_namespace()) {
		if (l->has_mac)
			hash = add_bytes(hash, l->mac, sizeof(l->mac));
		else if (getrandom(&random, sizeof(random), 0) ==
			 sizeof(random))
			hash = add_bytes(hash, &random, sizeof(random));
	}
	hash = finish(hash);
	for (i = 0; i < LINK_MAC; i++)
		mac[i] = hash >> 8 * i;
	mac[0] = (mac[0] & 0xfc) | 0x02;	/* locally administered, unicast */
	link_mac_text(mac, text);
}
