/* A member that was invited: it may do nothing but join. */
#include "store/priv.h"

enum isac_err store_insert_invited(struct store_db *db, const struct wire_member *bundle, const char *type, uint32_t roles,
				   const char *client_of, int64_t until_us, struct wire_why *why)
{
	static const struct store_stmt limit = {"limit_invitation",
						"UPDATE member_key k SET valid_until = $2::timestamptz FROM member m WHERE "
						"m.id = k.member_id AND m.name = $1::text RETURNING m.id"};
	struct wire_buf *args;
	enum isac_err err = store_insert_member(db, bundle, type, MEMBER_INVITED, client_of, why);

	if (!err) err = store_update_invited(db, bundle->name, roles);
	if (err) return err;
	args = store_db_args(db);
	store_field_text(args, bundle->name);
	store_field_time(args, until_us);
	return store_db_run(db, &limit, NULL);
}
