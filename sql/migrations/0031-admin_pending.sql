-- Dangerous commands take effect when a second admin has signed the same bytes.
CREATE TABLE IF NOT EXISTS admin_pending (
	command_id bytea PRIMARY KEY CHECK (octet_length(command_id) = 16),
	command bytea NOT NULL,
	signature bytea NOT NULL,
	key_id bytea NOT NULL,
	member_id integer NOT NULL REFERENCES member,
	verb text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'rejected')),
	decided_by integer REFERENCES member,
	decided timestamptz,
	CHECK ((state = 'waiting') = (decided IS NULL))
);
CREATE INDEX IF NOT EXISTS admin_pending_waiting ON admin_pending (at) WHERE state = 'waiting';
COMMENT ON TABLE admin_pending IS 'Commands that one admin signed and that wait, or waited, for a second one. Rows stay: a command that was rejected does not come back by being sent again';
COMMENT ON COLUMN admin_pending.command_id IS 'as in admin_event';
COMMENT ON COLUMN admin_pending.command IS 'exact bytes of the Command, which the second admin signs, too';
COMMENT ON COLUMN admin_pending.signature IS 'Ed25519 over the command, by who asked for it';
COMMENT ON COLUMN admin_pending.key_id IS 'the key that signed it';
COMMENT ON COLUMN admin_pending.member_id IS 'the admin that asked for it';
COMMENT ON COLUMN admin_pending.verb IS 'such as member.add';
COMMENT ON COLUMN admin_pending.at IS 'when it was asked for';
COMMENT ON COLUMN admin_pending.state IS 'waiting; done: it took effect and is in admin_event; rejected: it never will';
COMMENT ON COLUMN admin_pending.decided_by IS 'who approved or rejected it; null: it waits';
COMMENT ON COLUMN admin_pending.decided IS 'when; null: it waits';
GRANT SELECT, INSERT, UPDATE ON admin_pending TO isac_core;
ALTER TABLE admin_event ADD COLUMN IF NOT EXISTS cosignature bytea,
	ADD COLUMN IF NOT EXISTS cosign_key_id bytea, ADD COLUMN IF NOT EXISTS cosign_member_id integer;
COMMENT ON COLUMN admin_event.cosignature IS 'Ed25519 over the same command, by the second admin; null: it needed none';
COMMENT ON COLUMN admin_event.cosign_key_id IS 'the key that signed it second; null: it needed none';
COMMENT ON COLUMN admin_event.cosign_member_id IS 'the admin that approved it; null: it needed none';
