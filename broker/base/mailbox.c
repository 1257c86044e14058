/*
 * A bounded queue of pointers with an eventfd, so that its reader can wait for it among sockets.
 *
 * The eventfd is written when the box turns from empty, after the lock was given back: a reader that wakes at once must not
 * find it taken. So for a moment the box may hold something and not be readable yet, or be readable and empty; `signalled`
 * says that a write is done or about to be. No wake-up is lost: whoever finds it false writes, and only a read clears it.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/base.h"

struct base_mailbox {
	pthread_mutex_t lock;
	int fd;
	size_t max, first, count;
	bool signalled;
	void **ring;
};

enum isac_err base_mailbox_new(struct base_mailbox **out, size_t max)
{
	struct base_mailbox *box = calloc(1, sizeof(*box));

	assert(max > 0);
	if (!box) return ISAC_ERR_NO_MEMORY;
	box->max = max;
	box->ring = calloc(max, sizeof(*box->ring));
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!box->ring || box->fd < 0) {
		enum isac_err err = box->ring ? ISAC_ERR_SYSTEM : ISAC_ERR_NO_MEMORY;

		if (box->fd >= 0) close(box->fd);
		free(box->ring);
		free(box);
		return err;
	}
	pthread_mutex_init(&box->lock, NULL);
	*out = box;
	return ISAC_OK;
}

void base_mailbox_destroy(struct base_mailbox **box)
{
	if (!box || !*box) return;
	close((*box)->fd);
	pthread_mutex_destroy(&(*box)->lock);
	free((*box)->ring);
	free(*box);
	*box = NULL;
}

enum isac_err base_mailbox_put(struct base_mailbox *box, void *item)
{
	enum isac_err err = ISAC_OK;
	bool wake = false;

	pthread_mutex_lock(&box->lock);
	if (box->count == box->max) {
		err = ISAC_ERR_FULL;
	} else {
		box->ring[(box->first + box->count++) % box->max] = item;
		wake = !box->signalled;
		box->signalled = true;
	}
	pthread_mutex_unlock(&box->lock);
	if (wake) eventfd_write(box->fd, 1);
	return err;
}

size_t base_mailbox_take(struct base_mailbox *box, void **items, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&box->lock);
	while (n < max && box->count > 0) {
		items[n++] = box->ring[box->first];
		box->first = (box->first + 1) % box->max;
		box->count--;
	}
	if (box->count == 0 && box->signalled) {
		eventfd_t unused;

		if (eventfd_read(box->fd, &unused) == 0) box->signalled = false; /* else its writer is on the way: the next take */
	}
	pthread_mutex_unlock(&box->lock);
	return n;
}

int base_mailbox_fd(const struct base_mailbox *box)
{
	return box->fd;
}

size_t base_mailbox_count(const struct base_mailbox *box)
{
	struct base_mailbox *locked = (struct base_mailbox *)box;
	size_t count;

	pthread_mutex_lock(&locked->lock);
	count = locked->count;
	pthread_mutex_unlock(&locked->lock);
	return count;
}
