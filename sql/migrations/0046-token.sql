-- What a gateway's callers present, and what they are given: tokens of members, and saved filters.
CREATE TABLE IF NOT EXISTS collection (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	name text COLLATE "C" NOT NULL UNIQUE,
	filter text NOT NULL,
	title text NOT NULL DEFAULT '',
	created timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE collection IS 'Saved filters: what a gateway offers under a name. What a reader finds there is what it may see';
COMMENT ON COLUMN collection.id IS 'its name on other systems; random';
COMMENT ON COLUMN collection.name IS 'its name in paths; all and mine are always there';
COMMENT ON COLUMN collection.filter IS 'normal form';
COMMENT ON COLUMN collection.title IS 'for people';
COMMENT ON COLUMN collection.created IS 'when it was made';
INSERT INTO collection (name, filter, title) VALUES ('all', 'true', 'Everything that I may see'), ('mine', 'mine', 'What touches my registered space')
	ON CONFLICT DO NOTHING;
GRANT SELECT, INSERT, DELETE ON collection TO isac_core;
CREATE TABLE IF NOT EXISTS token (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
	member_id integer NOT NULL REFERENCES member (id),
	scope text NOT NULL CHECK (scope IN ('read', 'client')),
	collection text COLLATE "C",
	note text NOT NULL DEFAULT '',
	created timestamptz NOT NULL DEFAULT now(),
	created_by integer NOT NULL REFERENCES member (id),
	expires timestamptz NOT NULL,
	revoked timestamptz,
	revoked_by integer REFERENCES member (id)
);
CREATE INDEX IF NOT EXISTS token_member ON token (member_id);
COMMENT ON TABLE token IS 'Who holds a token may read as its member, through a gateway. The token itself is kept nowhere';
COMMENT ON COLUMN token.id IS 'names it in commands, log and audit';
COMMENT ON COLUMN token.hash IS 'BLAKE2b of the token, proto/README.md section 11';
COMMENT ON COLUMN token.member_id IS 'as whom it reads';
COMMENT ON COLUMN token.scope IS 'read: what the member may see; client: no AMBER+STRICT, no RED, nothing that only its publisher sees';
COMMENT ON COLUMN token.collection IS 'it reads this collection and nothing else; null: anything';
COMMENT ON COLUMN token.note IS 'what it is for';
COMMENT ON COLUMN token.created IS 'when it was made';
COMMENT ON COLUMN token.created_by IS 'who signed the command';
COMMENT ON COLUMN token.expires IS 'good until then';
COMMENT ON COLUMN token.revoked IS 'no good from then on; null: not revoked';
COMMENT ON COLUMN token.revoked_by IS 'who revoked it';
GRANT SELECT, INSERT ON token TO isac_core;
GRANT UPDATE (revoked, revoked_by) ON token TO isac_core;
COMMENT ON COLUMN member.roles IS 'bits: 1 publisher, 2 subscriber, 4 analyst, 8 tracer, 16 admin, 32 auditor, 64 invited (may do nothing but join), 128 gateway';
