-- Under the log's lock, so that ids become visible in order and a reader's cache can go on from the largest it has.
CREATE OR REPLACE FUNCTION audience_intern(digest_in bytea, tlp_in smallint, groups_in integer[], recipients_in integer[])
RETURNS integer LANGUAGE plpgsql SET search_path = isac, pg_temp AS $$
DECLARE
	found_id integer;
BEGIN
	PERFORM pg_advisory_xact_lock(1769169251, 2);
	SELECT id INTO found_id FROM audience WHERE digest = digest_in;
	IF found_id IS NULL THEN
		INSERT INTO audience (digest, tlp, groups, recipients) VALUES (digest_in, tlp_in, groups_in, recipients_in)
			RETURNING id INTO found_id;
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION audience_intern(bytea, smallint, integer[], integer[]) IS 'Id of an audience, making its row if it is new';
REVOKE ALL ON FUNCTION audience_intern(bytea, smallint, integer[], integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audience_intern(bytea, smallint, integer[], integer[]) TO isac_core;
