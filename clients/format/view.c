/*
 * view: what a set holds at one moment, each value once, in one order; and the lists that writers make of it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "format/priv.h"

static int net_order(const struct format_entry *a, const struct format_entry *b)
{
	if (a->family != b->family) return a->family < b->family ? -1 : 1;
	int c = memcmp(a->addr, b->addr, sizeof a->addr);
	return c ? c : (int)a->bits - (int)b->bits;
}

int format_entry_order(const struct format_entry *a, const struct format_entry *b)
{
	if (a->type != b->type) return a->type < b->type ? -1 : 1;
	int c = a->type <= WIRE_VALUE_CIDR ? net_order(a, b) : 0;
	return c ? c : strcmp(a->value, b->value);
}

/* Newest first within a value, so that the first one lends its words. */
static int mention_order(const void *a, const void *b)
{
	const struct format_entry *x = a, *y = b;
	int c = format_entry_order(x, y);
	if (c || x->seq == y->seq) return c;
	return x->seq > y->seq ? -1 : 1;
}

static void join(struct format_entry *kept, const struct format_entry *more)
{
	if (more->confidence > kept->confidence) kept->confidence = more->confidence;
	if (more->tlp < kept->tlp) kept->tlp = more->tlp;
	if (!more->until_us || (kept->until_us && more->until_us > kept->until_us)) kept->until_us = more->until_us;
}

bool format_view_open(struct format_view **out, const struct format_set *set, int64_t now_us)
{
	struct format_view *view = calloc(1, sizeof *view);
	size_t n = 0;
	*out = NULL;
	if (view) view->entry = malloc((set->n + 1) * sizeof *view->entry);
	if (!view || !view->entry) {
		free(view);
		return false;
	}
	memcpy(view->skipped, set->skipped, sizeof view->skipped);
	for (size_t i = 0; i < set->cap; i++) {
		const struct format_mention *m = set->slot[i];
		if (m && format_set_live(m, now_us)) view->entry[n++] = m->entry;
		else if (m) view->skipped[FORMAT_SKIP_EXPIRED]++;
	}
	qsort(view->entry, n, sizeof *view->entry, mention_order);
	for (size_t i = 0; i < n; i++) {
		struct format_entry *last = view->n ? &view->entry[view->n - 1] : NULL;
		if (last && format_entry_order(last, &view->entry[i]) == 0) join(last, &view->entry[i]);
		else view->entry[view->n++] = view->entry[i];
	}
	for (size_t i = 0; i < view->n; i++)
		if (view->entry[i].tlp > view->tlp) view->tlp = view->entry[i].tlp;
	*out = view;
	return true;
}

void format_view_close(struct format_view **view)
{
	if (!*view) return;
	free((*view)->entry);
	free(*view);
	*view = NULL;
}

/* ---- lines ---- */
void format_lines_add(struct format_lines *lines, const struct format_entry *entry, const char *fmt, ...)
{
	va_list ap;
	char *text;
	if (lines->failed) return;
	if (lines->n == lines->cap) {
		size_t cap = lines->cap ? lines->cap * 2 : 256;
		struct format_line *more = realloc(lines->line, cap * sizeof *more);
		if (more) lines->line = more, lines->cap = cap;
		else lines->failed = true;
	}
	va_start(ap, fmt);
	if (!lines->failed && vasprintf(&text, fmt, ap) >= 0) lines->line[lines->n++] = (struct format_line){text, entry};
	else lines->failed = true;
	va_end(ap);
}

static int line_order(const void *a, const void *b)
{
	const struct format_line *x = a, *y = b;
	int c = strcmp(x->text, y->text);
	return c ? c : format_entry_order(x->entry, y->entry);
}

void format_lines_sort(struct format_lines *lines)
{
	size_t n = 0;
	if (!lines->n) return;
	qsort(lines->line, lines->n, sizeof *lines->line, line_order);
	for (size_t i = 1; i < lines->n; i++) {
		if (strcmp(lines->line[n].text, lines->line[i].text) == 0) free(lines->line[i].text);
		else lines->line[++n] = lines->line[i];
	}
	lines->n = n + 1;
}

void format_lines_clear(struct format_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) free(lines->line[i].text);
	free(lines->line);
	*lines = (struct format_lines){.line = NULL};
}

void format_names_make(struct format_lines *out, const struct format_view *view, const struct format_conf *conf)
{
	for (size_t i = 0; i < view->n; i++) {
		const struct format_entry *e = &view->entry[i];
		if (e->type == WIRE_VALUE_DOMAIN) format_lines_add(out, e, "%s", e->value);
		else if (conf->url_hosts && e->type == WIRE_VALUE_URL && e->host && !e->family) format_lines_add(out, e, "%s", e->host);
	}
	format_lines_sort(out);
}

/* ---- networks ---- */
static bool covers(const struct format_entry *wide, const struct format_entry *e)
{
	if (wide->family != e->family || wide->bits > e->bits) return false;
	size_t bytes = wide->bits / 8, rest = wide->bits % 8;
	return memcmp(wide->addr, e->addr, bytes) == 0 && (!rest || ((wide->addr[bytes] ^ e->addr[bytes]) & (0xff00 >> rest) & 0xff) == 0);
}

/* Of the same network by two types (an address, a URL's host) the one that stays longest, in an order that does not depend on ours. */
static int pointer_order(const void *a, const void *b)
{
	const struct format_entry *x = *(const struct format_entry *const *)a, *y = *(const struct format_entry *const *)b;
	int c = net_order(x, y);
	if (c) return c;
	if (x->until_us != y->until_us) return !x->until_us || (y->until_us && x->until_us > y->until_us) ? -1 : 1;
	return format_entry_order(x, y);
}

bool format_nets_make(struct format_nets *out, const struct format_view *view, const struct format_conf *conf, int family,
		      enum format_overlap overlap)
{
	size_t n = 0;
	*out = (struct format_nets){.net = malloc((view->n + 1) * sizeof *out->net)};
	if (!out->net) return false;
	for (size_t i = 0; i < view->n; i++) {
		const struct format_entry *e = &view->entry[i];
		if (e->family == family && (e->type != WIRE_VALUE_URL || conf->url_hosts)) out->net[n++] = e;
	}
	qsort(out->net, n, sizeof *out->net, pointer_order);
	for (size_t i = 0; i < n; i++) {
		const struct format_entry *last = out->n ? out->net[out->n - 1] : NULL;
		if (last && net_order(last, out->net[i]) == 0) continue;
		if (last && overlap == FORMAT_DROP_COVERED && covers(last, out->net[i])) continue;
		out->net[out->n++] = out->net[i];
	}
	return true;
}

void format_nets_clear(struct format_nets *nets)
{
	free(nets->net);
	*nets = (struct format_nets){.net = NULL};
}

void format_nets_text(char out[64], const struct format_entry *net, bool always_bits)
{
	/* A URL's address stands in its host: values of the other types are canonical texts already. */
	const char *text = net->type == WIRE_VALUE_URL ? net->host : net->value;
	bool has_bits = net->type == WIRE_VALUE_CIDR;
	if (always_bits && !has_bits) snprintf(out, 64, "%s/%u", text, net->bits);
	else snprintf(out, 64, "%s", text);
}

void format_tally_start(struct format_tally *tally, const struct format_view *view, const struct format_conf *conf, uint32_t types)
{
	*tally = (struct format_tally){.written = 0};
	memcpy(tally->skipped, view->skipped, sizeof tally->skipped);
	for (size_t i = 0; i < view->n; i++) {
		const struct format_entry *e = &view->entry[i];
		bool by_host = e->type == WIRE_VALUE_URL && conf->url_hosts && e->host &&
			       (types & 1u << (e->family == 4	? WIRE_VALUE_IPV4
					       : e->family == 6 ? WIRE_VALUE_IPV6
								: WIRE_VALUE_DOMAIN));
		if (!(types & 1u << e->type) && !by_host) tally->skipped[FORMAT_SKIP_FORM]++;
	}
}
