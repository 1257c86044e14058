-- Members make groups of their own: somebody owns a group, invites, and who is invited accepts.
ALTER TABLE member_group ADD COLUMN IF NOT EXISTS owner_id integer REFERENCES member;
COMMENT ON COLUMN member_group.owner_id IS 'the member that made it and invites into it, one of its members; null: it is the admins''';
CREATE INDEX IF NOT EXISTS member_group_owner ON member_group (owner_id);
CREATE TABLE IF NOT EXISTS member_group_invite (
	group_id integer NOT NULL REFERENCES member_group,
	member_id integer NOT NULL REFERENCES member,
	invited_by integer NOT NULL REFERENCES member,
	invited timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (group_id, member_id)
);
COMMENT ON TABLE member_group_invite IS 'Who may join a group by its own word, and has not yet';
COMMENT ON COLUMN member_group_invite.group_id IS 'the group';
COMMENT ON COLUMN member_group_invite.member_id IS 'who is invited';
COMMENT ON COLUMN member_group_invite.invited_by IS 'by whom: the owner then, or an admin';
COMMENT ON COLUMN member_group_invite.invited IS 'when';
GRANT UPDATE (owner_id) ON member_group TO isac_core;
GRANT SELECT, INSERT, DELETE ON member_group_invite TO isac_core;
