-- After retention: indicator rows are made from the mentions that are left, a slice of keys a call. The indexer waits meanwhile, so that
-- no mention is counted twice or not at all; a value with very many mentions keeps its counts, which are then an upper bound.
CREATE OR REPLACE FUNCTION indicator_sweep(rows_max integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = isac, pg_temp AS $$
DECLARE
	r retention%ROWTYPE;
	upto bigint;
	slice uuid[];
	k record;
	oldest bigint;
BEGIN
	SELECT * INTO r FROM retention FOR UPDATE;
	IF r.sweep_key IS NULL THEN
		RETURN false;
	END IF;
	SELECT seq INTO upto FROM indicator_cursor FOR UPDATE;
	IF (SELECT seq FROM index_cursor) < upto THEN
		RETURN true;
	END IF;
	SELECT array_agg(key ORDER BY key) INTO slice FROM (SELECT key FROM indicator WHERE key > r.sweep_key ORDER BY key LIMIT rows_max) s;
	IF slice IS NULL THEN
		UPDATE retention SET sweep_key = NULL;
		RETURN false;
	END IF;
	FOR k IN SELECT key, mentions FROM indicator WHERE key = ANY (slice) AND first_seq < r.from_seq LOOP
		SELECT seq INTO oldest FROM mention WHERE key = k.key AND kind = 1 AND seq >= r.from_seq AND seq <= upto ORDER BY seq LIMIT 1;
		IF oldest IS NULL THEN
			DELETE FROM indicator WHERE key = k.key;
		ELSIF k.mentions > 10000 THEN
			UPDATE indicator SET first_seq = oldest WHERE key = k.key;
		ELSE
			UPDATE indicator SET (first_seq, last_seq, mentions, first_seen, last_seen, publishers) =
				(SELECT min(seq), max(seq), count(*), min(first_seen), max(last_seen), (array_agg(DISTINCT publisher_id))[1:16]
					FROM mention WHERE key = k.key AND kind = 1 AND seq >= r.from_seq AND seq <= upto)
				WHERE key = k.key;
		END IF;
	END LOOP;
	UPDATE retention SET sweep_key = slice[cardinality(slice)];
	RETURN true;
END
$$;
COMMENT ON FUNCTION indicator_sweep(integer) IS 'Makes the next so many indicator rows true again after retention; true: there are more';
REVOKE ALL ON FUNCTION indicator_sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION indicator_sweep(integer) TO isac_core;
