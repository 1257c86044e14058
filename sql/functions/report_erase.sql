-- One row of the log; a release of it is a row of its own. The content goes; header, signature and leaf stay, so that log and receipt still verify. What was derived from the content goes with it.
-- SECURITY DEFINER: core may erase one report by this, yet change none.
CREATE OR REPLACE FUNCTION report_erase(erased_seq bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp AS $$
DECLARE
	keys uuid[];
BEGIN
	-- Not before both indexers are past it: they would write down again what is removed here.
	IF (SELECT least((SELECT seq FROM index_cursor), (SELECT seq FROM indicator_cursor))) < erased_seq THEN
		RETURN false;
	END IF;
	UPDATE report SET payload = NULL, held = NULL WHERE seq = erased_seq;
	WITH gone AS (DELETE FROM mention WHERE seq = erased_seq RETURNING key)
		SELECT COALESCE(array_agg(key ORDER BY key), '{}') INTO keys FROM gone;
	DELETE FROM concern WHERE seq = erased_seq;
	DELETE FROM held WHERE seq = erased_seq;
	DELETE FROM indicator WHERE key = ANY (keys) AND mentions <= 1;
	UPDATE indicator i SET mentions = i.mentions - 1, first_seen = s.first_seen, last_seen = s.last_seen,
			first_seq = COALESCE(s.first_seq, i.first_seq), last_seq = COALESCE(s.last_seq, i.last_seq),
			publishers = COALESCE(s.publishers, i.publishers)
		FROM (SELECT k.key, min(m.first_seen) AS first_seen, max(m.last_seen) AS last_seen, min(m.seq) AS first_seq,
				max(m.seq) AS last_seq, (array_agg(DISTINCT m.publisher_id) FILTER (WHERE m.seq IS NOT NULL))[1:16] AS publishers
			FROM unnest(keys) AS k(key) LEFT JOIN mention m ON m.key = k.key GROUP BY k.key) AS s
		WHERE i.key = s.key;
	RETURN true;
END
$$;
COMMENT ON FUNCTION report_erase(bigint) IS 'Removes a report''s content and what was derived from it; false: it is not indexed yet, come again';
REVOKE ALL ON FUNCTION report_erase(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report_erase(bigint) TO isac_core;
