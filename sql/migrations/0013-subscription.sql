CREATE TABLE IF NOT EXISTS subscription (
	member_id integer NOT NULL REFERENCES member,
	name text COLLATE "C" NOT NULL,
	filter text NOT NULL,
	acked_seq bigint NOT NULL DEFAULT 0,
	created timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (member_id, name)
) WITH (fillfactor = 70);
COMMENT ON TABLE subscription IS 'Named subscriptions: the cursor and filter that the hub keeps for a member';
COMMENT ON COLUMN subscription.member_id IS 'whose it is';
COMMENT ON COLUMN subscription.name IS 'chosen by the member';
COMMENT ON COLUMN subscription.filter IS 'normal form';
COMMENT ON COLUMN subscription.acked_seq IS 'everything up to here is safe with the subscriber';
COMMENT ON COLUMN subscription.created IS 'when it was first opened';
GRANT SELECT, INSERT, UPDATE, DELETE ON subscription TO isac_core;
