/* doctor: what the core can say of the hub's health. The rest is on the machine: isacd doctor. */
#include "control/priv.h"

static void add(void *arg, const struct store_finding *f)
{
	Isac1__Arg cell[4], *cells[4];
	const char *const text[4][2] = {{"check", f->check}, {"state", f->state}, {"text", f->text}, {"remedy", f->remedy}};
	Isac1__Row row = ISAC1__ROW__INIT, *rows[1] = {&row};
	Isac1__ControlResult result = ISAC1__CONTROL_RESULT__INIT;
	for (size_t i = 0; i < 4; i++) {
		isac1__arg__init(&cell[i]);
		cell[i].name = (char *)text[i][0], cell[i].value = (char *)text[i][1];
		cells[i] = &cell[i];
	}
	row.n_cells = 4, row.cells = cells;
	result.n_rows = 1, result.rows = rows;
	wire_pack(arg, &result.base);
}

enum isac_err control_doctor(struct control_call *call)
{
	enum isac_err err = store_doctor(call->db, add, call->rows);
	return err ? err : call->rows->err;
}
