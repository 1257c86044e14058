/* user: root opens the interfaces, an ordinary user reads what strangers send. What is open stays open. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "edge/priv.h"

enum isac_err edge_user_find(unsigned *uid, unsigned *gid, const char *name, struct wire_why *why)
{
	const struct passwd *pw;

	*uid = geteuid();
	*gid = getegid();
	if (geteuid() != 0) return ISAC_OK;
	pw = getpwnam(name);
	if (!pw)
		return wire_refuse(why, ISAC_ERR_CONFIG, "user: there is no user '%s': adduser --system --group %s, or name another", name,
				   name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return ISAC_OK;
}

enum isac_err edge_user_become(const char *folder, const char *name, struct wire_why *why)
{
	unsigned uid, gid;

	if (edge_user_find(&uid, &gid, name, why)) return ISAC_ERR_CONFIG;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", folder, strerror(errno));
	if (geteuid() == 0 && lchown(folder, uid, gid) != 0) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", folder, strerror(errno));
	if (chdir(folder) != 0) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", folder, strerror(errno));
	if (geteuid() == 0 && uid != 0 && (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
		return wire_refuse(why, ISAC_ERR_CONFIG, "cannot become user '%s': %s", name, strerror(errno));
	return ISAC_OK;
}
