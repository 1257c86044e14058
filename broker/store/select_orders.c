/* The signed commands behind recalls. */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

static size_t put_ids(struct wire_buf *args, const struct store_recalled *rows, size_t n)
{
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) distinct += !i || rows[i].recall_id != rows[i - 1].recall_id;
	size_t mark = store_field_array(args, STORE_OID_INT8, (uint32_t)distinct);
	for (size_t i = 0; i < n; i++)
		if (!i || rows[i].recall_id != rows[i - 1].recall_id) store_field_i64(args, rows[i].recall_id);
	store_field_array_end(args, mark);
	return distinct;
}

static bool copy(uint8_t *out, size_t size, struct wire_bytes from)
{
	if (from.len != size) return false;
	memcpy(out, from.data, size);
	return true;
}

static enum isac_err take(struct store_order *o, const PGresult *res, int row)
{
	struct wire_bytes command = store_get_bytes(res, row, 1);

	*o = (struct store_order){.recall_id = store_get_i64(res, row, 0), .cosigned = !store_get_null(res, row, 4)};
	o->command = malloc(command.len ? command.len : 1);
	if (!o->command) return ISAC_ERR_NO_MEMORY;
	memcpy(o->command, command.data, o->len = command.len);
	bool good = copy(o->signature, WIRE_SIGNATURE, store_get_bytes(res, row, 2)) &&
		    copy(o->key_id, WIRE_KEY_ID, store_get_bytes(res, row, 3));
	if (good && o->cosigned)
		good = copy(o->cosignature, WIRE_SIGNATURE, store_get_bytes(res, row, 4)) &&
		       copy(o->cosign_key_id, WIRE_KEY_ID, store_get_bytes(res, row, 5));
	return good ? ISAC_OK : ISAC_ERR_MALFORMED;
}

enum isac_err store_select_orders(struct store_db *db, const struct store_recalled *rows, size_t n, struct store_order **out,
				  size_t *orders_n)
{
	static const struct store_stmt stmt = {
		"select_orders", "SELECT r.id, e.command, e.signature, e.key_id, e.cosignature, e.cosign_key_id FROM recall r "
				 "JOIN admin_event e ON e.id = r.event_id WHERE r.id = ANY ($1::bigint[]) ORDER BY r.id"};
	PGresult *res = NULL;
	size_t found = 0;

	*out = NULL;
	*orders_n = 0;
	if (!n) return ISAC_OK;
	*out = calloc(put_ids(store_db_args(db), rows, n), sizeof(**out));
	if (!*out) return ISAC_ERR_NO_MEMORY;
	enum isac_err err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) err = take(&(*out)[found++], res, row);
	PQclear(res);
	*orders_n = found;
	if (err == ISAC_ERR_NOT_FOUND) return ISAC_OK;
	if (err) {
		store_orders_free(out, found);
		*orders_n = 0;
	}
	return err;
}

void store_orders_free(struct store_order **orders, size_t n)
{
	for (size_t i = 0; *orders && i < n; i++) free((*orders)[i].command);
	free(*orders);
	*orders = NULL;
}
