CREATE TABLE IF NOT EXISTS admin_event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	command_id bytea NOT NULL UNIQUE CHECK (octet_length(command_id) = 16),
	command bytea NOT NULL,
	signature bytea NOT NULL,
	key_id bytea NOT NULL,
	member_id integer NOT NULL,
	verb text NOT NULL,
	at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE admin_event IS 'Every command that took effect, as signed, in order; written in the transaction of its effect';
COMMENT ON COLUMN admin_event.id IS 'order of acceptance';
COMMENT ON COLUMN admin_event.command_id IS '16 bytes, unique for ever: the same command again does nothing';
COMMENT ON COLUMN admin_event.command IS 'exact bytes of the Command';
COMMENT ON COLUMN admin_event.signature IS 'Ed25519 over the command';
COMMENT ON COLUMN admin_event.key_id IS 'the key that signed it';
COMMENT ON COLUMN admin_event.member_id IS 'the member that signed it';
COMMENT ON COLUMN admin_event.verb IS 'such as member.add';
COMMENT ON COLUMN admin_event.at IS 'when it took effect';
GRANT SELECT, INSERT ON admin_event TO isac_core;
