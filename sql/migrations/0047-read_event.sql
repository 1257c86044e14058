-- Who read through a token: which one.
ALTER TABLE read_event ADD COLUMN IF NOT EXISTS token_id integer;
COMMENT ON COLUMN read_event.token_id IS 'by this token of the member, through a gateway; null: the member itself';
