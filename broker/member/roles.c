/*
 * roles: the names of what a member may do, one row each. The bits are those of table member.roles.
 * Which command or frame needs which role is said where that is handled, not here.
 */
#include <string.h>

#include "member/member.h"

static const struct {
	uint32_t bit;
	const char *name;
} role_rows[] = {
	{MEMBER_PUBLISHER, "publisher"}, {MEMBER_SUBSCRIBER, "subscriber"}, {MEMBER_ANALYST, "analyst"}, {MEMBER_TRACER, "tracer"},
	{MEMBER_ADMIN, "admin"},	 {MEMBER_AUDITOR, "auditor"},	    {MEMBER_INVITED, "invited"}, {MEMBER_GATEWAY, "gateway"},
};
enum { ROLE_ROWS = sizeof(role_rows) / sizeof(role_rows[0]) };

static uint32_t find_role(const char *name, size_t len)
{
	for (size_t i = 0; i < ROLE_ROWS; i++)
		if (strlen(role_rows[i].name) == len && memcmp(role_rows[i].name, name, len) == 0) return role_rows[i].bit;
	return 0;
}

uint32_t member_roles_parse(const char *list)
{
	uint32_t roles = 0;

	for (;;) {
		size_t len = strcspn(list, ",");
		uint32_t bit = find_role(list, len);

		if (!bit) return 0;
		roles |= bit;
		if (!list[len]) return roles;
		list += len + 1;
	}
}

void member_roles_print(char *out, size_t size, uint32_t roles)
{
	size_t used = 0;

	if (!size) return;
	out[0] = '\0';
	for (size_t i = 0; i < ROLE_ROWS; i++) {
		int wrote;

		if (!(roles & role_rows[i].bit)) continue;
		wrote = snprintf(out + used, size - used, "%s%s", used ? "," : "", role_rows[i].name);
		if (wrote < 0 || (size_t)wrote >= size - used) return;
		used += (size_t)wrote;
	}
}
