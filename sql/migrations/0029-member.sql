-- Clients of member organisations: they read what their organisation may pass on, and no more.
ALTER TABLE member ADD COLUMN IF NOT EXISTS client_of integer REFERENCES member;
COMMENT ON COLUMN member.client_of IS 'the member organisation whose client it is: it has that one''s groups, is shut out with it, and sees neither amber+strict nor red; null: it is an organisation itself';
ALTER TABLE feed_range ADD COLUMN IF NOT EXISTS client boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN feed_range.client IS 'the member was a client of an organisation';
