-- What is not to be trusted, or does not exist, any more: and to whom it had been sent, who is told.
CREATE TABLE IF NOT EXISTS recall (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	event_id bigint REFERENCES admin_event,
	reason smallint NOT NULL CHECK (reason IN (2, 4)),
	publisher_id integer NOT NULL REFERENCES member,
	key_id bytea CHECK ((key_id IS NOT NULL) = (reason = 4)),
	from_seq bigint NOT NULL CHECK (from_seq > 0),
	scanned_seq bigint NOT NULL,
	done boolean NOT NULL DEFAULT false,
	at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS recall_open ON recall (id) WHERE NOT done;
COMMENT ON TABLE recall IS 'Orders by which reports are not to be used any more; of an erased report, the tombstone';
COMMENT ON COLUMN recall.id IS 'in the order of the orders';
COMMENT ON COLUMN recall.event_id IS 'the signed command';
COMMENT ON COLUMN recall.reason IS 'as in a GAP: 2 the content was erased, 4 the key that signed it is revoked';
COMMENT ON COLUMN recall.publisher_id IS 'whose reports';
COMMENT ON COLUMN recall.key_id IS 'reason 4: what this key signed from from_seq on; null: the one report from_seq';
COMMENT ON COLUMN recall.from_seq IS 'report.seq of the first, or only, report';
COMMENT ON COLUMN recall.scanned_seq IS 'receivers are known of all reports up to here';
COMMENT ON COLUMN recall.done IS 'and of all that there will be';
COMMENT ON COLUMN recall.at IS 'when it was ordered';
GRANT SELECT, INSERT, UPDATE ON recall TO isac_core;
CREATE TABLE IF NOT EXISTS recall_sent (
	recall_id bigint NOT NULL REFERENCES recall,
	member_id integer NOT NULL REFERENCES member,
	name text COLLATE "C" NOT NULL,
	seq bigint NOT NULL,
	report_id uuid NOT NULL,
	items integer NOT NULL,
	maybe boolean NOT NULL,
	told_seq bigint,
	told timestamptz,
	PRIMARY KEY (member_id, name, recall_id, seq)
);
CREATE INDEX IF NOT EXISTS recall_sent_recall ON recall_sent (recall_id);
COMMENT ON TABLE recall_sent IS 'To whom a recalled report had been sent, by table feed_range; these, and nobody else, are told';
COMMENT ON COLUMN recall_sent.recall_id IS 'the order';
COMMENT ON COLUMN recall_sent.member_id IS 'the receiver';
COMMENT ON COLUMN recall_sent.name IS 'of its subscription; empty: a session without a name';
COMMENT ON COLUMN recall_sent.seq IS 'the report';
COMMENT ON COLUMN recall_sent.report_id IS 'its id';
COMMENT ON COLUMN recall_sent.items IS 'how many of its items had been sent';
COMMENT ON COLUMN recall_sent.maybe IS 'it may have been sent, or not: see feed_range.maybe_seq';
COMMENT ON COLUMN recall_sent.told_seq IS 'position of the session when it was told: an acknowledgement beyond it is one of the recall, too; null: not told yet';
COMMENT ON COLUMN recall_sent.told IS 'when it was told first; null: not told yet';
GRANT SELECT, INSERT, UPDATE ON recall_sent TO isac_core;
