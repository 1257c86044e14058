/* Certificates as the hub hands them out: an admin's signed command that enrols a key. */
#ifndef TEST_CLIENT_CERTIFY_H
#define TEST_CLIENT_CERTIFY_H

#include "home.h"

struct test_cert {
	Isac1__KeyCertificate cert;
	struct wire_buf bundle, command;
	uint8_t signature[WIRE_SIGNATURE];
	struct test_key key, signer;
	char member[WIRE_LIMIT_NAME_BYTES + 1];
};

/* signer NULL: the first admin's, without a command. named: the key that the bundle names. */
static inline void test_certify(struct test_cert *c, const char *hub_id, const char *member, const struct test_key *key,
				const struct test_key *signer, const char *verb, const char *role, const char *bundle_member,
				const struct test_key *named)
{
	memset(c, 0, sizeof *c);
	c->key = *key;
	snprintf(c->member, sizeof c->member, "%s", member);
	isac1__key_certificate__init(&c->cert);
	c->cert.member = c->member;
	c->cert.key_id = (ProtobufCBinaryData){WIRE_KEY_ID, c->key.id};
	c->cert.public_key = (ProtobufCBinaryData){32, c->key.public_key};
	wire_buf_init(&c->bundle, 4096);
	wire_buf_init(&c->command, 8192);
	if (!signer) return;
	c->signer = *signer;
	struct wire_member m = {.name = ""};
	snprintf(m.name, sizeof m.name, "%s", bundle_member);
	memcpy(m.sign, named->public_key, 32);
	randombytes_buf(m.curve, 32);
	wire_member_format(&c->bundle, &m, named->secret);
	uint8_t id[16];
	randombytes_buf(id, sizeof id);
	Isac1__Command command = ISAC1__COMMAND__INIT;
	Isac1__Arg bundle = ISAC1__ARG__INIT, roles = ISAC1__ARG__INIT, *args[] = {&bundle, &roles};
	bundle.name = (char *)"bundle";
	bundle.data = (ProtobufCBinaryData){c->bundle.len, c->bundle.data};
	roles.name = (char *)"role";
	roles.value = (char *)role;
	command.command_id = (ProtobufCBinaryData){sizeof id, id};
	command.created_us = 1;
	command.verb = (char *)verb;
	command.args = args;
	command.n_args = 2;
	wire_pack(&c->command, &command.base);
	wire_sign_make(c->signature, WIRE_SIGN_COMMAND, hub_id, c->command.data, c->command.len, signer->secret);
	c->cert.command = (ProtobufCBinaryData){c->command.len, c->command.data};
	c->cert.signature = (ProtobufCBinaryData){WIRE_SIGNATURE, c->signature};
	c->cert.admin_key_id = (ProtobufCBinaryData){WIRE_KEY_ID, c->signer.id};
}

static inline void test_cert_clear(struct test_cert *c)
{
	wire_buf_clear(&c->bundle);
	wire_buf_clear(&c->command);
}

#endif
