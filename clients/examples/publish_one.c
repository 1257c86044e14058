/*
 * Publishes one address and waits for its receipt.
 *
 *   cc publish_one.c $(pkg-config --cflags --libs libisac) -o publish_one
 *   ./publish_one ~/isac 198.51.100.7
 */
#include <isac.h>
#include <stdio.h>

static void on_receipt(void *arg, const struct isac_receipt *receipt)
{
	char id[37];
	isac_id_text(id, receipt->report_id);
	if (receipt->code == 200 || receipt->code == 202 || receipt->code == 208)
		printf("%s is stored under seq %llu\n", id, (unsigned long long)receipt->seq);
	else printf("%s was refused: %u %s\n", id, receipt->code, receipt->text);
	*(unsigned *)arg = receipt->code;
}

static enum isac_result publish(struct isac *isac, const char *value, unsigned *code, struct isac_error *err)
{
	struct isac_report_conf conf = {.tlp = ISAC_TLP_GREEN};
	struct isac_indicator indicator = {.value = value, .confidence = 80, .severity = -1, .description = "seen by an example"};
	struct isac_batch *batch = NULL;
	struct isac_publisher *publisher = NULL;
	struct isac_report report = {.data = NULL};

	enum isac_result result = isac_batch_open(&batch, isac, &conf, 1, 0, err);
	if (!result && isac_batch_add(batch, &indicator, err) != ISAC_BATCH_ADDED) result = ISAC_REFUSED;
	if (!result) result = isac_batch_seal(batch, &report, err);
	if (!result) result = isac_publisher_open(&publisher, isac, 1, on_receipt, code, err);
	if (!result) result = isac_publisher_add(publisher, &report, NULL, err);
	while (!result && isac_publisher_pending(publisher)) result = isac_publisher_step(publisher, 1000, err);
	isac_publisher_close(&publisher);
	isac_report_clear(&report);
	isac_batch_close(&batch);
	return result;
}

int main(int argc, char **argv)
{
	struct isac *isac = NULL;
	struct isac_error err;
	unsigned code = 0;
	if (argc != 3) return 2;
	enum isac_result result = isac_open(&isac, argv[1], NULL, 10000, &err);
	if (!result) result = publish(isac, argv[2], &code, &err);
	if (result) fprintf(stderr, "%s\n", err.text);
	isac_close(&isac);
	return result ? (int)result : code >= 300 || code == 0;
}
