/*
 * capture: frames out of capture files and live interfaces, the only file that knows libpcap.
 *
 * An interface is opened twice, for what comes in and what goes out. libpcap tells the two apart, whatever the link layer, and a
 * filter in the kernel saves the copy of what it would throw away. The filter is attached past libpcap: its own words inbound and
 * outbound lose the first frame, which libpcap filters itself, and there it can't see the direction. Linux hands frames over after its
 * offloads: where it merges what it receives (GRO, LRO), packets are missing; edge_capture_live says so.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* the kernel's own is included */
struct bpf_program;
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"
#include "edge/priv.h"

#define YEAR_10000 253402300800ll

struct edge_capture {
	pcap_t *pcap;
	bool live;
	uint64_t dropped; /* told so far */
	uint64_t size;
};

static enum isac_err start(struct edge_capture **out, pcap_t *pcap, bool live)
{
	struct edge_capture *c = calloc(1, sizeof *c);

	if (!c) {
		pcap_close(pcap);
		return ISAC_ERR_NO_MEMORY;
	}
	c->pcap = pcap;
	c->live = live;
	*out = c;
	return ISAC_OK;
}

enum isac_err edge_capture_file(struct edge_capture **out, const char *path, struct wire_why *why)
{
	char problem[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_open_offline(path, problem);
	struct stat st;
	enum isac_err err;

	*out = NULL;
	if (!pcap)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s%s%s", strstr(problem, path) ? "" : path, strstr(problem, path) ? "" : ": ",
				   problem);
	err = start(out, pcap, false);
	if (!err && !edge_packet_link(pcap_datalink(pcap))) {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));

		err = wire_refuse(why, ISAC_ERR_CONFIG, "%s: link layer %s (%d) carries no IP that is known here", path, name ? name : "?",
				  pcap_datalink(pcap));
	}
	if (!err && pcap_file(pcap) && fstat(fileno(pcap_file(pcap)), &st) == 0 && S_ISREG(st.st_mode)) (*out)->size = (uint64_t)st.st_size;
	if (err) edge_capture_close(out);
	return err;
}

/* ---- live ---- */
static bool feature_on(int fd, const char *interface, uint32_t command, uint32_t mask)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (void *)&value};

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && (value.data & mask);
}

static void warn_of_merging(const char *interface, pcap_t *pcap)
{
	const int fd = pcap_fileno(pcap);

	if (feature_on(fd, interface, ETHTOOL_GGRO, 1) || feature_on(fd, interface, ETHTOOL_GFLAGS, ETH_FLAG_LRO))
		base_log(BASE_LOG_WARN, "edge.merging",
			 "interface=%s why=\"received packets are merged before they are seen; run: ethtool -K %s gro off lro off\"",
			 interface, interface);
}

static enum isac_err set_side(pcap_t *pcap, const char *interface, enum edge_side side, int snaplen, struct wire_why *why)
{
	const uint32_t sent = side == EDGE_SIDE_OUT ? (uint32_t)snaplen : 0, received = side == EDGE_SIDE_IN ? (uint32_t)snaplen : 0;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, sent),
		BPF_STMT(BPF_RET | BPF_K, received),
	};
	const struct sock_fprog program = {sizeof code / sizeof *code, code};

	if (side == EDGE_SIDE_ALL) return ISAC_OK;
	if (pcap_setdirection(pcap, side == EDGE_SIDE_IN ? PCAP_D_IN : PCAP_D_OUT) != 0)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s; say `in` or `out` if it carries one way only", interface,
				   pcap_geterr(pcap));
	if (setsockopt(pcap_fileno(pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", interface, strerror(errno));
	return ISAC_OK;
}

static enum isac_err activate(pcap_t *pcap, const char *interface, enum edge_side side, int snaplen, int buffer_mib, struct wire_why *why)
{
	char problem[PCAP_ERRBUF_SIZE] = "";
	enum isac_err err;
	int rc;

	/* Immediate: a frame is there for the next poll, and one that came before the stop is not lost in a block of the ring. */
	if (pcap_set_snaplen(pcap, snaplen) || pcap_set_buffer_size(pcap, buffer_mib << 20) ||
	    pcap_set_promisc(pcap, side == EDGE_SIDE_ALL) || pcap_set_immediate_mode(pcap, 1))
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: cannot be set up", interface);
	rc = pcap_activate(pcap);
	if (rc == PCAP_ERROR_PERM_DENIED)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: not permitted: start isac-edge as root, or give it CAP_NET_RAW", interface);
	if (rc < 0) {
		const char *said = pcap_geterr(pcap);

		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", interface, *said ? said : pcap_statustostr(rc));
	}
	if (!edge_packet_link(pcap_datalink(pcap)))
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: link layer %d carries no IP that is known here", interface,
				   pcap_datalink(pcap));
	err = set_side(pcap, interface, side, snaplen, why);
	if (!err && pcap_setnonblock(pcap, 1, problem) != 0) err = wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", interface, problem);
	return err;
}

enum isac_err edge_capture_live(struct edge_capture **out, const char *interface, enum edge_side side, int snaplen, int buffer_mib,
				struct wire_why *why)
{
	char problem[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(interface, problem);
	enum isac_err err;

	*out = NULL;
	if (!pcap) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", interface, problem);
	err = activate(pcap, interface, side, snaplen, buffer_mib, why);
	if (err) {
		pcap_close(pcap);
		return err;
	}
	if (side != EDGE_SIDE_OUT) warn_of_merging(interface, pcap);
	return start(out, pcap, true);
}

void edge_capture_close(struct edge_capture **capture)
{
	if (!*capture) return;
	pcap_close((*capture)->pcap);
	free(*capture);
	*capture = NULL;
}

int edge_capture_link(const struct edge_capture *capture)
{
	return pcap_datalink(capture->pcap);
}

int edge_capture_fd(const struct edge_capture *capture)
{
	return pcap_get_selectable_fd(capture->pcap);
}

enum isac_err edge_capture_next(struct edge_frame *out, struct edge_capture *capture, struct wire_why *why)
{
	struct pcap_pkthdr *head;
	const int rc = pcap_next_ex(capture->pcap, &head, &out->data);

	if (rc == 0) return ISAC_ERR_AGAIN;
	if (rc == PCAP_ERROR_BREAK) return ISAC_ERR_CLOSED;
	if (rc < 0) return wire_refuse(why, ISAC_ERR_SYSTEM, "%s", pcap_geterr(capture->pcap));
	out->len = head->caplen;
	/* A capture file's times are whatever its bytes say. */
	out->fault = head->ts.tv_sec < 0 || head->ts.tv_sec >= YEAR_10000 || head->ts.tv_usec < 0 || head->ts.tv_usec > 999999 ? EDGE_TIME
															       : EDGE_OK;
	out->us = out->fault ? 0 : (int64_t)head->ts.tv_sec * 1000000 + head->ts.tv_usec;
	return ISAC_OK;
}

uint64_t edge_capture_dropped(struct edge_capture *capture)
{
	struct pcap_stat stat;
	uint32_t fresh;

	if (!capture->live || pcap_stats(capture->pcap, &stat) != 0) return 0;
	fresh = stat.ps_drop - (uint32_t)capture->dropped; /* libpcap's counter wraps */
	capture->dropped = stat.ps_drop;
	return fresh;
}

void edge_capture_progress(const struct edge_capture *capture, uint64_t *read, uint64_t *size)
{
	FILE *file = capture->live ? NULL : pcap_file(capture->pcap);
	const long at = file && capture->size ? ftell(file) : 0;

	*read = at > 0 ? (uint64_t)at : 0;
	*size = capture->size;
}
