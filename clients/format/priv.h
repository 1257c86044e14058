/* What the files of this room share: an item as it is kept, an entry as it is written, lists made of entries. */
#ifndef ISAC_FORMAT_PRIV_H
#define ISAC_FORMAT_PRIV_H

#include "format/format.h"
#include "wire/wire.h"

/* One value in a view: what all its reports together say. Texts are the set's. */
struct format_entry {
	uint32_t type; /* enum wire_value_type */
	const char *value;
	const char *host;		     /* of a URL, if it is a name that may stand alone; else NULL */
	uint8_t addr[16], family, bits;	     /* an address, a network, or (host_addr) a URL's host; family 0 = none */
	const char *publisher, *note, *link; /* of the newest report; "" = not said */
	uint64_t seq;
	int confidence;	  /* the highest said, -1 = none */
	unsigned tlp;	  /* the lowest label of its reports */
	int64_t until_us; /* 0 = no end */
};

/* One report's word on a value; in one allocation with its texts. */
struct format_mention {
	struct format_entry entry;
	uint32_t index; /* of the item in report entry.seq */
	uint8_t report_id[ISAC_ID_BYTES];
	int64_t from_us;
	char text[];
};

/* ---- set.c ---- */
struct format_set {
	struct format_set_conf conf;
	struct format_mention **slot; /* open addressing; cap is a power of two */
	size_t n, cap;
	uint8_t hash_key[16]; /* publishers choose values: an unkeyed hash would let them choose our slots */
	uint64_t changes;
	size_t skipped[FORMAT_SKIPS];
	struct wire_arena arena;
};
bool format_set_live(const struct format_mention *m, int64_t now_us);

/* ---- view.c ---- */
struct format_view {
	struct format_entry *entry; /* by type, then by address or bytes */
	size_t n;
	size_t skipped[FORMAT_SKIPS];
	unsigned tlp; /* the highest label among the entries */
};
int format_entry_order(const struct format_entry *a, const struct format_entry *b);

/* Lines of text, sorted by bytes, each once; or networks. */
struct format_line {
	char *text;
	const struct format_entry *entry;
};
struct format_lines {
	struct format_line *line;
	size_t n, cap;
	bool failed;
};
void format_lines_add(struct format_lines *lines, const struct format_entry *entry, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void format_lines_sort(struct format_lines *lines);
void format_lines_clear(struct format_lines *lines);

struct format_nets {
	const struct format_entry **net;
	size_t n;
};
enum format_overlap { FORMAT_KEEP_ALL, FORMAT_DROP_COVERED };
/* Addresses and networks of a family (4, 6), in order, none twice; DROP_COVERED: none inside another. false: no memory. */
bool format_nets_make(struct format_nets *out, const struct format_view *view, const struct format_conf *conf, int family,
		      enum format_overlap overlap);
void format_nets_text(char out[64], const struct format_entry *net, bool always_bits);
void format_nets_clear(struct format_nets *nets);
/* Domains, and hosts of URLs if conf says so. */
void format_names_make(struct format_lines *out, const struct format_view *view, const struct format_conf *conf);
/* Starts a tally with what the view has left out, and counts the types that are not in this set of bits (1 << type). */
void format_tally_start(struct format_tally *tally, const struct format_view *view, const struct format_conf *conf, uint32_t types);

/* ---- except.c ---- */
/* entry->host: any host or domain that the value names. */
bool format_except_has(const struct format_except *except, const struct format_entry *entry);

/* ---- format.c ---- */
/* "# isac: TLP:AMBER, version 7, state ..." behind the mark. */
void format_head_write(FILE *out, const char *mark, const struct format_view *view, const struct format_conf *conf);
/* Is this a dry run for format_state? Then nothing depends on the clock. */
bool format_is_state(const struct format_conf *conf);
const char *format_name(const struct format_conf *conf);
/* Seconds from conf's now until then, at least 1 and at most max; with format_is_state the second itself. */
int64_t format_seconds(const struct format_conf *conf, int64_t until_us, int64_t seconds_max);

#define FORMAT(name, folder, text, parts) parts
#define PART(file, writer) \
	bool writer(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally);
#include "format/formats.def"
#undef FORMAT
#undef PART

#endif
