/* grid: rows of one shape, written as they come: JSON lines, CSV or a table. */
#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

bool cli_grid_format(enum cli_format *out, const struct cli *cli)
{
	static const char *const names[] = {[CLI_JSONL] = "jsonl", [CLI_CSV] = "csv", [CLI_TABLE] = "table"};
	const char *text = cli_options_get(cli, "format");
	*out = cli_options_flag(cli, "json") || isatty(STDOUT_FILENO) != 1 ? CLI_JSONL : CLI_TABLE;
	if (!text) return true;
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!names[i] || strcmp(names[i], text) != 0) continue;
		*out = (enum cli_format)i;
		return true;
	}
	cli_usage(cli, "'%s' is not a format here; there are jsonl, csv, table", text);
	return false;
}

void cli_grid_head(enum cli_format format, const struct cli_column *columns, size_t n)
{
	if (format != CLI_CSV && format != CLI_TABLE) return;
	for (size_t i = 0; i < n; i++) {
		if (format == CLI_CSV) printf("%s%c", columns[i].name, i + 1 < n ? ',' : '\n');
		else printf("%-*s%s", i + 1 < n ? columns[i].width : 0, columns[i].name, i + 1 < n ? "  " : "\n");
	}
}

static json_t *json_cell(enum cli_cell cell, const char *text)
{
	if (!*text) return json_null();
	if (cell == CLI_CELL_NUMBER) return json_integer(strtoll(text, NULL, 10));
	if (cell == CLI_CELL_BOOL) return json_boolean(strcmp(text, "yes") == 0);
	return json_string(text);
}

void cli_grid_row(enum cli_format format, const struct cli_column *columns, size_t n, const char *const *cells)
{
	json_t *o = format == CLI_JSONL ? json_object() : NULL;
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n;
		if (o) {
			json_t *v = json_cell(columns[i].cell, cells[i]);
			json_object_set_new(o, columns[i].name, v ? v : json_null());
		} else if (format == CLI_CSV) {
			if (columns[i].cell == CLI_CELL_TEXT) csv_fwrite(stdout, cells[i], strlen(cells[i]));
			else fputs(cells[i], stdout);
			putchar(last ? '\n' : ',');
		} else {
			const char *text = *cells[i] ? cells[i] : "-";
			printf("%*s%s",
			       last				    ? 0
			       : columns[i].cell == CLI_CELL_NUMBER ? columns[i].width
								    : -columns[i].width,
			       text, last ? "\n" : "  ");
		}
	}
	if (o) cli_output_json(o);
}
