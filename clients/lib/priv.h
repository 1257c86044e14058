/* What the files of libisac share. Only socket.c sees libzmq; nobody outside this folder sees this page. */
#ifndef ISAC_LIB_PRIV_H
#define ISAC_LIB_PRIV_H

#include "isac.h"
#include "wire/wire.h"

/* ---- error.c ---- */
enum isac_result client_error_set(struct isac_error *err, enum isac_result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* From a wire code and text (Error, Receipt, ControlResult), with advice. */
enum isac_result client_error_from_hub(struct isac_error *err, unsigned code, const char *text);
enum isac_result client_error_out_of_memory(struct isac_error *err);
/* Copies text without control bytes. */
void client_error_clean(char *out, size_t size, const char *text);

/* ---- clock.c ---- */
int64_t client_clock_now_us(void);
int64_t client_clock_mono_ms(void);

/* ---- file.c: small files, durable writing ---- */
enum { FILE_MAX = 1 << 20 };
enum isac_result client_file_read(struct wire_buf *out, const char *path, struct isac_error *err); /* ISAC_QUIET: no such file */
/* Temporary name, fsync, rename, fsync of the folder. */
enum isac_result client_file_replace(const char *path, const void *data, size_t len, struct isac_error *err);
enum isac_result client_file_create(const char *path, const void *data, size_t len, unsigned mode,
				    struct isac_error *err);		       /* must not exist */
enum isac_result client_file_folder(const char *path, struct isac_error *err); /* mkdir -p, 0700 */
enum isac_result client_file_sync_folder(const char *path, struct isac_error *err);
/* A secret of 32 bytes as hex, owner and mode checked, into memory from sodium_malloc. */
enum isac_result client_file_read_secret(uint8_t out[32], const char *path, struct isac_error *err);
bool client_file_join(char *out, size_t size, const char *folder, const char *name);

/* ---- socket.c: a DEALER to one port of the hub ---- */
struct client_socket_context;
struct client_socket;
struct client_socket_conf {
	const char *address;
	int port_offset;
	const uint8_t *hub_curve, *own_public, *own_secret;
};
enum isac_result client_socket_context_open(struct client_socket_context **out, struct isac_error *err);
void client_socket_context_close(struct client_socket_context **c);
enum isac_result client_socket_open(struct client_socket **out, struct client_socket_context *c, const struct client_socket_conf *conf,
				    struct isac_error *err);
void client_socket_close(struct client_socket **s);
/* Waits for a message or a change of the connection. false: time is over, or a signal came. */
bool client_socket_wait(struct client_socket *s, int wait_ms);
bool client_socket_live(const struct client_socket *s);
unsigned client_socket_lives(const struct client_socket *s); /* counts connections made: a new number means a new connection */
bool client_socket_denied(const struct client_socket *s);    /* the hub said no to our transport key */
/* ISAC_ERR_AGAIN: no connection, or full. */
enum isac_err client_socket_send(struct client_socket *s, const struct wire_head *head, const void *body, size_t len);
/* ISAC_ERR_AGAIN: nothing there. Body is borrowed until the next receive. Malformed messages are skipped. */
enum isac_err client_socket_receive(struct client_socket *s, struct wire_head *head, struct wire_bytes *body);

/* ---- home.c ---- */
struct client_directory;
struct isac {
	char home[512];
	struct wire_hub hub;
	char address[256];
	struct wire_member self; /* name and public keys */
	uint8_t *sign_secret;	 /* 64, sodium_malloc */
	uint8_t *curve_secret;	 /* 32, sodium_malloc */
	int timeout_ms;
	struct client_socket_context *context;
	struct client_socket *requests; /* opened when first needed */
	uint64_t request_id;
	struct client_directory *directory;
	uint8_t *token;				/* WIRE_TOKEN, sodium_malloc; NULL: we ask for ourselves */
	char token_member[ISAC_NAME_BYTES + 1]; /* whose it must be; "" */
	struct wire_arena answer;		/* what status and command show */
};
enum isac_result client_home_requests(struct client_socket **out, struct isac *isac, struct isac_error *err);
enum isac_result client_home_socket(struct client_socket **out, struct isac *isac, int port_offset, struct isac_error *err);
bool client_home_parse_address(const char *address, char *host, size_t size, unsigned *port);
enum isac_result client_home_unreachable(struct isac_error *err, const struct isac *isac, const struct client_socket *s, int port_offset);

/* ---- request.c ---- */
/*
 * One request, one reply of reply_type, opened into arena. Sends the same bytes again after silence, a new connection or a
 * retryable refusal, until the timeout. wait_ms 0 = the timeout of isac.
 */
enum isac_result client_request_run(ProtobufCMessage **out, struct isac *isac, uint16_t type, const ProtobufCMessage *body,
				    uint16_t reply_type, struct wire_arena *arena, int wait_ms, struct isac_error *err);
int client_request_pause_ms(unsigned attempt, uint32_t hint_ms); /* growing, with a random part */

/* ---- value.c ---- */
/* type NULL or "": guessed. REFUSED with a reason. *out lives in the arena. */
enum isac_result client_value_read(struct wire_value *out, const char *type, const char *value, struct wire_arena *arena,
				   struct isac_error *err);

/* A question about one value: the message, and where in it type and value go. */
struct client_value_question {
	uint16_t frame, reply;
	ProtobufCMessage *message;
	uint32_t *type;
	char **value;
};
/* *out as of client_value_read; the answer lives in isac->answer. */
enum isac_result client_value_ask(ProtobufCMessage **answer, struct wire_value *out, struct isac *isac,
				  const struct client_value_question *q, const char *type, const char *value, struct wire_arena *arena,
				  struct isac_error *err);

/* ---- directory.c: who may sign for whom ---- */
enum isac_result client_directory_open(struct client_directory **out, struct isac_error *err);
void client_directory_close(struct client_directory **d);
/* The trusted key of this publisher for a report received then under seq. REFUSED: there is none, err says why. */
enum isac_result client_directory_find(const uint8_t **public_key, struct isac *isac, const char *publisher,
				       const uint8_t key_id[WIRE_KEY_ID], uint64_t seq, int64_t received_us, struct isac_error *err);
/* The key of this id if it is a trusted admin's, whose name lives until the next question to the directory. REFUSED: it is not. */
enum isac_result client_directory_admin(const uint8_t **public_key, const char **member, struct isac *isac,
					const uint8_t key_id[WIRE_KEY_ID], struct isac_error *err);
/* The CURVE key by which to seal something for this member, as an admin certified it. REFUSED: there is none, err says why. */
enum isac_result client_directory_curve(uint8_t curve[WIRE_CURVE], struct isac *isac, const char *member, struct isac_error *err);
/* What is trusted by what has been taken so far, whatever its validity; NULL = nothing. */
const uint8_t *client_directory_key(struct client_directory *d, const char *member, const uint8_t key_id[WIRE_KEY_ID]);
/* Takes certificates as they come from the hub; keeps those whose signatures chain to admin_public. */
enum isac_result client_directory_take(struct client_directory *d, const struct wire_hub *hub, const Isac1__DirectoryResult *result,
				       struct isac_error *err);

/* ---- recall.c ---- */
/*
 * Is this what admins ordered? DONE: *by are their names, in the arena. REFUSED: it is not, err says why. Else their keys could not be
 * had now.
 */
enum isac_result client_recall_verify(const char **by, struct isac *isac, const Isac1__Recall *m, struct wire_arena *arena,
				      struct isac_error *err);

/* ---- entry.c ---- */
struct client_entry_items {
	struct isac_item *item;
	size_t n, at;
};
/* Checks an entry and lays its items out in arena. An entry that fails yields one item with verified = false. */
enum isac_result client_entry_open(struct client_entry_items *out, struct isac *isac, const Isac1__Entry *entry, struct wire_arena *arena,
				   struct isac_error *err);

#endif
