/*
 * edge: a member's traceback agent. It makes a key of each packet that passes its AS's border, keeps the keys for an hour in
 * tables by neighbour AS and direction, and answers where a key came in and went out.
 *
 * Reading order: packet (what is the IP packet in this frame?) -> digest (its key) -> page (keys of a minute) -> table (pages of
 * all neighbours, on disk) -> find (the answer). capture is the only file that knows libpcap. The key and its profiles are
 * specified in clients/README.md. One thread owns everything; nothing here is shared.
 */
#ifndef ISAC_EDGE_H
#define ISAC_EDGE_H

#include <sodium.h>
#include "wire/wire.h"

/* ---- packet.c: pure ------------------------------------------------------------------------- */
enum edge_fault {
	EDGE_OK = 0,
#define FAULT(name, word, text) EDGE_##name,
#include "faults.def"
#undef FAULT
	EDGE_FAULTS
};
const char *edge_fault_name(enum edge_fault fault); /* "not_ip"; "ok" */

enum { EDGE_UPPER = 8, EDGE_EXTENSIONS_MAX = 128 };
struct edge_packet {
	const uint8_t *ip; /* the IP header's first byte; borrowed; 20 or 40 bytes are there */
	uint8_t version;   /* 4 or 6 */
	/*
	 * The upper layer's number: IPv4's protocol field, or what IPv6's chain of hop-by-hop, routing, destination options and
	 * fragment headers ends in. A chain that can't be followed (past the packet's end, or past EDGE_EXTENSIONS_MAX bytes, so
	 * that the answer does not depend on how much was captured) ends in the header that can't.
	 */
	uint8_t protocol;
	const uint8_t *upper; /* EDGE_UPPER bytes of header that may be digested; NULL: there are none (profiles H20, H40) */
};
/* The IP packet in a frame of this link layer. Nothing is believed of the bytes; checksums are not verified. */
enum edge_fault edge_packet_open(struct edge_packet *out, int link, const uint8_t *data, size_t len);
const char *edge_packet_link(int link); /* "EN10MB"; NULL: no row in links.def */

/* ---- digest.c: pure --------------------------------------------------------------------------- */
enum edge_profile {
#define PROFILE(name, bytes, degree, text) EDGE_##name,
#include "profiles.def"
#undef PROFILE
	EDGE_PROFILES
};
const char *edge_profile_name(enum edge_profile profile);
enum edge_profile edge_profile_find(const char *name); /* EDGE_PROFILES: none has this name */
unsigned edge_profile_degree(enum edge_profile profile);

enum { EDGE_INPUT_MAX = 48, EDGE_KEY = 32, EDGE_EPOCH_KEY = 32, EDGE_KEY_ID = 8 };
struct edge_digest {
	enum edge_profile profile;
	size_t len;
	uint8_t input[EDGE_INPUT_MAX];
};
/* What stays the same on the packet's way: the masked header. */
void edge_digest_make(struct edge_digest *out, const struct edge_packet *packet);
/* An epoch key ready for use. Secret: edge_epoch_clear when done. id names the key without telling it. */
struct edge_epoch {
	crypto_auth_hmacsha256_state state;
	uint8_t id[EDGE_KEY_ID];
};
void edge_epoch_init(struct edge_epoch *out, const uint8_t key[EDGE_EPOCH_KEY]);
void edge_epoch_clear(struct edge_epoch *epoch);
/* HMAC-SHA-256(epoch key, input). */
void edge_digest_key(uint8_t out[EDGE_KEY], const struct edge_epoch *epoch, const struct edge_digest *digest);

/* ---- table.c: pages of all neighbours, in memory and in a folder -------------------------------- */
enum edge_kind { EDGE_BLOOM = 1, EDGE_EXACT = 2 };
enum edge_way { EDGE_IN = 1, EDGE_OUT = 2, EDGE_INSIDE = 3 };
const char *edge_way_name(enum edge_way way);
/* One series of pages: what came in from, or went out to, a neighbour; or what was seen inside (as: our own). */
struct edge_slot {
	uint32_t as;
	enum edge_way way;
};
enum { EDGE_SLOTS_MAX = 513, EDGE_PAGE_S = 60 };
struct edge_table_conf {
	const char *folder;
	uint32_t own_as;
	const struct edge_slot *slots; /* borrowed for edge_table_open */
	size_t slots_n;
	enum edge_kind kind;
	uint64_t page_packets; /* a page is sized for; see edge_page_bytes */
	int64_t keep_us;
	uint64_t disk_bytes_max;
	uint8_t key_id[EDGE_KEY_ID];
};
struct edge_table;
/* Takes the folder for writing: one process at a time (CONFLICT). Pages that earlier runs saved are found again. */
enum isac_err edge_table_open(struct edge_table **out, const struct edge_table_conf *conf, struct wire_why *why);
/* Only for edge_table_find, beside a running writer if there is one. NOT_FOUND: no tables there. */
enum isac_err edge_table_read(struct edge_table **out, const char *folder, struct wire_why *why);
/* Saves what is open; errors of that are logged. */
void edge_table_close(struct edge_table **table);
/*
 * Time goes by packets and ticks: whichever is later turns the page. What comes a little late goes into the open page, whose
 * range grows with it; a clock that went back by more than five seconds begins a new page.
 * Errors (SYSTEM, FULL) mean that a page could not be saved: its minute will count as not covered. Going on is right.
 */
enum isac_err edge_table_add(struct edge_table *table, size_t slot, int64_t us, const uint8_t key[EDGE_KEY]);
enum isac_err edge_table_tick(struct edge_table *table, int64_t us);
/* Packets that passed but were not digested (dropped by the kernel, captured too short): negative answers lose degree. */
void edge_table_unseen(struct edge_table *table, size_t slot, uint64_t n);
/* Saves the open pages and begins new ones, without a hole between them. */
enum isac_err edge_table_save(struct edge_table *table);
/* From the next page on keys are made with another epoch key: saves the open pages. */
enum isac_err edge_table_epoch(struct edge_table *table, const uint8_t key_id[EDGE_KEY_ID]);
struct edge_table_stats {
	uint64_t pages, disk_bytes, packets; /* saved and kept; packets: added by this process */
	uint64_t memory_bytes;		     /* of open pages: constant */
	int64_t from_us, to_us, horizon_us;  /* of saved pages; 0 = none. horizon: nothing before it is kept */
};
void edge_table_stats(struct edge_table_stats *out, const struct edge_table *table);
/* Bytes of memory of one open page; a saved one is smaller by what it did not need. */
uint64_t edge_page_bytes(enum edge_kind kind, uint64_t packets);

/* ---- find.c: the answer -------------------------------------------------------------------------- */
enum edge_status { EDGE_TRANSIT, EDGE_SOURCE, EDGE_DESTINATION, EDGE_INTERNAL, EDGE_NOT_FOUND, EDGE_UNKNOWN };
const char *edge_status_name(enum edge_status status); /* "Transit"; InterTrack's words */
/* Why a window is not covered, worst first. */
enum edge_gap { EDGE_COVERED, EDGE_GONE, EDGE_NOT_YET, EDGE_OTHER_EPOCH, EDGE_DAMAGED, EDGE_NOT_CAPTURED };
const char *edge_gap_text(enum edge_gap gap);
struct edge_answer {
	enum edge_status status;
	unsigned degree; /* 0..100; 0 for Unknown */
	uint32_t in_as[EDGE_SLOTS_MAX], out_as[EDGE_SLOTS_MAX];
	size_t in_n, out_n;
	bool inside;
	enum edge_gap gap;
	uint64_t seen, unseen;	      /* packets of the pages asked; those that passed undigested */
	int64_t from_us, to_us;	      /* the window asked */
	int64_t table_from, table_to; /* of all saved pages, 0 = none */
};
/*
 * Was a packet with this key here within at_us +- tolerance_us? key_id, if not NULL: pages of another epoch key do not count.
 * in and out: Transit. Only one of them: Source or Destination, if all other tables cover the window; else Unknown, because a
 * table that is missing might have had it. Nothing: Internal, NotFound or Unknown by the same rule.
 */
enum isac_err edge_table_find(struct edge_answer *out, struct edge_table *table, const uint8_t key[EDGE_KEY],
			      const uint8_t key_id[EDGE_KEY_ID], int64_t at_us, int64_t tolerance_us);

/* ---- capture.c: files and live interfaces; the only file that knows libpcap ------------------------- */
struct edge_capture;
struct edge_frame {
	int64_t us;
	const uint8_t *data;   /* borrowed until the next one */
	size_t len;	       /* captured */
	enum edge_fault fault; /* EDGE_TIME: us is no time; EDGE_OK */
};
enum edge_side { EDGE_SIDE_ALL, EDGE_SIDE_IN, EDGE_SIDE_OUT };
/* CONFIG, with what to do about it in why. */
enum isac_err edge_capture_file(struct edge_capture **out, const char *path, struct wire_why *why);
/* IN, OUT: frames that the host received from, or sent to, the interface. ALL: a tap; promiscuous. */
enum isac_err edge_capture_live(struct edge_capture **out, const char *interface, enum edge_side side, int snaplen, int buffer_mib,
				struct wire_why *why);
void edge_capture_close(struct edge_capture **capture);
int edge_capture_link(const struct edge_capture *capture);
int edge_capture_fd(const struct edge_capture *capture); /* live: readable when frames wait */
/* ISAC_OK; AGAIN: nothing waits (live); CLOSED: end of the file; SYSTEM: the interface is gone or the file is broken. */
enum isac_err edge_capture_next(struct edge_frame *out, struct edge_capture *capture, struct wire_why *why);
uint64_t edge_capture_dropped(struct edge_capture *capture); /* by the kernel, since the last call */
/* How far a file was read, of how much; 0 of 0 if that can't be known. */
void edge_capture_progress(const struct edge_capture *capture, uint64_t *read, uint64_t *size);

/* ---- conf.c: isac-edge.conf ------------------------------------------------------------------------------ */
enum { EDGE_NEIGHBOURS_MAX = 256, EDGE_SOURCES_MAX = 512, EDGE_NAME_MAX = 1024 };
struct edge_source {
	char name[EDGE_NAME_MAX + 1]; /* interface, or path of a capture file */
	bool file;
	enum edge_side side; /* ALL: both ways by who sent the frame; IN, OUT: a tap or file that carries one way only */
	uint32_t as;	     /* whom it faces; own_as: inside */
	unsigned line;
};
struct edge_conf {
	int64_t own_as, rate, keep_s, disk_mib_max, snaplen, buffer_mib;
	char *data, *epoch_key, *user, *table;
	uint32_t neighbours[EDGE_NEIGHBOURS_MAX];
	size_t neighbours_n;
	struct edge_source *sources;
	size_t sources_n;
	struct edge_slot slots[EDGE_SLOTS_MAX];
	size_t slots_n;
};
/* A bad line: CONFIG, why says file:line and what is expected. Relative paths are from the file's folder. */
enum isac_err edge_conf_read(struct edge_conf *out, const char *path, struct wire_why *why);
void edge_conf_clear(struct edge_conf *conf);
/* The slot of what faces this AS and goes this way (IN, OUT); both are the inside slot for own_as. */
size_t edge_conf_slot(const struct edge_conf *conf, uint32_t as, enum edge_way way);
enum edge_kind edge_conf_kind(const struct edge_conf *conf);
uint64_t edge_conf_page_packets(const struct edge_conf *conf);

#endif
