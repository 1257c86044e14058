/* get_openapi: the public routes as OpenAPI 3.1, made from routes.def and feeds.def: what is served is what is described. */
#include <ctype.h>
#include <string.h>
#include "gateway/priv.h"

static json_t *text_parameter(const char *name, const char *where, bool required, const char *text)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", where, "required", required, "description", text, "schema",
			 "type", "string");
}

static json_t *forms(void)
{
	json_t *list = json_array();
	const struct gateway_file *f;
	for (unsigned i = 0; (f = gateway_file_row(i)); i++)
		if (*f->suffix) json_array_append_new(list, json_sprintf("%s: %s", f->suffix, f->text));
	return list;
}

static void add_words(json_t *into, const char *path)
{
	char name[64];
	for (const char *p = path; (p = strchr(p, '{')); p++) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, "}"), p + 1);
		json_t *one = text_parameter(name, "path", true,
					     strcmp(name, "collection.form") == 0 ? "name of a collection, and one of the forms of x-forms"
					     : strcmp(name, "token") == 0	  ? "a token that is for this collection alone"
					     : strcmp(name, "file") == 0	  ? "such as isac.rules"
										  : "name of a collection, such as all");
		if (strcmp(name, "collection.form") == 0) json_object_set_new(one, "x-forms", forms());
		json_array_append_new(into, one);
	}
}

static void add_args(json_t *into, const struct gateway_route *route)
{
	if (route->fn == gateway_get_lookup) {
		json_array_append_new(into, text_parameter("value", "query", true, "the value, defanged or not"));
		json_array_append_new(into, text_parameter("type", "query", false, "its type, if it is not to be guessed"));
	}
	if (route->fn != gateway_get_feed && route->fn != gateway_get_suricata) return;
	json_array_append_new(into, text_parameter("max_tlp", "query", false, "nothing above this label"));
	json_array_append_new(into, text_parameter("If-None-Match", "header", false, "the ETag of what is there already"));
}

static void add_answer(json_t *answers, const char *code, const char *text)
{
	json_object_set_new(answers, code, json_pack("{s:s}", "description", text));
}

static json_t *answers_of(const struct gateway_route *route)
{
	json_t *answers = json_object();
	add_answer(answers, "200", "as described");
	if (route->where == GATEWAY_STICKY) add_answer(answers, "304", "it is what the caller has");
	if (route->login == GATEWAY_ANYBODY) return answers;
	add_answer(answers, "401", "no token, or one that is not valid");
	add_answer(answers, "403", "the token does not reach that far");
	add_answer(answers, "404", "no such thing");
	add_answer(answers, "429", "too many requests: Retry-After says when to come again");
	add_answer(answers, "503", "not now: Retry-After says when to come again");
	return answers;
}

static json_t *operation(const struct gateway_route *route)
{
	json_t *parameters = json_array();
	add_words(parameters, route->path);
	add_args(parameters, route);
	json_t *o = json_pack("{s:s, s:o, s:o}", "summary", route->text, "parameters", parameters, "responses", answers_of(route));
	json_object_set_new(o, "security", route->login == GATEWAY_TOKEN ? json_pack("[{s:[]}, {s:[]}]", "bearer", "basic") : json_array());
	if (strcmp(route->method, "POST") == 0)
		json_object_set_new(o, "requestBody",
				    json_pack("{s:b, s:{s:{s:{s:s, s:[s], s:{s:{s:s, s:i, s:{s:s}}, s:{s:s}}}}}}", "required", 1, "content",
					      "application/json", "schema", "type", "object", "required", "values", "properties", "values",
					      "type", "array", "maxItems", GATEWAY_LOOKUP_VALUES, "items", "type", "string", "type", "type",
					      "string"));
	return o;
}

void gateway_get_openapi(struct gateway_call *call)
{
	const struct gateway_route *route;
	json_t *paths = json_object();
	for (unsigned i = 0; (route = gateway_route_row(i)); i++) {
		char method[16] = "";
		if (route->listener != GATEWAY_PUBLIC) continue;
		for (size_t c = 0; route->method[c] && c < sizeof method - 1; c++)
			method[c] = (char)tolower((unsigned char)route->method[c]);
		json_t *path = json_object_get(paths, route->path);
		if (!path) json_object_set_new(paths, route->path, path = json_object());
		json_object_set_new(path, method, operation(route));
	}
	gateway_reply_json(call, 200,
			   json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:{s:{s:s, s:s}, s:{s:s, s:s}}}}", "openapi", "3.1.0", "info",
				     "title", "isac-gateway", "version", ISAC_VERSION, "description",
				     "What a hub of isac knows, for machines that speak HTTPS", "paths", paths, "components",
				     "securitySchemes", "bearer", "type", "http", "scheme", "bearer", "basic", "type", "http", "scheme",
				     "basic"));
}
