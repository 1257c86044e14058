/*
 * One configuration for the whole hub: read once by the parent, as the user who started it, and handed to the other
 * processes as sealed memory. So a file that changes meanwhile cannot give them different ones, and no
 * password stands on a command line. print-config shows the same thing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "isacd.h"

static enum isac_err read_file(struct base_conf *conf, const struct isacd_args *args, struct wire_why *why)
{
	char *path = NULL;
	enum isac_err err = ISAC_OK;

	if (args->config) return base_conf_read(conf, args->config, why);
	if (!args->data) return ISAC_OK;
	if (asprintf(&path, "%s/isacd.conf", args->data) < 0) return ISAC_ERR_NO_MEMORY;
	if (access(path, F_OK) == 0 || errno != ENOENT) err = base_conf_read(conf, path, why);
	free(path);
	return err;
}

static enum isac_err apply_line(struct base_conf *conf, const char *set, struct wire_why *why)
{
	const char *equals = strchr(set, '=');
	char *name = strndup(set, (size_t)(equals - set));
	enum isac_err err = name ? base_conf_set(conf, name, equals + 1, why) : ISAC_ERR_NO_MEMORY;

	free(name);
	return err;
}

enum isac_err isacd_conf_load(struct base_conf **out, const struct isacd_args *args)
{
	const struct {
		const char *name, *value;
	} given[] = {{"listen", args->listen}, {"database", args->db}, {"user", args->user}};
	struct wire_why why = {.text = ""};
	enum isac_err err = base_conf_new(out);

	if (err) return err;
	err = read_file(*out, args, &why);
	for (size_t i = 0; !err && i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].value) err = base_conf_set(*out, given[i].name, given[i].value, &why);
	for (size_t i = 0; !err && i < args->sets_n; i++) err = apply_line(*out, args->sets[i], &why);
	if (err) {
		isacd_say("%s", why.text[0] ? why.text : isac_err_text(err));
		base_conf_destroy(out);
	}
	return err;
}

static int print_to_memory(const struct base_conf *conf)
{
	int fd = memfd_create("isacd.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING), copy = fd < 0 ? -1 : dup(fd);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

	if (!out) {
		if (copy >= 0) close(copy);
		if (fd >= 0) close(fd);
		return -1;
	}
	base_conf_print(conf, out);
	if (fclose(out) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int isacd_conf_memfd(const struct base_conf *conf, const char *listen, bool with_database)
{
	struct base_conf *copy = NULL;
	char path[40];
	int whole = print_to_memory(conf), fd = -1;

	if (whole < 0) return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", whole);
	if (base_conf_new(&copy) == ISAC_OK && base_conf_read(copy, path, NULL) == ISAC_OK &&
	    (!listen || base_conf_set(copy, "listen", listen, NULL) == ISAC_OK) &&
	    (with_database || base_conf_set(copy, "database", "", NULL) == ISAC_OK))
		fd = print_to_memory(copy);
	base_conf_destroy(&copy);
	close(whole);
	return fd;
}

void isacd_conf_log(const struct base_conf *conf, const char *process)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	enum base_log_level least = BASE_LOG_DEBUG;

	while (least < BASE_LOG_ERROR && strcmp(names[least], base_conf_str(conf, "log_level")) != 0) least++;
	base_log_init(process, least);
}

int isacd_print_config(const struct isacd_args *args)
{
	struct base_conf *conf;

	if (isacd_conf_load(&conf, args)) return ISACD_FAILED;
	base_conf_print(conf, stdout);
	base_conf_destroy(&conf);
	return fflush(stdout) == 0 && !ferror(stdout) ? ISACD_OK : ISACD_FAILED;
}
