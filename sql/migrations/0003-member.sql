CREATE TABLE IF NOT EXISTS member (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	type text NOT NULL DEFAULT '',
	roles integer NOT NULL,
	suspended boolean NOT NULL DEFAULT false,
	curve bytea NOT NULL UNIQUE CHECK (octet_length(curve) = 32),
	nets cidr[] NOT NULL DEFAULT '{}',
	asns bigint[] NOT NULL DEFAULT '{}',
	domains text[] NOT NULL DEFAULT '{}',
	created timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE member IS 'The members of this hub. Rows are never deleted: reports point to them';
COMMENT ON COLUMN member.id IS 'small number used everywhere inside';
COMMENT ON COLUMN member.name IS 'the name on the wire; never changes';
COMMENT ON COLUMN member.type IS 'isp, vendor, soc, csirt, academic, or empty';
COMMENT ON COLUMN member.roles IS 'bits: 1 publisher, 2 subscriber, 4 analyst, 8 tracer, 16 admin, 32 auditor';
COMMENT ON COLUMN member.suspended IS 'may not connect at present';
COMMENT ON COLUMN member.curve IS 'CURVE public key of its connections';
COMMENT ON COLUMN member.nets IS 'networks registered to it: what "mine" means in a filter';
COMMENT ON COLUMN member.asns IS 'autonomous systems registered to it';
COMMENT ON COLUMN member.domains IS 'domains registered to it, canonical';
COMMENT ON COLUMN member.created IS 'when it was enrolled';
GRANT SELECT, INSERT, UPDATE ON member TO isac_core;
