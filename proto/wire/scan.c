/*
 * The pre-scan: judges a body by the rules of README section 3 before protobuf-c sees it, because protobuf-c lets
 * duplicate scalars, long varints, bad UTF-8 and NUL pass and turns a megabyte into eighty (THREATS.md section 1).
 * One pass, no allocation, one level of C recursion per level of messages, which NESTING bounds.
 *
 * It estimates, never below the truth, what protobuf-c will take from an arena. It does not know what fields mean.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>
#include "wire/wire.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum {
	ALIGN = 16,	   /* the arena's */
	MEMBER_BYTES = 32, /* protobuf-c keeps so much for each field that it saw, in slabs: 16, 32, 64, ... */
	MEMBERS_ON_STACK = 16,
	FIELDS_MAX = 64, /* of one message type: bits of `seen` */
	TAG_BYTES = 5,
};

struct scan {
	size_t memory, fields;
	bool unknown;
	struct wire_why *why;
};

/* By protobuf type: wire type, bytes of an element in an array, greatest value; wide: negative values are sign-extended to 64 bits. */
static const struct kind {
	uint8_t wire, size;
	bool wide;
	uint64_t max;
} kinds[] = {
	[PROTOBUF_C_TYPE_INT32] = {VARINT, 4, true, INT32_MAX},
	[PROTOBUF_C_TYPE_ENUM] = {VARINT, 4, true, INT32_MAX},
	[PROTOBUF_C_TYPE_SINT32] = {VARINT, 4, false, UINT32_MAX},
	[PROTOBUF_C_TYPE_UINT32] = {VARINT, 4, false, UINT32_MAX},
	[PROTOBUF_C_TYPE_INT64] = {VARINT, 8, false, UINT64_MAX},
	[PROTOBUF_C_TYPE_SINT64] = {VARINT, 8, false, UINT64_MAX},
	[PROTOBUF_C_TYPE_UINT64] = {VARINT, 8, false, UINT64_MAX},
	[PROTOBUF_C_TYPE_BOOL] = {VARINT, sizeof(protobuf_c_boolean), false, 1},
	[PROTOBUF_C_TYPE_SFIXED32] = {FIXED32, 4, false, 0},
	[PROTOBUF_C_TYPE_FIXED32] = {FIXED32, 4, false, 0},
	[PROTOBUF_C_TYPE_FLOAT] = {FIXED32, 4, false, 0},
	[PROTOBUF_C_TYPE_SFIXED64] = {FIXED64, 8, false, 0},
	[PROTOBUF_C_TYPE_FIXED64] = {FIXED64, 8, false, 0},
	[PROTOBUF_C_TYPE_DOUBLE] = {FIXED64, 8, false, 0},
	[PROTOBUF_C_TYPE_STRING] = {BYTES, sizeof(char *), false, 0},
	[PROTOBUF_C_TYPE_BYTES] = {BYTES, sizeof(ProtobufCBinaryData), false, 0},
	[PROTOBUF_C_TYPE_MESSAGE] = {BYTES, sizeof(void *), false, 0},
};

static size_t rounded(size_t size)
{
	return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* Two bytes and more, one by one: at the end of a message, or above 56 bits. */
static const uint8_t *read_varint_slowly(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		const uint8_t c = *p++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (c & 0x80) continue;
		if (c == 0 || (shift == 63 && c > 1)) return NULL;
		*out = v;
		return p;
	}
	return NULL;
}

/* Up to eight bytes at once: the first byte without its high bit ends the varint, then seven bits of each are joined. */
static const uint8_t *read_long_varint(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
	uint64_t w, stop;
	unsigned bits;

	if (end - p < 8) return read_varint_slowly(p, end, out);
	memcpy(&w, p, sizeof w);
	w = le64toh(w);
	stop = ~w & UINT64_C(0x8080808080808080);
	if (!stop) return read_varint_slowly(p, end, out);
	bits = (unsigned)__builtin_ctzll(stop) + 1;
	w &= UINT64_MAX >> (64 - bits);
	if (!(w >> (bits - 8))) return NULL;
	w = (w & UINT64_C(0x007f007f007f007f)) | (w & UINT64_C(0x7f007f007f007f00)) >> 1;
	w = (w & UINT64_C(0x00003fff00003fff)) | (w & UINT64_C(0x3fff00003fff0000)) >> 2;
	*out = (w & UINT64_C(0x0fffffff)) | (w & UINT64_C(0x0fffffff00000000)) >> 4;
	return p + bits / 8;
}

/* A minimal varint of at most 64 bits, or NULL. */
static inline const uint8_t *read_varint(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
	if (p < end && *p < 0x80) {
		*out = *p;
		return p + 1;
	}
	return read_long_varint(p, end, out);
}

/* Index of a field, n_fields if there is none. Numbers run from 1 without holes in most messages. */
static inline unsigned find(const ProtobufCMessageDescriptor *desc, uint64_t id)
{
	unsigned i = 0;

	if (id - 1 < desc->n_fields && desc->fields[id - 1].id == id) return (unsigned)id - 1;
	while (i < desc->n_fields && desc->fields[i].id != id) i++;
	return i;
}

static enum isac_err malformed(struct scan *s, const ProtobufCMessageDescriptor *desc, const char *what)
{
	return wire_refuse(s->why, ISAC_ERR_MALFORMED, "%s: %s", desc->short_name, what);
}

/* A value of this wire type: a varint's in *v, else the length of the payload that ends where it returns; NULL if cut. */
static inline const uint8_t *read_value(const uint8_t *p, const uint8_t *end, unsigned wire, uint64_t *v)
{
	if (wire == VARINT) return read_varint(p, end, v);
	if (wire == BYTES) {
		p = read_varint(p, end, v);
		return p && *v <= (uint64_t)(end - p) ? p + *v : NULL;
	}
	*v = wire == FIXED64 ? 8 : 4;
	return (uint64_t)(end - p) >= *v ? p + *v : NULL;
}

static inline bool fits(const struct kind *kind, uint64_t v)
{
	return v <= kind->max || (kind->wide && v >= (uint64_t)INT32_MIN);
}

/* A packed list of scalars; counts its elements. */
static enum isac_err scan_packed(struct scan *s, const ProtobufCMessageDescriptor *desc, const struct kind *kind, const uint8_t *p,
				 const uint8_t *end)
{
	uint64_t v;

	while (p < end) {
		p = read_value(p, end, kind->wire, &v);
		if (!p || (kind->wire == VARINT && !fits(kind, v))) return malformed(s, desc, "bad packed list");
		s->memory += kind->size;
		s->fields++;
	}
	return ISAC_OK;
}

/* The members of this field's oneof, as bits of `seen`. */
static uint64_t oneof_bits(const ProtobufCMessageDescriptor *desc, const ProtobufCFieldDescriptor *field)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < desc->n_fields; i++)
		if (desc->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF && desc->fields[i].quantifier_offset == field->quantifier_offset)
			bits |= UINT64_C(1) << i;
	return bits;
}

static enum isac_err scan_message(struct scan *s, const ProtobufCMessageDescriptor *desc, const uint8_t *p, const uint8_t *end,
				  unsigned depth);

/* The payload of a length-delimited known field. */
static inline enum isac_err scan_bytes(struct scan *s, const ProtobufCMessageDescriptor *desc, const ProtobufCFieldDescriptor *field,
				       const uint8_t *p, size_t len, unsigned depth)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) return scan_message(s, field->descriptor, p, p + len, depth + 1);
	s->memory += rounded(len + 1);
	if (field->type == PROTOBUF_C_TYPE_STRING && !wire_utf8_ok((const char *)p, len))
		return wire_refuse(s->why, ISAC_ERR_BAD_VALUE, "%s.%s is not UTF-8 without NUL", desc->short_name, field->name);
	return ISAC_OK;
}

/*
 * An unknown field. Refused only at the end, so that a flood of them is called a flood.
 * Returns what follows it, NULL if it is malformed.
 */
static const uint8_t *skip_unknown(struct scan *s, const uint8_t *p, const uint8_t *end, unsigned wire)
{
	uint64_t v;

	if (wire > FIXED32 || wire == 3 || wire == 4) return NULL;
	p = read_value(p, end, wire, &v);
	if (!p) return NULL;
	s->unknown = true;
	s->memory += sizeof(ProtobufCMessageUnknownField) + rounded(wire == BYTES ? (size_t)v + TAG_BYTES : 10);
	return p;
}

static size_t slab_bytes(size_t members)
{
	size_t bytes = 0, slab = MEMBERS_ON_STACK;

	for (size_t have = MEMBERS_ON_STACK; have < members; have += slab) {
		slab *= 2;
		bytes += rounded(slab * MEMBER_BYTES);
	}
	return bytes;
}

/* One known field, its tag read: leaves *at behind it. */
static inline enum isac_err scan_field(struct scan *s, const ProtobufCMessageDescriptor *desc, const ProtobufCFieldDescriptor *field,
				       unsigned wire, const uint8_t **at, const uint8_t *end, unsigned depth)
{
	const struct kind *kind = &kinds[field->type];
	const bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	const uint8_t *next;
	uint64_t v;

	if (wire != kind->wire && !(wire == BYTES && repeated)) return malformed(s, desc, "wrong wire type");
	next = read_value(*at, end, wire, &v);
	if (!next) return malformed(s, desc, "bad varint or length");
	*at = next;
	if (wire != kind->wire) return scan_packed(s, desc, kind, next - v, next);
	if (repeated) s->memory += kind->size;
	if (wire == BYTES) return scan_bytes(s, desc, field, next - v, (size_t)v, depth);
	return wire != VARINT || fits(kind, v) ? ISAC_OK : malformed(s, desc, "number out of range");
}

/* Books a message's own memory and fields once it is read; the floods end here. */
static enum isac_err count(struct scan *s, const ProtobufCMessageDescriptor *desc, size_t members, uint64_t lists)
{
	s->memory += rounded(desc->sizeof_message) + (size_t)__builtin_popcountll(lists) * ALIGN;
	if (members > MEMBERS_ON_STACK) s->memory += slab_bytes(members);
	s->fields += members;
	if (s->fields > WIRE_LIMIT_FIELDS) return wire_refuse(s->why, ISAC_ERR_TOO_LARGE, "too many fields");
	if (s->memory > WIRE_LIMIT_DECODE_BYTES) return wire_refuse(s->why, ISAC_ERR_TOO_LARGE, "takes too much memory when decoded");
	return ISAC_OK;
}

static enum isac_err scan_message(struct scan *s, const ProtobufCMessageDescriptor *desc, const uint8_t *p, const uint8_t *end,
				  unsigned depth)
{
	uint64_t seen = 0, lists = 0, tag;
	size_t members = 0;
	enum isac_err err;

	if (depth > WIRE_LIMIT_NESTING) return malformed(s, desc, "nested too deep");
	for (; p < end; members++) {
		const ProtobufCFieldDescriptor *field;
		unsigned i;

		p = read_varint(p, end, &tag);
		if (!p || tag > UINT32_MAX || tag < 8) return malformed(s, desc, "bad tag");
		i = find(desc, tag >> 3);
		if (i == desc->n_fields) {
			p = skip_unknown(s, p, end, tag & 7);
			if (!p) return malformed(s, desc, "bad unknown field");
			continue;
		}
		field = &desc->fields[i];
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			lists |= UINT64_C(1) << i;
		} else {
			if (seen >> i & 1) return malformed(s, desc, "field twice, or two of a oneof");
			seen |= field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? oneof_bits(desc, field) : UINT64_C(1) << i;
		}
		err = scan_field(s, desc, field, tag & 7, &p, end, depth);
		if (err) return err;
	}
	return count(s, desc, members, lists);
}

enum isac_err wire_scan(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len, bool strict, struct wire_why *why)
{
	struct scan s = {.why = why};
	enum isac_err err;

	if (!len && strict && desc != &isac1__status__descriptor && desc != &isac1__directory__descriptor)
		return malformed(&s, desc, "empty");
	assert(desc->n_fields <= FIELDS_MAX);
	err = len ? scan_message(&s, desc, data, data + len, 0) : ISAC_OK;
	if (err) return err;
	if (strict && s.unknown) return malformed(&s, desc, "unknown field");
	return ISAC_OK;
}
