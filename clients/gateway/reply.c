/* reply: answers, and how errors are said: always with the request's id, by which it is found in the log. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include "gateway/priv.h"

enum { GZIP_LEAST = 1024, GZIP_LEVEL = 6, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8, RETRY_S = 2 };

static const struct {
	unsigned code;
	const char *reason;
} reasons[] = {
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *gateway_reply_reason(unsigned code)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code) return reasons[i].reason;
	return "Error";
}

void gateway_reply(struct gateway_call *call, unsigned code, const char *type, char *body, size_t len)
{
	free(call->answer.body);
	call->answer = (struct gateway_answer){.code = code, .type = type, .body = body, .len = len};
}

void gateway_reply_json(struct gateway_call *call, unsigned code, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT), *line = NULL;
	json_decref(object);
	if (text && asprintf(&line, "%s\n", text) < 0) line = NULL;
	free(text);
	gateway_reply(call, line ? code : 500, "application/json", line, line ? strlen(line) : 0);
}

void gateway_reply_error(struct gateway_call *call, unsigned code, const char *detail)
{
	char status[8];
	snprintf(status, sizeof status, "%u", code);
	gateway_reply_json(call, code,
			   json_pack("{s:s, s:s, s:s, s:s}", "title", gateway_reply_reason(code), "description", detail, "error_id",
				     call->id, "http_status", status));
}

void gateway_reply_failure(struct gateway_call *call, enum isac_result result, const struct isac_error *err)
{
	unsigned code = err->code;
	if (code == 409 || code == 410 || code == 425) code = 403;
	if (result == ISAC_UNREACHABLE) code = 504;
	else if (code < 400 || code > 599) code = 502;
	if (code == 504) base_log_limited(1, BASE_LOG_ERROR, "gateway.no_hub", "request=%s why=\"%s\"", call->id, err->text);
	/* What the hub says of the caller's request is the caller's; what went wrong between us is not. */
	gateway_reply_error(call, code, code == 502 || code == 504 ? "the hub does not answer: try again later" : err->text);
	if (code == 401) call->answer.challenge = true;
	if (code == 429 || code == 503 || code == 504) call->answer.retry_after_s = RETRY_S;
}

/* ---- states: what a caller may have already ---- */

static bool has_tag(const char *list, const char *etag)
{
	if (strcmp(list, "*") == 0) return true;
	const char *bare = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag, *found = list;
	while ((found = strstr(found, bare))) {
		char after = found[strlen(bare)];
		if (!after || after == ',' || after == ' ') return true;
		found++;
	}
	return false;
}

static bool likes_gzip(const struct gateway_call *call)
{
	const char *text = gateway_call_header(call, "Accept-Encoding"), *gzip = text ? strstr(text, "gzip") : NULL;
	if (!gzip) return false;
	gzip += 4;
	while (*gzip == ' ') gzip++;
	return strncmp(gzip, ";q=0", 4) != 0 || (gzip[4] == '.' && gzip[5] != '0');
}

/* Replaces body by its gzip form; leaves it if memory runs out or it is not shorter. */
static void compress_body(struct gateway_answer *answer)
{
	z_stream z = {.zalloc = NULL};
	if (answer->len < GZIP_LEAST || answer->len > UINT32_MAX ||
	    deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	size_t room = deflateBound(&z, answer->len);
	char *to = malloc(room);
	z.next_in = (Bytef *)answer->body;
	z.avail_in = (uInt)answer->len;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)room;
	bool good = to && deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < answer->len;
	if (good) {
		free(answer->body);
		answer->body = to;
		answer->len = z.total_out;
		answer->gzip = true;
	} else free(to);
	deflateEnd(&z);
}

static void say_state(struct gateway_answer *answer, const char *etag, int64_t modified_us)
{
	time_t seconds = (time_t)(modified_us / 1000000);
	struct tm tm;
	snprintf(answer->etag, sizeof answer->etag, "%s", etag);
	if (seconds && gmtime_r(&seconds, &tm)) strftime(answer->modified, sizeof answer->modified, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	answer->cacheable = true;
}

bool gateway_reply_has(struct gateway_call *call, const char *etag, int64_t modified_us)
{
	const char *have = gateway_call_header(call, "If-None-Match");
	if (!have || !has_tag(have, etag)) return false;
	gateway_reply(call, 304, NULL, NULL, 0);
	say_state(&call->answer, etag, modified_us);
	return true;
}

void gateway_reply_state(struct gateway_call *call, const char *type, char *body, size_t len, const char *etag, int64_t modified_us)
{
	gateway_reply(call, 200, type, body, len);
	say_state(&call->answer, etag, modified_us);
	if (likes_gzip(call)) compress_body(&call->answer);
}
