CREATE TABLE IF NOT EXISTS member_group (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	created timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE member_group IS 'Groups that a report may be narrowed to';
COMMENT ON COLUMN member_group.id IS 'small number used in audiences';
COMMENT ON COLUMN member_group.name IS 'the name on the wire; never changes';
COMMENT ON COLUMN member_group.created IS 'when it was made';
CREATE TABLE IF NOT EXISTS member_group_member (
	group_id integer NOT NULL REFERENCES member_group,
	member_id integer NOT NULL REFERENCES member,
	PRIMARY KEY (group_id, member_id)
);
COMMENT ON TABLE member_group_member IS 'Who is in which group now';
COMMENT ON COLUMN member_group_member.group_id IS 'the group';
COMMENT ON COLUMN member_group_member.member_id IS 'the member';
GRANT SELECT, INSERT ON member_group TO isac_core;
GRANT SELECT, INSERT, DELETE ON member_group_member TO isac_core;
