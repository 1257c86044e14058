/*
 * A publisher's proof that its report is durable: the receipt's body lies under a batch root that the hub signed
 * (README section 6). Whether it is the receipt for what was sent (report_id, header_hash) the caller compares.
 */
#include <string.h>
#include "wire/wire.h"

enum { PATH_MAX_HASHES = 32 };

static enum isac_err refuse(struct wire_why *why, const char *what)
{
	return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "%s", what);
}

static enum isac_err check_batch(const Isac1__Receipt *receipt, const char *hub_id, const uint8_t receipt_public[WIRE_SIGN_PUBLIC],
				 struct wire_why *why)
{
	uint8_t path[PATH_MAX_HASHES * WIRE_HASH], leaf[WIRE_HASH], promise[WIRE_HASH + 4];
	enum isac_err err;

	if (receipt->n_batch_proof > PATH_MAX_HASHES) return refuse(why, "the batch proof is too long");
	for (size_t i = 0; i < receipt->n_batch_proof; i++) {
		if (receipt->batch_proof[i].len != WIRE_HASH) return refuse(why, "a hash of the batch proof is not 32 bytes");
		memcpy(path + i * WIRE_HASH, receipt->batch_proof[i].data, WIRE_HASH);
	}
	wire_merkle_leaf(leaf, receipt->body.data, receipt->body.len);
	err = wire_merkle_path_verify(promise, receipt->batch_size, receipt->batch_index, leaf, path, (uint32_t)receipt->n_batch_proof);
	if (err) return refuse(why, "the batch proof has the wrong shape");
	wire_put_u32(promise + WIRE_HASH, receipt->batch_size);
	err = wire_sign_check(receipt->hub_signature.data, WIRE_SIGN_RECEIPT, hub_id, promise, sizeof promise, receipt_public);
	return err ? wire_refuse(why, err, "the hub's signature does not hold") : ISAC_OK;
}

enum isac_err wire_receipt_verify(Isac1__ReceiptBody **body, const Isac1__Receipt *receipt, const char *hub_id,
				  const uint8_t receipt_public[WIRE_SIGN_PUBLIC], struct wire_arena *arena, struct wire_why *why)
{
	ProtobufCMessage *msg;
	Isac1__ReceiptBody *b;
	enum isac_err err;

	*body = NULL;
	if (!receipt->body.len || receipt->hub_signature.len != WIRE_SIGNATURE) return refuse(why, "the receipt promises nothing");
	err = check_batch(receipt, hub_id, receipt_public, why);
	if (err) return err;
	err = wire_open(&msg, &isac1__receipt_body__descriptor, arena, receipt->body.data, receipt->body.len, false, why);
	if (err) return err;
	b = (Isac1__ReceiptBody *)msg;
	if (b->report_id.len != WIRE_ID || b->header_hash.len != WIRE_HASH || !b->seq || b->log_index != b->seq - 1)
		return refuse(why, "the receipt's body is not one");
	if (receipt->report_id.len != WIRE_ID || memcmp(receipt->report_id.data, b->report_id.data, WIRE_ID) != 0)
		return refuse(why, "the receipt names another report than its body");
	*body = b;
	return ISAC_OK;
}
