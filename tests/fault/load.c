/*
 * Publishes without pause and keeps a diary for the checker: load HOME HUB DIARY WINDOW ITEMS
 *   A <report id>              about to be sent for the first time
 *   R <report id> <code> <seq> what came back
 * SIGTERM: sends nothing new, waits for what is under way, ends with 0. A report is sent until it has a receipt, whatever happens to the
 * hub.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isac.h"

static volatile sig_atomic_t stopping;
static FILE *diary;

static void stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static void done(void *arg, const struct isac_receipt *receipt)
{
	char id[37];

	(void)arg;
	isac_id_text(id, receipt->report_id);
	fprintf(diary, "R %s %u %" PRIu64 "\n", id, receipt->code, receipt->seq);
	fflush(diary);
}

/* Addresses count up: no value is ever published twice, and any may be looked up. */
static int make_report(struct isac_report *out, struct isac *isac, int items, struct isac_error *err)
{
	static uint32_t next = 0x0b000000; /* 11.0.0.0 */
	struct isac_report_conf conf = {.tlp = ISAC_TLP_GREEN};
	struct isac_batch *batch = NULL;
	char value[16];
	int i;

	if (isac_batch_open(&batch, isac, &conf, 1000, 200000, err)) return 1;
	for (i = 0; i < items; i++) {
		struct isac_indicator ind = {.type = "ipv4", .value = value, .confidence = 50, .severity = -1};
		next++;
		snprintf(value, sizeof(value), "%u.%u.%u.%u", next >> 24, next >> 16 & 255, next >> 8 & 255, next & 255);
		if (isac_batch_add(batch, &ind, err) != ISAC_BATCH_ADDED) return 1;
	}
	if (isac_batch_seal(batch, out, err)) return 1;
	isac_batch_close(&batch);
	return 0;
}

static int run(struct isac *isac, unsigned window, int items, struct isac_error *err)
{
	struct isac_publisher *publisher = NULL;
	struct isac_report report;
	char id[37];

	if (isac_publisher_open(&publisher, isac, window, done, NULL, err)) return 1;
	while (!stopping || isac_publisher_pending(publisher)) {
		while (!stopping && isac_publisher_has_room(publisher)) {
			if (make_report(&report, isac, items, err)) return 1;
			isac_id_text(id, report.id);
			fprintf(diary, "A %s\n", id);
			fflush(diary);
			if (isac_publisher_add(publisher, &report, NULL, err)) return 1;
			isac_report_clear(&report);
		}
		enum isac_result result = isac_publisher_step(publisher, 100, err);
		if (result && result != ISAC_QUIET && result != ISAC_UNREACHABLE) return 1;
	}
	isac_publisher_close(&publisher);
	return 0;
}

int main(int argc, char **argv)
{
	struct isac_error err = {.text = "usage: load HOME HUB DIARY WINDOW ITEMS"};
	struct isac *isac = NULL;
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	if (argc != 6 || !(diary = fopen(argv[3], "a")) || isac_open(&isac, argv[1], argv[2], 600000, &err) ||
	    run(isac, (unsigned)atoi(argv[4]), atoi(argv[5]), &err)) {
		fprintf(stderr, "load: %s\n", err.text);
		return 1;
	}
	isac_close(&isac);
	fclose(diary);
	return 0;
}
