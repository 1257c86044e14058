/*
 * Who the hub runs as. Root is given up for good and by every process, the parent included: it opens what it needs
 * before, and works relative to the data folder, whose parents the new user may not be able to enter.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "isacd.h"

static enum isac_err fill(struct isacd_user *out, const struct passwd *pw, uid_t uid)
{
	*out = (struct isacd_user){.uid = uid, .gid = pw ? pw->pw_gid : getegid(), .drop = geteuid() == 0 && uid != 0};
	if (pw && strlen(pw->pw_name) < sizeof(out->name)) memcpy(out->name, pw->pw_name, strlen(pw->pw_name) + 1);
	if (!out->name[0]) {
		isacd_say("user %u has no name in the system's user list; PostgreSQL needs one", (unsigned)uid);
		return ISAC_ERR_CONFIG;
	}
	return ISAC_OK;
}

enum isac_err isacd_user_choose(struct isacd_user *out, const char *wanted)
{
	static const char *const usual[] = {"isac", "postgres"};
	struct passwd *pw = NULL;

	if (geteuid() != 0) {
		if (fill(out, getpwuid(geteuid()), geteuid())) return ISAC_ERR_CONFIG;
		if (*wanted && strcmp(wanted, out->name) != 0) {
			isacd_say("only root can make a hub for another user (%s)", wanted);
			return ISAC_ERR_CONFIG;
		}
		return ISAC_OK;
	}
	if (*wanted) pw = getpwnam(wanted);
	else
		for (size_t i = 0; !pw && i < sizeof(usual) / sizeof(usual[0]); i++) pw = getpwnam(usual[i]);
	if (!pw || pw->pw_uid == 0) {
		isacd_say("the hub does not run as root. Make a user for it: useradd --system isac; or name one: --user NAME");
		return ISAC_ERR_CONFIG;
	}
	return fill(out, pw, pw->pw_uid);
}

enum isac_err isacd_user_of_hub(struct isacd_user *out)
{
	struct stat st;

	if (stat("keys", &st) != 0) {
		isacd_say("keys: %s", strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	if (geteuid() != 0 && st.st_uid != geteuid()) {
		isacd_say("this hub belongs to user %u; start it as that user or as root", (unsigned)st.st_uid);
		return ISAC_ERR_CONFIG;
	}
	if (st.st_uid == 0) {
		isacd_say("keys belongs to root, and the hub does not run as root: give keys, pg and run to another user");
		return ISAC_ERR_CONFIG;
	}
	return fill(out, getpwuid(st.st_uid), st.st_uid);
}

enum isac_err isacd_user_drop(const struct isacd_user *user)
{
	if (!user || !user->drop) return ISAC_OK;
	if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 || setresuid(user->uid, user->uid, user->uid) != 0 ||
	    setuid(0) == 0) {
		isacd_say("cannot become user %s: %s", user->name, strerror(errno));
		return ISAC_ERR_SYSTEM;
	}
	return ISAC_OK;
}
