/* The id of an audience. A row of its own transaction: one that no report points to does no harm. */
#include "store/priv.h"

enum isac_err store_intern_audience(struct store_pg *pg, struct wire_buf *args, const struct member_audience *a, const uint8_t digest[16],
				    int32_t *id)
{
	static const struct store_stmt stmt = {"intern_audience", "SELECT audience_intern($1::bytea, $2::smallint, $3::int[], $4::int[])"};
	PGresult *res = NULL;
	enum isac_err err;

	wire_buf_reset(args);
	store_field_bytes(args, digest, 16);
	store_field_i16(args, (int16_t)a->tlp);
	store_field_array_i32(args, a->groups, a->groups_n);
	store_field_array_i32(args, a->recipients, a->recipients_n);
	err = store_pg_run(pg, &stmt, args, &res);
	if (!err) *id = store_get_i32(res, 0, 0);
	PQclear(res);
	return err;
}
