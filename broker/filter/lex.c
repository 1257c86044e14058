/*
 * lex: a filter's bytes as tokens. Knows the alphabet, not the grammar: keywords are words here.
 * Outside of strings only ASCII is understood; a string's bytes are looked at by operand.c.
 */
#include <string.h>

#include "filter/priv.h"

bool filter_lex_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._-:/+@*", c));
}

static void take_bad(struct filter_token *token, uint32_t at, const char *expected)
{
	token->kind = FILTER_LEX_BAD;
	token->at = at;
	token->len = 1;
	token->bad = expected;
}

/* The token's bytes are those between the quotes, escapes still in. */
static void take_string(struct filter_token *token, const char *text, uint32_t len)
{
	uint32_t at = token->at + 1;

	while (at < len && text[at] != '"') {
		if (text[at] == '\\') {
			if (at + 1 >= len || (text[at + 1] != '"' && text[at + 1] != '\\')) {
				take_bad(token, at, "\\\" or \\\\");
				return;
			}
			at++;
		}
		at++;
	}
	if (at >= len) {
		take_bad(token, token->at, "a closing \"");
		return;
	}
	token->kind = FILTER_LEX_STRING;
	token->len = at + 1 - token->at;
}

static void take_op(struct filter_token *token, const char *text, uint32_t len)
{
	bool equals = token->at + 1 < len && text[token->at + 1] == '=';

	token->kind = FILTER_LEX_OP;
	token->len = equals ? 2 : 1;
	switch (text[token->at]) {
	case '<':
		token->op = equals ? FILTER_OP_LE : FILTER_OP_LT;
		return;
	case '>':
		token->op = equals ? FILTER_OP_GE : FILTER_OP_GT;
		return;
	case '!':
		token->op = FILTER_OP_NE;
		if (!equals) take_bad(token, token->at, "!=");
		return;
	default:
		token->op = FILTER_OP_EQ;
		token->len = 1;
	}
}

void filter_lex_next(struct filter_token *token, const char *text, uint32_t len, uint32_t from)
{
	static const struct {
		char c;
		enum filter_lex kind;
	} marks[] = {{'(', FILTER_LEX_OPEN}, {')', FILTER_LEX_CLOSE}, {',', FILTER_LEX_COMMA}};
	char c;

	memset(token, 0, sizeof(*token));
	while (from < len && (text[from] == ' ' || text[from] == '\t' || text[from] == '\n' || text[from] == '\r')) from++;
	token->at = from;
	if (from == len) return; /* FILTER_LEX_END */
	c = text[from];
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (c == marks[i].c) {
			token->kind = marks[i].kind;
			token->len = 1;
			return;
		}
	if (c == '"') {
		take_string(token, text, len);
	} else if (c == '=' || c == '!' || c == '<' || c == '>') {
		take_op(token, text, len);
	} else if (filter_lex_word_byte(c)) {
		token->kind = FILTER_LEX_WORD;
		while (from < len && filter_lex_word_byte(text[from])) from++;
		token->len = from - token->at;
	} else {
		take_bad(token, from, ""); /* the parser knows better what could stand here */
	}
}
