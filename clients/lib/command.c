/* command: signs an order, sends it, lays out the answer. Its id makes repetition harmless. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "priv.h"

static enum isac_result make(struct wire_buf *out, const char *verb, const struct isac_arg *args, size_t n, struct isac_error *err)
{
	if (n > WIRE_LIMIT_ARGS) return client_error_set(err, ISAC_MISUSED, "a command takes %d arguments at most", WIRE_LIMIT_ARGS);
	uint8_t id[WIRE_ID];
	randombytes_buf(id, sizeof id);
	Isac1__Command command = ISAC1__COMMAND__INIT;
	command.command_id = (ProtobufCBinaryData){sizeof id, id};
	command.created_us = client_clock_now_us();
	command.verb = (char *)verb;
	Isac1__Arg *arg = calloc(n + 1, sizeof *arg), **list = calloc(n + 1, sizeof *list);
	if (!arg || !list) {
		free(arg);
		free(list);
		return client_error_out_of_memory(err);
	}
	for (size_t i = 0; i < n; i++) {
		isac1__arg__init(&arg[i]);
		arg[i].name = (char *)args[i].name;
		if (args[i].value) arg[i].value = (char *)args[i].value;
		arg[i].data = (ProtobufCBinaryData){args[i].data_len, (uint8_t *)args[i].data};
		list[i] = &arg[i];
	}
	command.args = list;
	command.n_args = n;
	wire_pack(out, &command.base);
	free(arg);
	free(list);
	return out->err ? client_error_set(err, ISAC_MISUSED, "the command is too large") : ISAC_DONE;
}

static bool lay_out(struct isac_answer *out, const Isac1__ControlResult *result, struct wire_arena *arena)
{
	struct isac_row *rows = wire_arena_alloc(arena, (result->n_rows + 1) * sizeof *rows);
	if (!rows) return false;
	for (size_t i = 0; i < result->n_rows; i++) {
		const Isac1__Row *row = result->rows[i];
		struct isac_arg *cells = wire_arena_alloc(arena, (row->n_cells + 1) * sizeof *cells);
		if (!cells) return false;
		for (size_t j = 0; j < row->n_cells; j++)
			cells[j] = (struct isac_arg){.name = row->cells[j]->name,
						     .value = row->cells[j]->value,
						     .data = row->cells[j]->data.data,
						     .data_len = row->cells[j]->data.len};
		rows[i] = (struct isac_row){cells, row->n_cells};
	}
	*out = (struct isac_answer){result->code, result->text, rows, result->n_rows};
	return true;
}

/* Signs bytes of a command, whoever made them, and sends them. */
static enum isac_result send_signed(const struct isac_answer **out, struct isac *isac, const uint8_t *bytes, size_t len,
				    struct isac_error *err)
{
	uint8_t signature[WIRE_SIGNATURE], key_id[WIRE_KEY_ID];
	if (wire_sign_make(signature, WIRE_SIGN_COMMAND, isac->hub.hub_id, bytes, len, isac->sign_secret))
		return client_error_out_of_memory(err);
	wire_sign_key_id(key_id, isac->self.sign);
	Isac1__Control control = ISAC1__CONTROL__INIT;
	control.command = (ProtobufCBinaryData){len, (uint8_t *)bytes};
	control.signature = (ProtobufCBinaryData){sizeof signature, signature};
	control.key_id = (ProtobufCBinaryData){sizeof key_id, key_id};
	ProtobufCMessage *reply = NULL;
	enum isac_result r = client_request_run(&reply, isac, WIRE_CONTROL, &control.base, WIRE_CONTROL_RESULT, &isac->answer, 0, err);
	if (r) return r;
	const Isac1__ControlResult *result = (const Isac1__ControlResult *)reply;
	struct isac_answer *answer = wire_arena_alloc(&isac->answer, sizeof *answer);
	if (!answer || !lay_out(answer, result, &isac->answer)) return client_error_out_of_memory(err);
	*out = answer;
	return result->code >= 300 || result->code < 200 ? client_error_from_hub(err, result->code, result->text) : ISAC_DONE;
}

enum isac_result isac_command(const struct isac_answer **out, struct isac *isac, const char *verb, const struct isac_arg *args, size_t n,
			      struct isac_error *err)
{
	struct wire_buf bytes;
	wire_buf_init(&bytes, WIRE_LIMIT_FRAME_BYTES);
	enum isac_result r = make(&bytes, verb, args, n, err);
	if (!r) r = send_signed(out, isac, bytes.data, bytes.len, err);
	wire_buf_clear(&bytes);
	return r;
}

enum isac_result isac_command_approve(const struct isac_answer **out, struct isac *isac, const struct isac_order *order,
				      struct isac_error *err)
{
	return send_signed(out, isac, order->bytes, order->len, err);
}

struct order {
	struct isac_order pub;
	struct wire_arena arena;
};

enum isac_result isac_order_open(struct isac_order **out, const void *bytes, size_t len, struct isac_error *err)
{
	struct order *o = calloc(1, sizeof *o);
	*out = NULL;
	if (!o) return client_error_out_of_memory(err);
	wire_arena_init(&o->arena, WIRE_LIMIT_DECODE_BYTES);
	*out = &o->pub;
	ProtobufCMessage *msg = NULL;
	uint8_t *copy = wire_arena_alloc(&o->arena, len + 1);
	/* By the hub's own rules: what it would not take, or reads in another way than we do, is not shown as if it could be signed. */
	if (!copy || wire_open(&msg, &isac1__command__descriptor, &o->arena, bytes, len, true, NULL) ||
	    ((Isac1__Command *)msg)->command_id.len != WIRE_ID) {
		isac_order_close(out);
		return client_error_set(err, ISAC_REFUSED, "the command cannot be read");
	}
	const Isac1__Command *command = (const Isac1__Command *)msg;
	struct isac_arg *args = wire_arena_alloc(&o->arena, (command->n_args + 1) * sizeof *args);
	if (!args) {
		isac_order_close(out);
		return client_error_out_of_memory(err);
	}
	for (size_t i = 0; i < command->n_args; i++) {
		const Isac1__Arg *arg = command->args[i];
		args[i] = (struct isac_arg){.name = arg->name, .value = arg->value, .data = arg->data.data, .data_len = arg->data.len};
	}
	memcpy(copy, bytes, len);
	memcpy(o->pub.id, command->command_id.data, sizeof o->pub.id);
	o->pub.created_us = command->created_us;
	o->pub.verb = command->verb;
	o->pub.args = args;
	o->pub.n = command->n_args;
	o->pub.bytes = copy;
	o->pub.len = len;
	return ISAC_DONE;
}

void isac_order_close(struct isac_order **order)
{
	if (!*order) return;
	struct order *o = (struct order *)*order;
	wire_arena_clear(&o->arena);
	free(o);
	*order = NULL;
}
