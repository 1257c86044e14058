/*
 * Bitcoin addresses: Base58Check (P2PKH, P2SH) and SegWit (bech32 by BIP 173, bech32m by BIP 350), main and test network.
 * The checksum is what makes such a value worth having: a mistyped one is refused instead of watched for in vain.
 * Base58 is case-sensitive and stays; bech32 is written in lower case (mixed case is refused, as BIP 173 demands).
 */
#include <sodium.h>
#include <string.h>
#include "wire/value_priv.h"

enum { BASE58_BYTES = 25, BASE58_MAX = 35, BASE58_MIN = 26, CHECK_BYTES = 4, BECH32_CHECK = 6, PROGRAM_MAX = 40 };
enum { BECH32_CONST = 1, BECH32M_CONST = 0x2bc830a3 };

static const char base58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char bech32[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
static const uint8_t versions[] = {0x00, 0x05, 0x6f, 0xc4};

static const char *parse_base58(const char *s, size_t len)
{
	uint8_t number[BASE58_BYTES] = {0}, hash[crypto_hash_sha256_BYTES];
	size_t zeros = 0, ones = 0;

	if (len < BASE58_MIN || len > BASE58_MAX) return "is no Bitcoin address: 26 to 35 characters, or bech32";
	for (size_t i = 0; i < len; i++) {
		const char *at = s[i] ? strchr(base58, s[i]) : NULL;
		unsigned carry;

		if (!at) return "has a character that is not in Base58";
		carry = (unsigned)(at - base58);
		for (size_t k = BASE58_BYTES; k-- > 0; carry >>= 8) {
			carry += 58u * number[k];
			number[k] = (uint8_t)carry;
		}
		if (carry) return "is too large a Base58 number for an address";
	}
	while (ones < len && s[ones] == '1') ones++;
	while (zeros < BASE58_BYTES && number[zeros] == 0) zeros++;
	if (ones != zeros) return "has the wrong length for an address";
	crypto_hash_sha256(hash, number, BASE58_BYTES - CHECK_BYTES);
	crypto_hash_sha256(hash, hash, sizeof(hash));
	if (memcmp(hash, number + BASE58_BYTES - CHECK_BYTES, CHECK_BYTES) != 0) return "has a wrong Base58Check checksum";
	return memchr(versions, number[0], sizeof(versions)) ? NULL : "is Base58Check, but no Bitcoin address";
}

static uint32_t polymod(uint32_t sum, unsigned symbol)
{
	static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	const uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ symbol;
	for (int i = 0; i < 5; i++)
		if (top >> i & 1) sum ^= generator[i];
	return sum;
}

/* The rules of a SegWit address on the symbols after the version. */
static const char *check_program(const uint8_t *symbol, size_t n, unsigned version, uint32_t sum)
{
	const size_t bytes = n * 5 / 8, spare = n * 5 % 8;

	if (version > 16) return "has a SegWit version over 16";
	if (sum != (version == 0 ? (uint32_t)BECH32_CONST : (uint32_t)BECH32M_CONST)) return "has a wrong bech32 checksum";
	if (bytes < 2 || bytes > PROGRAM_MAX || (version == 0 && bytes != 20 && bytes != 32))
		return "has a SegWit program of a wrong length";
	if (spare > 4 || (spare > 0 && (symbol[n - 1] & ((1u << spare) - 1)) != 0)) return "has bech32 padding that is not zero";
	return NULL;
}

/* canon is s in lower case and begins with "bc1" or "tb1". */
static const char *parse_bech32(const char *canon, size_t len)
{
	uint8_t symbol[VALUE_BITCOIN_MAX];
	uint32_t sum = 1;
	size_t n = 0;

	if (len < 3 + 1 + BECH32_CHECK) return "is too short for bech32";
	for (size_t i = 0; i < 2; i++) sum = polymod(sum, (unsigned)canon[i] >> 5);
	sum = polymod(sum, 0);
	for (size_t i = 0; i < 2; i++) sum = polymod(sum, (unsigned)canon[i] & 31);
	for (size_t i = 3; i < len; i++) {
		const char *at = strchr(bech32, canon[i]);

		if (!at) return "has a character that is not in bech32";
		symbol[n++] = (uint8_t)(at - bech32);
		sum = polymod(sum, symbol[n - 1]);
	}
	return check_program(symbol + 1, n - 1 - BECH32_CHECK, symbol[0], sum);
}

const char *wire_value_bitcoin_parse(char canon[VALUE_BITCOIN_MAX + 1], const char *s, size_t len)
{
	bool lower = false, upper = false;

	if (len > VALUE_BITCOIN_MAX || len < 4 || memchr(s, 0, len)) return "is no Bitcoin address: 26 to 35 characters, or bech32";
	for (size_t i = 0; i < len; i++) {
		canon[i] = value_lower(s[i]);
		if (s[i] != canon[i]) upper = true;
		else if (value_is_alpha(s[i])) lower = true;
	}
	canon[len] = 0;
	if (memcmp(canon, "bc1", 3) == 0 || memcmp(canon, "tb1", 3) == 0)
		return lower && upper ? "mixes upper and lower case" : parse_bech32(canon, len);
	memcpy(canon, s, len);
	return parse_base58(s, len);
}

enum isac_err wire_value_bitcoin_canon(struct wire_value *out, const struct value_in *in)
{
	char canon[VALUE_BITCOIN_MAX + 1];
	const char *reason = wire_value_bitcoin_parse(canon, in->raw, in->len);

	return reason ? wire_value_bad(in, reason) : wire_value_set(out, in, canon, in->len);
}
