/* metrics: counters of this process, and how Prometheus reads them. */
#include <inttypes.h>
#include "gateway/priv.h"

static _Atomic int64_t metric[GATEWAY_METRICS];

static const struct {
	const char *name, *kind, *text;
} rows[] = {
#define METRIC(name, kind, text) {#name, #kind, text},
#include "gateway/metrics.def"
#undef METRIC
};

void gateway_metric_add(enum gateway_metric m, int64_t n)
{
	atomic_fetch_add_explicit(&metric[m], n, memory_order_relaxed);
}

void gateway_metrics_print(FILE *out)
{
	for (unsigned i = 0; i < GATEWAY_METRICS; i++)
		fprintf(out, "# HELP isac_gateway_%s %s.\n# TYPE isac_gateway_%s %s\nisac_gateway_%s %" PRId64 "\n", rows[i].name,
			rows[i].text, rows[i].name, rows[i].kind, rows[i].name, atomic_load_explicit(&metric[i], memory_order_relaxed));
}
