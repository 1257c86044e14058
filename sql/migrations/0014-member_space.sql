CREATE TABLE IF NOT EXISTS member_space (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	member_id integer NOT NULL REFERENCES member,
	kind text NOT NULL CHECK (kind IN ('net', 'asn', 'domain')),
	value text COLLATE "C" NOT NULL,
	net cidr CHECK ((net IS NOT NULL) = (kind = 'net')),
	state text NOT NULL CHECK (state IN ('pending', 'confirmed', 'dropped')),
	claimed_by integer REFERENCES member,
	claimed timestamptz NOT NULL DEFAULT now(),
	claim_event bigint REFERENCES admin_event,
	confirmed_by integer REFERENCES member,
	confirmed timestamptz,
	confirm_event bigint REFERENCES admin_event,
	dropped_by integer REFERENCES member,
	dropped timestamptz,
	drop_event bigint REFERENCES admin_event,
	CHECK (state <> 'confirmed' OR confirmed IS NOT NULL),
	CHECK ((state = 'dropped') = (dropped IS NOT NULL))
);
COMMENT ON TABLE member_space IS 'Networks, AS numbers and domains of members: what "mine" means in a filter, once confirmed. Rows are never deleted, so that who claimed and who confirmed stays known';
COMMENT ON COLUMN member_space.id IS 'in order of claims';
COMMENT ON COLUMN member_space.member_id IS 'whose space it is';
COMMENT ON COLUMN member_space.kind IS 'net, asn or domain';
COMMENT ON COLUMN member_space.value IS 'canonical: address/length, decimal without AS, A-labels in lower case';
COMMENT ON COLUMN member_space.net IS 'value of kind net, for overlaps; null for the others';
COMMENT ON COLUMN member_space.state IS 'pending: claimed, no effect yet; confirmed: in force; dropped: no longer';
COMMENT ON COLUMN member_space.claimed_by IS 'who claimed it: the member itself, or an admin for it; null: from before claims were recorded';
COMMENT ON COLUMN member_space.claimed IS 'when';
COMMENT ON COLUMN member_space.claim_event IS 'by which signed command';
COMMENT ON COLUMN member_space.confirmed_by IS 'who confirmed it: an admin, or another member; null: nobody yet, or from before claims were recorded';
COMMENT ON COLUMN member_space.confirmed IS 'when; null: not yet';
COMMENT ON COLUMN member_space.confirm_event IS 'by which signed command';
COMMENT ON COLUMN member_space.dropped_by IS 'who ended it: the member itself or an admin; null: it has not ended';
COMMENT ON COLUMN member_space.dropped IS 'when; null: it has not ended';
COMMENT ON COLUMN member_space.drop_event IS 'by which signed command';
CREATE UNIQUE INDEX IF NOT EXISTS member_space_live ON member_space (member_id, kind, value) WHERE state <> 'dropped';
GRANT SELECT, INSERT, UPDATE ON member_space TO isac_core;
-- What members had registered until now was registered by an admin, hence confirmed; the arrays go.
DO $$
BEGIN
	IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = 'isac' AND table_name = 'member' AND column_name = 'nets') THEN
		INSERT INTO member_space (member_id, kind, value, net, state, claimed, confirmed)
			SELECT id, 'net', text(n), n, 'confirmed', created, created FROM member, unnest(nets) AS n
			UNION ALL
			SELECT id, 'asn', a::text, NULL, 'confirmed', created, created FROM member, unnest(asns) AS a
			UNION ALL
			SELECT id, 'domain', d, NULL, 'confirmed', created, created FROM member, unnest(domains) AS d
			ON CONFLICT DO NOTHING;
		ALTER TABLE member DROP COLUMN nets, DROP COLUMN asns, DROP COLUMN domains;
	END IF;
END
$$;
