/* The head frame: its bytes, and the table of message types (frame.def). It does not judge direction or port. */
#include <string.h>
#include "wire/wire.h"

enum { PORT_R = 'R', PORT_F = 'F', PORT_B = 'B', DIR_U = 'U', DIR_D = 'D' };

/* By type; types are below 256 in version 1. A row without a name is an unknown type. */
static const struct wire_frame_row rows[256] = {
#define FRAME(num, name, port, dir, msg, text) [num] = {num, #name, PORT_##port, DIR_##dir, &isac1__##msg##__descriptor},
#include "wire/frame.def"
#undef FRAME
};

static const uint8_t magic[4] = {'I', 'S', 'C', '1'};

size_t wire_head_pack(uint8_t out[WIRE_DELIVERY_HEAD_BYTES], const struct wire_head *head)
{
	memcpy(out, magic, sizeof magic);
	out[4] = (uint8_t)(head->type >> 8);
	out[5] = (uint8_t)head->type;
	out[6] = out[7] = 0;
	wire_put_u64(out + 8, head->request_id);
	if (head->type != WIRE_DELIVERY) return WIRE_HEAD_BYTES;
	wire_put_u32(out + 16, head->sub);
	wire_put_u64(out + 20, head->prev_seq);
	wire_put_u64(out + 28, head->last_seq);
	return WIRE_DELIVERY_HEAD_BYTES;
}

enum isac_err wire_head_open(struct wire_head *out, const uint8_t *data, size_t len)
{
	*out = (struct wire_head){0};
	if (len < WIRE_HEAD_BYTES || memcmp(data, magic, sizeof magic) != 0) return ISAC_ERR_MALFORMED;
	out->type = wire_get_u16(data + 4);
	out->request_id = wire_get_u64(data + 8);
	if (wire_get_u16(data + 6) != 0) return ISAC_ERR_MALFORMED;
	if (len != (out->type == WIRE_DELIVERY ? WIRE_DELIVERY_HEAD_BYTES : WIRE_HEAD_BYTES)) return ISAC_ERR_MALFORMED;
	if (out->type != WIRE_DELIVERY) return ISAC_OK;
	out->sub = wire_get_u32(data + 16);
	out->prev_seq = wire_get_u64(data + 20);
	out->last_seq = wire_get_u64(data + 28);
	return ISAC_OK;
}

const struct wire_frame_row *wire_frame_find(uint16_t type)
{
	if (type >= sizeof rows / sizeof *rows || !rows[type].name) return NULL;
	return &rows[type];
}
