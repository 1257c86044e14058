/*
 * signer: may this key speak for this member now? The one answer for reports and commands.
 * It does not check the signature itself: that is wire_sign_check with the key found here.
 */
#include <string.h>

#include "member/member.h"

/* The order is that of proto/README.md section 5 step 3: the first rule that fails gives the code. */
enum isac_err member_check_signer(const struct member_key **key, const struct member_roster *r, const struct member *m,
				  const uint8_t *key_id, size_t key_id_len, int64_t now_us, struct wire_why *why)
{
	const struct member_key *k;

	*key = NULL;
	if (m->suspended) return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "member %s is suspended", m->name);
	if (key_id_len != WIRE_KEY_ID)
		return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "key_id has %zu bytes, not %d", key_id_len, WIRE_KEY_ID);
	k = member_roster_key(r, key_id);
	if (!k) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "no such key on this hub");
	if (k->member_id != m->id) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the key is not a key of member %s", m->name);
	if (k->valid_from_us && now_us < k->valid_from_us) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the key is not valid yet");
	if (k->valid_until_us && now_us >= k->valid_until_us) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the key has expired");
	if (k->revoked_from_seq) return wire_refuse(why, ISAC_ERR_KEY_REVOKED, "the key is revoked");
	*key = k;
	return ISAC_OK;
}
