CREATE TABLE IF NOT EXISTS member_key (
	key_id bytea PRIMARY KEY CHECK (octet_length(key_id) = 8),
	member_id integer NOT NULL REFERENCES member,
	public_key bytea NOT NULL UNIQUE CHECK (octet_length(public_key) = 32),
	valid_from timestamptz,
	valid_until timestamptz,
	revoked_from_seq bigint CHECK (revoked_from_seq > 0),
	event_id bigint REFERENCES admin_event
);
COMMENT ON TABLE member_key IS 'Signing keys of members, for ever: old reports are verified with old keys';
COMMENT ON COLUMN member_key.key_id IS 'first 8 bytes of SHA-256(0x01 || public key): a hint, no proof';
COMMENT ON COLUMN member_key.member_id IS 'whose key it is';
COMMENT ON COLUMN member_key.public_key IS 'Ed25519';
COMMENT ON COLUMN member_key.valid_from IS 'null: open';
COMMENT ON COLUMN member_key.valid_until IS 'null: open';
COMMENT ON COLUMN member_key.revoked_from_seq IS 'reports from this seq on are not to be trusted; null: not revoked';
COMMENT ON COLUMN member_key.event_id IS 'the signed command that enrolled it, its certificate; null: the first admin';
CREATE INDEX IF NOT EXISTS member_key_member ON member_key (member_id);
GRANT SELECT, INSERT, UPDATE ON member_key TO isac_core;
