// SPDX-License-Identifier: GPL-2.0
/*
 * mac.c - an Ethernet address for a guest
 *
 * Read before: ctl.h, link.h, mac.h.
 *
 * A guest's address should stay the same as long as its tap has the same name, and
 * no two guests of a network may have the same one. The id of the machine makes it
 * so, if there is one, and the name is used once on the machine. Elsewhere the tap's
 * own address, which the kernel chose at random, makes a difference.
 */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ctl.h"
#include "link.h"
#include "mac.h"

/* FNV-1a, which mixes the last bytes badly; see finish(). */
static uint64_t add_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3;
	return hash;
}

/* Every bit depends on every byte. */
static uint64_t finish(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
	return hash ^ hash >> 33;
}

/* As machine-id(5) has it: before the first boot of an image it is not. */
static bool is_machine_id(const char *id)
{
	return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32 &&
	       strspn(id, "0") != 32;
}

/* Other namespaces of this machine may have taps of the same name. */
static bool in_other_namespace(void)
{
	char ours[64], first[64];
	ssize_t a = readlink("/proc/self/ns/net", ours, sizeof(ours));
	ssize_t b = readlink("/proc/1/ns/net", first, sizeof(first));

	return a > 0 && b > 0 && (a != b || memcmp(ours, first, a));
}

/**
 * mac_make - an address for the guest behind a tap
 * @name: of the tap
 * @l: tap
 * @text: LINK_MAC_TEXT
 *
 * Not the tap's own address: a bridge keeps that for itself.
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
