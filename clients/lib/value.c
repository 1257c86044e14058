/* value: what a person wrote becomes a canonical value, by the hub's own rules. */
#include <string.h>
#include "priv.h"

/* Names of files, mutexes and programs may hold brackets of their own. */
static bool is_defanged_type(uint32_t type)
{
	return type == 0 || (type >= WIRE_VALUE_IPV4 && type <= WIRE_VALUE_EMAIL);
}

enum isac_result client_value_read(struct wire_value *out, const char *type_name, const char *given, struct wire_arena *arena,
				   struct isac_error *err)
{
	struct wire_why why = {.text = ""};
	const char *value = given ? given : "";
	size_t len = strlen(value);
	uint32_t type = type_name && *type_name ? wire_value_type(type_name, strlen(type_name)) : 0;
	if (type_name && *type_name && !type) return client_error_set(err, ISAC_REFUSED, "'%s' is not a type", type_name);
	if (!len) return client_error_set(err, ISAC_REFUSED, "the value is empty");
	if (len > WIRE_LIMIT_URL_BYTES)
		return client_error_set(err, ISAC_REFUSED, "the value is longer than %d bytes", WIRE_LIMIT_URL_BYTES);
	if (is_defanged_type(type)) value = wire_value_refang(value, &len, arena);
	if (!value) return client_error_out_of_memory(err);
	if (!type) type = wire_value_guess(value, len, arena);
	if (!type) return client_error_set(err, ISAC_REFUSED, "cannot tell what '%.80s' is: give its type", given);
	if (wire_value_canon(out, type, value, len, arena, &why)) return client_error_set(err, ISAC_REFUSED, "%s", why.text);
	return ISAC_DONE;
}

enum isac_result client_value_ask(ProtobufCMessage **answer, struct wire_value *out, struct isac *isac,
				  const struct client_value_question *q, const char *type, const char *value, struct wire_arena *arena,
				  struct isac_error *err)
{
	enum isac_result r = client_value_read(out, type, value, arena, err);
	if (r) return r;
	*q->type = out->type;
	*q->value = out->text;
	return client_request_run(answer, isac, q->frame, q->message, q->reply, &isac->answer, 0, err);
}
