-- received never decreases with seq: a binary search over the primary key saves an index on received.
CREATE OR REPLACE FUNCTION seq_at(t timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = isac, pg_temp AS $$
DECLARE
	lo bigint := 1;
	hi bigint := (SELECT seq FROM hub_head) + 1;
	mid bigint;
	at timestamptz;
BEGIN
	WHILE lo < hi LOOP
		mid := (lo + hi) / 2;
		SELECT received INTO at FROM report WHERE seq >= mid ORDER BY seq LIMIT 1;
		IF at IS NULL OR at >= t THEN
			hi := mid;
		ELSE
			lo := mid + 1;
		END IF;
	END LOOP;
	RETURN lo;
END
$$;
COMMENT ON FUNCTION seq_at(timestamptz) IS 'The first seq received at or after this time; head + 1 if there is none';
REVOKE ALL ON FUNCTION seq_at(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seq_at(timestamptz) TO isac_core;
