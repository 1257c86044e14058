/*
 * The look-up. Free databases do not agree on where in a record the answer stands: each known place is a row. The files are the
 * operator's, yet they come from elsewhere: what is found must look like a country or an AS number, or it is not there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "geo/geo.h"

static const char *const country_paths[][3] = {{"country", "iso_code", NULL}, {"country_code", NULL}, {"country", NULL}};
static const char *const asn_paths[][2] = {{"autonomous_system_number", NULL}, {"asn", NULL}};

/* Like the public suffix list in wire: written once, before there are threads. */
static struct {
	MMDB_s country, asn;
	bool has_country, has_asn;
} open_files;

static enum isac_err open_file(MMDB_s *out, const char *path, struct wire_why *why)
{
	int status = MMDB_open(path, MMDB_MODE_MMAP, out);

	if (status == MMDB_SUCCESS) return ISAC_OK;
	if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%.90s: %s", path, strerror(errno));
	return wire_refuse(why, ISAC_ERR_CONFIG, "%.60s is no MaxMind DB file: %s", path, MMDB_strerror(status));
}

enum isac_err geo_open(const char *country_path, const char *asn_path, struct wire_why *why)
{
	enum isac_err err = ISAC_OK;

	if (country_path && *country_path) {
		err = open_file(&open_files.country, country_path, why);
		open_files.has_country = !err;
	}
	if (!err && asn_path && *asn_path) {
		err = open_file(&open_files.asn, asn_path, why);
		open_files.has_asn = !err;
	}
	if (err) geo_close();
	return err;
}

void geo_close(void)
{
	if (open_files.has_country) MMDB_close(&open_files.country);
	if (open_files.has_asn) MMDB_close(&open_files.asn);
	open_files.has_country = open_files.has_asn = false;
}

enum isac_err geo_check(const char *path, struct wire_why *why)
{
	MMDB_s file;
	enum isac_err err = open_file(&file, path, why);

	if (!err) MMDB_close(&file);
	return err;
}

/* ---- one address ------------------------------------------------------------------------ */
static bool find_entry(MMDB_entry_s *out, const MMDB_s *file, const uint8_t *addr, uint8_t family)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	const struct sockaddr *at = family == 4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	MMDB_lookup_result_s found;
	int status = MMDB_SUCCESS;

	if (family == 4) memcpy(&v4.sin_addr, addr, 4);
	else memcpy(&v6.sin6_addr, addr, 16);
	found = MMDB_lookup_sockaddr(file, at, &status);
	if (status != MMDB_SUCCESS || !found.found_entry) return false;
	*out = found.entry;
	return true;
}

static bool is_country(const MMDB_entry_data_s *data)
{
	const char *s = data->utf8_string;

	return data->type == MMDB_DATA_TYPE_UTF8_STRING && data->data_size == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z';
}

static void find_country(struct geo_place *out, const uint8_t *addr, uint8_t family)
{
	MMDB_entry_s entry;
	MMDB_entry_data_s data;

	if (!find_entry(&entry, &open_files.country, addr, family)) return;
	for (size_t i = 0; i < sizeof(country_paths) / sizeof(country_paths[0]); i++) {
		if (MMDB_aget_value(&entry, &data, country_paths[i]) != MMDB_SUCCESS || !data.has_data || !is_country(&data)) continue;
		memcpy(out->country, data.utf8_string, 2);
		return;
	}
}

/* A number, or a text "AS64500". */
static uint32_t read_asn(const MMDB_entry_data_s *data)
{
	char text[16] = "", *end;
	const char *digits = text;
	unsigned long number;

	if (data->type == MMDB_DATA_TYPE_UINT16) return data->uint16;
	if (data->type == MMDB_DATA_TYPE_UINT32) return data->uint32;
	if (data->type == MMDB_DATA_TYPE_UINT64) return data->uint64 <= UINT32_MAX ? (uint32_t)data->uint64 : 0;
	if (data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size >= sizeof(text)) return 0;
	memcpy(text, data->utf8_string, data->data_size);
	if (!strncmp(text, "AS", 2)) digits += 2;
	if (*digits < '0' || *digits > '9') return 0;
	number = strtoul(digits, &end, 10);
	return *end || number > UINT32_MAX ? 0 : (uint32_t)number;
}

static void find_asn(struct geo_place *out, const uint8_t *addr, uint8_t family)
{
	MMDB_entry_s entry;
	MMDB_entry_data_s data;

	if (!find_entry(&entry, &open_files.asn, addr, family)) return;
	for (size_t i = 0; i < sizeof(asn_paths) / sizeof(asn_paths[0]) && !out->asn; i++)
		if (MMDB_aget_value(&entry, &data, asn_paths[i]) == MMDB_SUCCESS && data.has_data) out->asn = read_asn(&data);
}

void geo_find(struct geo_place *out, const uint8_t addr[16], uint8_t family, bool want_country, bool want_asn)
{
	memset(out, 0, sizeof(*out));
	if (!family) return;
	if (want_country && open_files.has_country) find_country(out, addr, family);
	if (want_asn && open_files.has_asn) find_asn(out, addr, family);
}
