/*
 * A thread with a ready handshake and a stop signal.
 *
 * An actor that ends without being asked takes the process with it: half a core would
 * look alive and lose work silently, whereas the parent brings a whole one back at once.
 * Signals are blocked in actors, so that they arrive where the process waits for them.
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/base.h"

enum state { STARTING, READY, ENDED };

struct base_actor {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum state state;
	enum isac_err err;
	atomic_bool stopping;
	int stop_fd;
	char name[16];
	enum isac_err (*fn)(struct base_actor *, void *);
	void *arg;
};

static void *run(void *arg)
{
	struct base_actor *actor = arg;
	enum isac_err err = actor->fn(actor, actor->arg);
	bool was_ready;

	pthread_mutex_lock(&actor->lock);
	was_ready = actor->state == READY;
	actor->state = ENDED;
	actor->err = err;
	pthread_cond_signal(&actor->changed);
	pthread_mutex_unlock(&actor->lock);
	if (was_ready && !atomic_load(&actor->stopping)) {
		base_log(BASE_LOG_WARN, "actor.ended", "actor=%s err=%s", actor->name, isac_err_name(err));
		_exit(1);
	}
	return NULL;
}

static enum isac_err start_thread(struct base_actor *actor)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&actor->thread, NULL, run, actor);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) return ISAC_ERR_SYSTEM;
	pthread_setname_np(actor->thread, actor->name);
	return ISAC_OK;
}

static void free_actor(struct base_actor *actor)
{
	pthread_cond_destroy(&actor->changed);
	pthread_mutex_destroy(&actor->lock);
	close(actor->stop_fd);
	free(actor);
}

enum isac_err base_actor_start(struct base_actor **out, const char *name, enum isac_err (*fn)(struct base_actor *, void *), void *arg)
{
	struct base_actor *actor = calloc(1, sizeof(*actor));
	enum isac_err err;

	if (!actor) return ISAC_ERR_NO_MEMORY;
	actor->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (actor->stop_fd < 0) {
		free(actor);
		return ISAC_ERR_SYSTEM;
	}
	pthread_mutex_init(&actor->lock, NULL);
	pthread_cond_init(&actor->changed, NULL);
	snprintf(actor->name, sizeof(actor->name), "%s", name);
	actor->fn = fn;
	actor->arg = arg;
	err = start_thread(actor);
	if (err) {
		free_actor(actor);
		return err;
	}
	pthread_mutex_lock(&actor->lock);
	while (actor->state == STARTING) pthread_cond_wait(&actor->changed, &actor->lock);
	if (actor->state == ENDED) {
		/* It may have become ready and ended before we looked; then run() ends the process. */
		err = actor->err ? actor->err : ISAC_ERR_CLOSED;
		pthread_mutex_unlock(&actor->lock);
		pthread_join(actor->thread, NULL);
		free_actor(actor);
		return err;
	}
	pthread_mutex_unlock(&actor->lock);
	*out = actor;
	return ISAC_OK;
}

void base_actor_ready(struct base_actor *actor)
{
	pthread_mutex_lock(&actor->lock);
	assert(actor->state == STARTING);
	actor->state = READY;
	pthread_cond_signal(&actor->changed);
	pthread_mutex_unlock(&actor->lock);
}

bool base_actor_running(const struct base_actor *actor)
{
	return !atomic_load(&actor->stopping);
}

int base_actor_stop_fd(const struct base_actor *actor)
{
	return actor->stop_fd;
}

void base_actor_stop(struct base_actor **actor)
{
	if (!actor || !*actor) return;
	atomic_store(&(*actor)->stopping, true);
	eventfd_write((*actor)->stop_fd, 1);
	pthread_join((*actor)->thread, NULL);
	free_actor(*actor);
	*actor = NULL;
}
