/*
 * cache: the sets that feeds are made of. A reader's collection is read out of the hub's history once and kept while the hub says that
 * nothing has changed; each call asks the hub whether the caller may read it, whatever is kept. Two readers share a set only if
 * the hub takes them for the same: same member, same scope.
 *
 * A state has a version, which rises when the state changes: an RPZ serial, a rule's rev.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "format/format.h"
#include "gateway/priv.h"

enum { FILES_MAX = 32 };

struct known {
	const struct gateway_file *file;
	char state[FORMAT_STATE_BYTES];
	uint32_t version;
	int64_t modified_us, next_us; /* next: when it changes by time alone; 0 = never */
	uint64_t changes;	      /* of the set, when it was looked at */
};
struct gateway_feed {
	char *key;
	struct format_set *set;
	uint64_t seq, generation, made; /* made: number of the set, so that a new one is another */
	int64_t made_ms, used_ms;
	struct known known[FILES_MAX];
	size_t known_n;
};
struct gateway_cache {
	int64_t refresh_ms;
	struct gateway_feed feed[GATEWAY_FEEDS_KEPT];
};

struct gateway_cache *gateway_cache_new(int64_t refresh_ms)
{
	struct gateway_cache *cache = calloc(1, sizeof *cache);
	if (cache) cache->refresh_ms = refresh_ms;
	return cache;
}

static void clear(struct gateway_feed *feed)
{
	free(feed->key);
	format_set_destroy(&feed->set);
	*feed = (struct gateway_feed){.key = NULL};
}

void gateway_cache_free(struct gateway_cache *cache)
{
	for (size_t i = 0; cache && i < GATEWAY_FEEDS_KEPT; i++) clear(&cache->feed[i]);
	free(cache);
}

/* The one with this key, else the one that was not asked for the longest, which forgets what it was. */
static struct gateway_feed *find(struct gateway_cache *cache, char *key /* taken */)
{
	struct gateway_feed *oldest = &cache->feed[0];
	for (size_t i = 0; i < GATEWAY_FEEDS_KEPT; i++) {
		struct gateway_feed *feed = &cache->feed[i];
		if (feed->key && strcmp(feed->key, key) == 0) {
			free(key);
			return feed;
		}
		if (feed->used_ms < oldest->used_ms) oldest = feed;
	}
	clear(oldest);
	oldest->key = key;
	return oldest;
}

/* A whole new set: what was taken back, or may not be seen any more, is not in it. */
static bool make(struct gateway_feed *feed, struct gateway_call *call, const char *filter, unsigned tlp_max)
{
	const struct isac_query_conf conf = {.filter = filter};
	const struct format_set_conf limits = {.tlp_max = tlp_max};
	struct isac_query *query = NULL;
	struct format_set *set = NULL;
	const struct isac_item *item;
	struct isac_error err;
	uint64_t items = 0;
	bool room = format_set_new(&set, &limits);
	enum isac_result r = isac_query_open(&query, call->worker->isac, &conf, &err);
	while (!r && room && items < GATEWAY_FEED_ITEMS && !(r = isac_query_next(query, &item, &err))) {
		room = format_set_add(set, item);
		items++;
	}
	isac_query_close(&query);
	if (r == ISAC_END && room) {
		format_set_destroy(&feed->set);
		feed->set = set;
		feed->made++;
		gateway_metric_add(GATEWAY_METRIC_feeds_made, 1);
		return true;
	}
	format_set_destroy(&set);
	if (r && r != ISAC_END) gateway_reply_failure(call, r, &err);
	else gateway_reply_error(call, 413, "the collection is too large for one feed: name a narrower one");
	return false;
}

struct gateway_feed *gateway_cache_find(struct gateway_call *call, const char *name, unsigned tlp_max)
{
	struct gateway_cache *cache = call->worker->cache;
	const struct isac_collections *found;
	struct isac_error err;
	char *key = NULL, *filter = NULL;
	int64_t now_ms = base_clock_mono_us() / 1000;
	enum isac_result r = isac_collections(&found, call->worker->isac, name, &err);
	if (r) return gateway_reply_failure(call, r, &err), NULL;
	/* Paths end up in logs and histories: what is read there must be worth no more than this one collection. */
	if (call->match.route->login == GATEWAY_PATH_TOKEN && !*found->collection)
		return gateway_reply_error(call, 403, "a token in a path is to be for one collection: isac token add --collection NAME"),
		       NULL;
	if (found->n != 1) return gateway_reply_error(call, 404, "no such collection: /collections lists them"), NULL;
	uint64_t seq = found->indexed_seq, generation = found->rights_generation;
	bool room = (filter = strdup(found->list[0].filter)) &&
		    asprintf(&key, "%s %s %u %s %s", found->member, found->scope, tlp_max, name, filter) > 0;
	if (!room) return free(filter), gateway_reply_error(call, 503, "out of memory"), NULL;
	struct gateway_feed *feed = find(cache, key);
	feed->used_ms = now_ms;
	bool same = feed->set && feed->generation == generation && now_ms < feed->made_ms + GATEWAY_FEED_AGE_MS &&
		    (feed->seq == seq || now_ms < feed->made_ms + cache->refresh_ms);
	bool good = same || make(feed, call, filter, tlp_max);
	if (same) gateway_metric_add(GATEWAY_METRIC_feeds_kept, 1);
	else if (good) {
		feed->seq = seq;
		feed->generation = generation;
		feed->made_ms = now_ms;
	}
	free(filter);
	return good ? feed : NULL;
}

/* ---- states ---- */

static struct known *find_known(struct gateway_feed *feed, const struct gateway_file *file)
{
	for (size_t i = 0; i < feed->known_n; i++)
		if (feed->known[i].file == file) return &feed->known[i];
	struct known *k = &feed->known[feed->known_n < FILES_MAX ? feed->known_n++ : 0];
	*k = (struct known){.file = file};
	return k;
}

bool gateway_cache_state(struct gateway_feed *feed, const struct gateway_file *file, char etag[72], int64_t *modified_us)
{
	struct known *k = find_known(feed, file);
	int64_t now = base_clock_us();
	struct format_view *view = NULL;
	struct format_conf conf = {.version = 0};
	char state[FORMAT_STATE_BYTES];
	bool good = true;
	if (k->changes != feed->made || (k->next_us && now >= k->next_us)) {
		good = format_view_open(&view, feed->set, now) && format_state(state, format_find(file->format), view, &conf);
		format_view_close(&view);
	} else memcpy(state, k->state, sizeof state);
	if (!good) return false;
	if (strcmp(state, k->state) != 0) {
		uint32_t seconds = (uint32_t)(now / 1000000);
		k->version = seconds > k->version ? seconds : k->version + 1;
		k->modified_us = now;
		memcpy(k->state, state, sizeof state);
	}
	k->changes = feed->made;
	k->next_us = format_set_next_us(feed->set, now);
	snprintf(etag, 72, "W/\"%s-%x\"", k->state, (unsigned)(file - gateway_file_row(0)) & 0xffff);
	*modified_us = k->modified_us;
	return true;
}

bool gateway_cache_write(struct gateway_feed *feed, const struct gateway_file *file, char **body, size_t *len)
{
	const struct known *k = find_known(feed, file);
	const struct format_part *part = format_find(file->format)->parts;
	struct format_conf conf = {.version = k->version, .now_us = file->timed ? base_clock_us() : k->modified_us};
	struct format_view *view = NULL;
	struct format_tally tally;
	memcpy(conf.state, k->state, sizeof conf.state);
	while (strcmp(part->file, file->part) != 0) part++;
	FILE *out = open_memstream(body, len);
	bool good = out && format_view_open(&view, feed->set, base_clock_us()) && part->write(out, view, &conf, &tally) && !ferror(out);
	format_view_close(&view);
	good = (!out || fclose(out) == 0) && good;
	if (!good) free(*body), *body = NULL;
	return good;
}
