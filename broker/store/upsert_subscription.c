/* Opens a named subscription or gives it another filter. The cursor of one that exists may move either way: the member said so. */
#include "store/priv.h"

enum isac_err store_upsert_subscription(struct store_db *db, int32_t member_id, const char *name, const char *filter, uint64_t acked_seq)
{
	static const struct store_stmt stmt = {
		"upsert_subscription",
		"INSERT INTO subscription (member_id, name, filter, acked_seq) VALUES ($1::int, $2::text, $3::text, $4::bigint) "
		"ON CONFLICT (member_id, name) DO UPDATE SET filter = excluded.filter, acked_seq = excluded.acked_seq"};
	struct wire_buf *args = store_db_args(db);

	store_field_i32(args, member_id);
	store_field_text(args, name);
	store_field_text(args, filter);
	store_field_i64(args, (int64_t)acked_seq);
	return store_db_run(db, &stmt, NULL);
}
