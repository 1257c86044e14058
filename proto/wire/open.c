/* Bodies: checked bytes into protobuf-c's structures and back. Nothing else in the project calls protobuf-c's parser. */
#include "wire/wire.h"

enum isac_err wire_open(ProtobufCMessage **out, const ProtobufCMessageDescriptor *desc, struct wire_arena *arena, const uint8_t *data,
			size_t len, bool strict, struct wire_why *why)
{
	static const uint8_t none[1];
	enum isac_err err;

	*out = NULL;
	err = wire_scan(desc, data, len, strict, why);
	if (err) return err;
	*out = protobuf_c_message_unpack(desc, &arena->pb, len, data ? data : none);
	if (*out) return ISAC_OK;
	if (arena->over) return wire_refuse(why, ISAC_ERR_TOO_LARGE, "%s takes too much memory when decoded", desc->short_name);
	if (arena->failed) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	return wire_refuse(why, ISAC_ERR_MALFORMED, "%s cannot be decoded", desc->short_name);
}

void wire_pack(struct wire_buf *buf, const ProtobufCMessage *msg)
{
	const size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *at;

	if (!len) return;
	at = wire_buf_extend(buf, len);
	if (at) protobuf_c_message_pack(msg, at);
}
