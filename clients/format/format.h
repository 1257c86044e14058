/*
 * format: indicators for the machines that block and detect: a set of items in, files for resolvers, packet filters and
 * sensors out. A room of its own, because the command line and the gateway write the same files.
 *
 * A set collects what members say (`format_set_add`), a view is what of it holds at one moment (`format_view_open`), a format is
 * a row of formats.def with a file or several. The same view and conf give the same bytes. Nothing here knows of stdout, a
 * clock or a hub: the caller brings a `FILE *` and the time. One thread uses a set at a time; no global state.
 *
 * Never in a view, whatever the hub says: unverified, held or well-known values, special-use ranges, labels above the limit,
 * what is excepted, what has expired or is not valid yet.
 *
 * Needs wire_init() first (isac_open does it).
 */
#ifndef ISAC_FORMAT_H
#define ISAC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "isac.h"

/* ---- why something is left out (skips.def) ---- */
enum format_skip {
#define SKIP(NAME, text) FORMAT_SKIP_##NAME,
#include "format/skips.def"
#undef SKIP
	FORMAT_SKIPS
};
struct format_tally {
	size_t written; /* values in the files, each counted once a file */
	size_t skipped[FORMAT_SKIPS];
};
/* "3 held, 2 expired"; "" if nothing was left out. */
void format_tally_text(char *out, size_t size, const struct format_tally *tally);

/* ---- except.c: what must never be written ---- */
struct format_except;
/*
 * One value a line, `#` begins a comment: a domain excepts itself and the names below it, also as hosts of URLs; a network or
 * an address excepts every address in it and every network that overlaps it; anything else excepts itself.
 * Returns the number of the first bad line with a reason, 0 if all is well, -1 if memory ran out. *out is NULL unless 0.
 */
long format_except_read(struct format_except **out, FILE *in, char *reason, size_t size);
void format_except_destroy(struct format_except **except);

/* ---- set.c ---- */
struct format_set_conf {
	unsigned tlp_max;		    /* enum isac_tlp; 0 = any */
	int64_t keep_us;		    /* items that say no end leave so long after they were received; 0 = they stay */
	const struct format_except *except; /* borrowed while the set lives; NULL = none */
};
struct format_set;
bool format_set_new(struct format_set **out, const struct format_set_conf *conf); /* false: no memory */
void format_set_destroy(struct format_set **set);
/*
 * In any order: of two reports of one publisher on one value the one with the higher sequence number holds. A withdrawal ends what
 * came before it. false: no memory.
 */
bool format_set_add(struct format_set *set, const struct isac_item *item);
void format_set_forget(struct format_set *set, int64_t now_us); /* frees what has expired */
uint64_t format_set_changes(const struct format_set *set);	/* rises whenever a view may look different */
/* When a view will look different by time alone; 0 = never. */
int64_t format_set_next_us(const struct format_set *set, int64_t now_us);

/* ---- view.c ---- */
struct format_view;
/* Borrows from the set: no add or forget while a view is open. false: no memory. */
bool format_view_open(struct format_view **out, const struct format_set *set, int64_t now_us);
void format_view_close(struct format_view **view);

/* ---- formats.def, format.c ---- */
enum { FORMAT_NAME_BYTES = 24, FORMAT_ZONE_BYTES = 200, FORMAT_ACTION_BYTES = 64, FORMAT_STATE_BYTES = 33 };
struct format_conf {
	char zone[FORMAT_ZONE_BYTES];	  /* rpz: the zone's name; "" = rpz.isac */
	char action[FORMAT_ACTION_BYTES]; /* rpz: "CNAME ."; from format_rpz_action; "" = that one */
	char name[FORMAT_NAME_BYTES];	  /* nft table, ipset prefix; "" = isac */
	uint32_t sid;			  /* suricata: the first rule's number; 0 = 1900001 */
	bool url_hosts;			  /* hosts of URLs count as if they were reported themselves */
	uint32_t version;		  /* rpz serial, suricata rev: must rise when the state changes */
	int64_t now_us;			  /* for formats that say how long an element is to stay */
	char state[FORMAT_STATE_BYTES];	  /* from format_state; a head line repeats it and the version */
};
struct format_part {
	const char *file; /* its name inside a folder */
	/* false: memory ran out. The caller looks at ferror(out). */
	bool (*write)(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally);
};
struct format_row {
	const char *name, *text;
	const struct format_part *parts; /* ends with a row without a file; the last one has a head line */
	bool folder;			 /* several files: belongs into a folder */
};
const struct format_row *format_find(const char *name);			 /* NULL if there is none */
const struct format_row *format_row(unsigned number);			 /* 0.. ; NULL after the last */
bool format_zone_ok(const char *zone);					 /* labels of letters, digits, '-' and '_' */
bool format_name_ok(const char *name);					 /* a letter, then letters, digits, '_', '-' */
bool format_rpz_action(char out[FORMAT_ACTION_BYTES], const char *text); /* nxdomain nodata drop passthru, an address */
/*
 * What the files say, as 32 hex digits, whatever version, time and remaining seconds are: two equal states need no new file.
 * false: memory ran out.
 */
bool format_state(char out[FORMAT_STATE_BYTES], const struct format_row *row, const struct format_view *view,
		  const struct format_conf *conf);
/* What the head line of an earlier file says; false if there is none in its first lines. */
bool format_head_read(FILE *in, uint32_t *version, char state[FORMAT_STATE_BYTES]);

#endif
