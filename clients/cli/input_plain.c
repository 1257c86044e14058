/*
 * input_plain: one value a line; `#` begins a comment. Values without blanks (addresses, names, hashes) end at the first blank,
 * so lists with a second column can be read; names of files, mutexes and programs are the whole line.
 */
#include <ctype.h>
#include <string.h>
#include "input.h"

static bool may_hold_blanks(const char *type)
{
	static const char *const types[] = {"user-agent", "filename", "mutex", "registry-key"};
	for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++)
		if (strcmp(type, types[i]) == 0) return true;
	return false;
}

int input_plain_line(const struct input_conf *conf, const struct input_sink *sink, char *line, unsigned number)
{
	struct input_record r;
	char *end;
	while (isspace((unsigned char)*line)) line++;
	if (!*line || *line == '#') return 0;
	if (may_hold_blanks(conf->type)) end = line + strlen(line);
	else end = line + strcspn(line, " \t");
	while (end > line && isspace((unsigned char)end[-1])) end--;
	*end = 0;
	input_record_init(&r);
	r.ind.value = line;
	r.ind.type = conf->type;
	return sink->take(sink->arg, &r, number);
}
