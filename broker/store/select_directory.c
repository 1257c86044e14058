/* Certificates of keys: what a subscriber needs to verify a publisher without trusting the hub. */
#include <string.h>
#include "store/priv.h"

static const struct store_stmt STMT = {
	"select_directory",
	"SELECT m.name, k.key_id, k.public_key, k.valid_from, k.valid_until, k.revoked_from_seq, e.command, e.signature, e.key_id "
	"FROM member_key k JOIN member m ON m.id = k.member_id LEFT JOIN admin_event e ON e.id = k.event_id "
	"WHERE (cardinality($1::bytea[]) = 0 AND cardinality($2::text[]) = 0) OR k.key_id = ANY ($1) OR m.name = ANY ($2) "
	"ORDER BY k.member_id, k.key_id"};

static ProtobufCBinaryData bytes_of(const PGresult *res, int row, int col)
{
	struct wire_bytes b = store_get_bytes(res, row, col);
	ProtobufCBinaryData out = {b.len, (uint8_t *)(uintptr_t)b.data};

	return out;
}

/* One message with one key at a time: concatenated messages of a repeated field are one message. */
static void add_key(struct wire_buf *out, const PGresult *res, int row)
{
	Isac1__KeyCertificate key = ISAC1__KEY_CERTIFICATE__INIT, *keys[1] = {&key};
	Isac1__DirectoryResult result = ISAC1__DIRECTORY_RESULT__INIT;

	key.member = PQgetvalue(res, row, 0);
	key.key_id = bytes_of(res, row, 1);
	key.public_key = bytes_of(res, row, 2);
	key.valid_from_us = store_get_time(res, row, 3);
	key.valid_until_us = store_get_time(res, row, 4);
	key.revoked_from_seq = (uint64_t)store_get_i64(res, row, 5);
	key.command = bytes_of(res, row, 6);
	key.signature = bytes_of(res, row, 7);
	key.admin_key_id = bytes_of(res, row, 8);
	result.n_keys = 1;
	result.keys = keys;
	wire_pack(out, &result.base);
}

enum isac_err store_select_directory(struct store_db *db, const Isac1__Directory *ask, struct wire_buf *out)
{
	struct wire_buf *args = store_db_args(db);
	size_t mark = store_field_array(args, STORE_OID_BYTEA, (uint32_t)ask->n_key_ids);
	PGresult *res = NULL;
	enum isac_err err;

	for (size_t i = 0; i < ask->n_key_ids; i++) store_field_bytes(args, ask->key_ids[i].data, ask->key_ids[i].len);
	store_field_array_end(args, mark);
	mark = store_field_array(args, STORE_OID_TEXT, (uint32_t)ask->n_members);
	for (size_t i = 0; i < ask->n_members; i++) store_field_text(args, ask->members[i]);
	store_field_array_end(args, mark);
	err = store_db_run(db, &STMT, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) add_key(out, res, row);
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK;
	return err ? err : out->err;
}
