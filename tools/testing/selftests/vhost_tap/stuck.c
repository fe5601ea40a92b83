// SPDX-License-Identifier: GPL-2.0
/* A page that blocks a worker (stuck.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stuck.h"

#define PAGE	4096ULL

/*
 * Call this before opening the node. Files close in reverse order at exit, so that the
 * fault stays unresolved while the node closes.
 */
int stuck_open(struct stuck *s)
{
	struct uffdio_api api = { .api = UFFD_API };

	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (s->uffd < 0 || ioctl(s->uffd, UFFDIO_API, &api))
		return -errno;
	return 0;
}

int stuck_page(struct stuck *s, struct guest *g)
{
	struct uffdio_register reg = {
		.range = { .len = PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	s->gpa = guest_alloc(g, 2 * PAGE);
	if (!s->gpa)
		return -ENOMEM;
	s->gpa = (s->gpa + PAGE - 1) & ~(PAGE - 1);
	s->page = guest_ptr(g, s->gpa, NULL);
	reg.range.start = (uintptr_t)s->page;
	return ioctl(s->uffd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

/* Send a packet whose data is in the page. */
int stuck_tx(struct stuck *s, struct guest *g)
{
	struct seg seg = { s->gpa, g->hdr_len + 100, false };
	int head = vq_add(&g->vq[TX], &seg, 1, 0);

	if (head < 0)
		return head;
	vq_publish(&g->vq[TX]);
	vq_kick_hard(&g->vq[TX]);
	return 0;
}

/* Wait until a thread is stuck in the page. */
bool stuck_wait(struct stuck *s)
{
	struct uffd_msg msg;

	return fd_wait(s->uffd, WAIT_MS) &&
	       read(s->uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

int stuck_end(struct stuck *s)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)s->page, PAGE },
	};

	return ioctl(s->uffd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}
