/*
 * audience: who may see what. The one rule of the hub, proto/README.md section 7, and the checks of section 5 step 5
 * on the names that make an audience.
 *
 * An audience holds ids, ascending and without repeats, so that equal audiences have equal bytes and are stored once.
 * It knows no database: interning is the store's.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "member/member.h"

/* TLP labels from here on reach only those who are named. A label that is no label reaches nobody. */
static bool label_reaches_all(uint32_t tlp)
{
	return tlp >= ISAC1__TLP__TLP_CLEAR && tlp <= ISAC1__TLP__TLP_AMBER_STRICT;
}

static bool label_reaches_clients(uint32_t tlp)
{
	return tlp >= ISAC1__TLP__TLP_CLEAR && tlp <= ISAC1__TLP__TLP_AMBER;
}

static bool has_id(const int32_t *ids, uint32_t n, int32_t id)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t mid = low + (n - low) / 2;

		if (ids[mid] == id) return true;
		if (ids[mid] < id) low = mid + 1;
		else n = mid;
	}
	return false;
}

static bool share_id(const int32_t *a, uint32_t a_n, const int32_t *b, uint32_t b_n)
{
	uint32_t i = 0, j = 0;

	while (i < a_n && j < b_n) {
		if (a[i] == b[j]) return true;
		if (a[i] < b[j]) i++;
		else j++;
	}
	return false;
}

int32_t member_own_id(const struct member *m)
{
	return m->lent ? 0 : m->id;
}

bool member_may_see(const struct member *m, const struct member_audience *a, int32_t publisher_id)
{
	if (m->suspended) return false;
	if (m->client && !label_reaches_clients(a->tlp)) return false;
	if (publisher_id && member_own_id(m) == publisher_id) return true;
	if (a->groups_n && !share_id(m->groups, m->groups_n, a->groups, a->groups_n)) return false;
	if (label_reaches_all(a->tlp)) return true;
	return a->tlp == ISAC1__TLP__TLP_RED && has_id(a->recipients, a->recipients_n, m->id);
}

static bool is_subset(const int32_t *a, uint32_t a_n, const int32_t *of, uint32_t of_n)
{
	for (uint32_t i = 0; i < a_n; i++)
		if (!has_id(of, of_n, a[i])) return false;
	return true;
}

/* A lower label reaches whom a higher one does. */
bool member_audience_covers(const struct member_audience *wide, const struct member_audience *narrow)
{
	if (wide->tlp > narrow->tlp) return false;
	if (wide->groups_n && (!narrow->groups_n || !is_subset(narrow->groups, narrow->groups_n, wide->groups, wide->groups_n)))
		return false;
	return label_reaches_all(wide->tlp) || is_subset(narrow->recipients, narrow->recipients_n, wide->recipients, wide->recipients_n);
}

static int compare_ids(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t sort_ids(int32_t *ids, uint32_t n)
{
	uint32_t kept = 0;

	if (n) qsort(ids, n, sizeof(*ids), compare_ids);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || ids[i] != ids[kept - 1]) ids[kept++] = ids[i];
	return kept;
}

static enum isac_err resolve_groups(struct member_audience *out, const struct member_roster *r, const struct member *publisher,
				    const Isac1__Header *header, struct wire_arena *arena, struct wire_why *why)
{
	int32_t *ids;

	if (!header->n_groups) return ISAC_OK;
	if (header->n_groups > WIRE_LIMIT_GROUPS) return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d groups", WIRE_LIMIT_GROUPS);
	ids = wire_arena_alloc(arena, header->n_groups * sizeof(*ids));
	if (!ids) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; i < header->n_groups; i++) {
		if (!wire_name_ok(header->groups[i])) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "a group name is not a name");
		ids[i] = member_roster_group(r, header->groups[i]);
		/* One answer for both: what groups there are is known to those who are in them. */
		if (!ids[i] || !has_id(publisher->groups, publisher->groups_n, ids[i]))
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "member %s is in no group %s", publisher->name, header->groups[i]);
	}
	out->groups_n = sort_ids(ids, (uint32_t)header->n_groups);
	out->groups = ids;
	return ISAC_OK;
}

static enum isac_err resolve_recipients(struct member_audience *out, const struct member_roster *r, const struct member *publisher,
					const Isac1__Header *header, struct wire_arena *arena, struct wire_why *why)
{
	bool others = false;
	int32_t *ids;

	if (header->tlp != ISAC1__TLP__TLP_RED) {
		if (header->n_recipients) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "only TLP:RED names recipients");
		return ISAC_OK;
	}
	if (header->n_recipients > WIRE_LIMIT_RECIPIENTS)
		return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d recipients", WIRE_LIMIT_RECIPIENTS);
	ids = wire_arena_alloc(arena, (header->n_recipients + 1) * sizeof(*ids));
	if (!ids) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; i < header->n_recipients; i++) {
		const struct member *m = NULL;

		if (wire_name_ok(header->recipients[i])) m = member_roster_find(r, header->recipients[i]);
		if (!m || m->suspended) /* sealed to somebody who may never read it: nobody would know */
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "recipient %u is no member of this hub, or is shut out",
					   (unsigned)i + 1);
		if (m->client)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "recipient %u is a client: name its organisation", (unsigned)i + 1);
		ids[i] = m->id;
		others |= m->id != publisher->id;
	}
	if (!others) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "TLP:RED needs a recipient other than its publisher");
	out->recipients_n = sort_ids(ids, (uint32_t)header->n_recipients);
	out->recipients = ids;
	return ISAC_OK;
}

enum isac_err member_audience_resolve(struct member_audience *out, const struct member_roster *r, const struct member *publisher,
				      const Isac1__Header *header, struct wire_arena *arena, struct wire_why *why)
{
	enum isac_err err;

	memset(out, 0, sizeof(*out));
	if (!label_reaches_all(header->tlp) && header->tlp != ISAC1__TLP__TLP_RED)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "tlp %u is no TLP label", header->tlp);
	out->tlp = header->tlp;
	err = resolve_recipients(out, r, publisher, header, arena, why);
	if (err) return err;
	return resolve_groups(out, r, publisher, header, arena, why);
}

static bool is_among(const struct member *m, char *const *names, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], m->name) != 0) i++;
	return i < n;
}

enum isac_err member_audience_check_readers(const struct member_audience *a, const struct member_roster *r, int32_t publisher_id,
					    int32_t author_id, char *const *names, size_t n, struct wire_why *why)
{
	for (size_t i = 0; i < n; i++) {
		const struct member *m = wire_name_ok(names[i]) ? member_roster_find(r, names[i]) : NULL;

		if (!m || (m->id != publisher_id && !has_id(a->recipients, a->recipients_n, m->id)))
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "sealed key %zu is for nobody who may see what it is about", i + 1);
	}
	for (uint32_t i = 0; i < a->recipients_n; i++) {
		const struct member *m = member_roster_by_id(r, a->recipients[i]);

		if (!m || m->suspended || m->id == publisher_id || m->id == author_id || is_among(m, names, n)) continue;
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s, who may see what it is about, has no sealed key", m->name);
	}
	return ISAC_OK;
}

enum isac_err member_audience_copy(const struct member_audience **out, const struct member_audience *from, struct wire_arena *arena)
{
	size_t groups = from->groups_n * sizeof(int32_t), recipients = from->recipients_n * sizeof(int32_t);
	struct member_audience *a = wire_arena_alloc(arena, sizeof(*a) + groups + recipients);
	int32_t *ids;

	if (!a) return ISAC_ERR_NO_MEMORY;
	ids = (int32_t *)(a + 1);
	*a = *from;
	a->groups = ids;
	a->recipients = ids + from->groups_n;
	if (groups) memcpy(ids, from->groups, groups);
	if (recipients) memcpy(ids + from->groups_n, from->recipients, recipients);
	*out = a;
	return ISAC_OK;
}

void member_audience_digest(uint8_t out[16], const struct member_audience *a)
{
	uint8_t bytes[12 + 4 * (WIRE_LIMIT_GROUPS + WIRE_LIMIT_RECIPIENTS)], hash[WIRE_HASH], *p = bytes + 12;

	assert(a->groups_n <= WIRE_LIMIT_GROUPS && a->recipients_n <= WIRE_LIMIT_RECIPIENTS);
	wire_put_u32(bytes, a->tlp);
	wire_put_u32(bytes + 4, a->groups_n);
	wire_put_u32(bytes + 8, a->recipients_n);
	for (uint32_t i = 0; i < a->groups_n; i++, p += 4) wire_put_u32(p, (uint32_t)a->groups[i]);
	for (uint32_t i = 0; i < a->recipients_n; i++, p += 4) wire_put_u32(p, (uint32_t)a->recipients[i]);
	wire_hash(hash, bytes, (size_t)(p - bytes));
	memcpy(out, hash, 16);
}
