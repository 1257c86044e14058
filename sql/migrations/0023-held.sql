CREATE TABLE IF NOT EXISTS held (
	key uuid NOT NULL,
	seq bigint NOT NULL,
	item smallint NOT NULL,
	publisher_id integer NOT NULL,
	audience_id integer NOT NULL,
	state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'due', 'released', 'passed')),
	release_seq bigint,
	PRIMARY KEY (seq, item),
	CHECK (release_seq IS NULL OR state = 'released')
);
COMMENT ON TABLE held IS 'Derived: items held back, and what became of them. The bit in report.held stays: this row says whether the item went into the feeds later';
COMMENT ON COLUMN held.key IS 'indicator.key';
COMMENT ON COLUMN held.seq IS 'report.seq';
COMMENT ON COLUMN held.item IS 'number of the item in its report, from 0';
COMMENT ON COLUMN held.publisher_id IS 'report.publisher_id';
COMMENT ON COLUMN held.audience_id IS 'report.audience_id';
COMMENT ON COLUMN held.state IS 'open: held back; due: to be released, the writer will; released: in the feeds as release_seq; passed: released, but a newer report of the same publisher to the same audience spoke for it';
COMMENT ON COLUMN held.release_seq IS 'report.seq of the row that released it';
CREATE INDEX IF NOT EXISTS held_open ON held (key) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS held_due ON held (seq) WHERE state = 'due';
GRANT SELECT, INSERT, UPDATE ON held TO isac_core;

CREATE TABLE IF NOT EXISTS held_voice (
	key uuid NOT NULL,
	publisher_id integer NOT NULL,
	PRIMARY KEY (key, publisher_id)
);
COMMENT ON TABLE held_voice IS 'Derived: which organisations reported a held value; their number is what the quorum counts';
COMMENT ON COLUMN held_voice.key IS 'indicator.key';
COMMENT ON COLUMN held_voice.publisher_id IS 'report.publisher_id';
GRANT SELECT, INSERT ON held_voice TO isac_core;

CREATE TABLE IF NOT EXISTS held_verdict (
	key uuid PRIMARY KEY,
	verdict text NOT NULL CHECK (verdict IN ('release', 'drop')),
	member_id integer NOT NULL REFERENCES member,
	event bigint REFERENCES admin_event,
	seq bigint,
	at timestamptz NOT NULL DEFAULT now(),
	CHECK ((event IS NULL) <> (seq IS NULL))
);
COMMENT ON TABLE held_verdict IS 'What was decided about a held value by one who may: an admin, or whose space it is. The quorum decides without a row here';
COMMENT ON COLUMN held_verdict.key IS 'indicator.key';
COMMENT ON COLUMN held_verdict.verdict IS 'release: into the feeds, from now on too; drop: it stays held, whatever the quorum';
COMMENT ON COLUMN held_verdict.member_id IS 'who decided';
COMMENT ON COLUMN held_verdict.event IS 'the admin''s signed command; null: the owner''s report was enough';
COMMENT ON COLUMN held_verdict.seq IS 'the owner''s report; null: an admin decided';
COMMENT ON COLUMN held_verdict.at IS 'when';
GRANT SELECT, INSERT, UPDATE ON held_verdict TO isac_core;

-- What was held until now.
INSERT INTO held (key, seq, item, publisher_id, audience_id)
	SELECT m.key, m.seq, m.item, m.publisher_id, r.audience_id FROM mention m JOIN report r ON r.seq = m.seq WHERE m.held
	ON CONFLICT DO NOTHING;
INSERT INTO held_voice (key, publisher_id) SELECT DISTINCT key, publisher_id FROM held ON CONFLICT DO NOTHING;
