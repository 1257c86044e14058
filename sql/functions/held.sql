-- Held values: what a batch of the index adds, what an owner or an admin decides, and which items are due. One lock, so that a verdict and
-- a report that come together do not miss each other. Each statement sees what was committed before the lock was had.

-- Open items of these keys become due if the value may go into the feeds: of each publisher and audience the newest, which speaks for the
-- rest. Returns how many are due.
CREATE OR REPLACE FUNCTION held_settle(keys uuid[], quorum integer) RETURNS integer
LANGUAGE plpgsql SET search_path = isac, pg_temp AS $$
DECLARE
	due integer;
BEGIN
	PERFORM pg_advisory_xact_lock(1769169251, 5);
	WITH may AS MATERIALIZED (
		SELECT k.key FROM (SELECT DISTINCT unnest(keys) AS key) k LEFT JOIN held_verdict v ON v.key = k.key
		WHERE v.verdict = 'release' OR (v.verdict IS NULL AND
			(SELECT count(*) FROM (SELECT FROM held_voice o WHERE o.key = k.key LIMIT quorum) n) >= quorum)
	), row AS (
		SELECT h.seq, h.item, row_number() OVER (PARTITION BY h.key, h.publisher_id, h.audience_id ORDER BY h.seq DESC) AS nr
		FROM may JOIN held h ON h.key = may.key AND h.state = 'open' -- nobody is given what was withdrawn meanwhile
			AND NOT EXISTS (SELECT FROM mention m WHERE m.seq = h.seq AND m.item = h.item AND m.ended_seq IS NOT NULL)
	)
	UPDATE held h SET state = CASE WHEN row.nr = 1 THEN 'due' ELSE 'passed' END FROM row WHERE h.seq = row.seq AND h.item = row.item;
	SELECT count(*) INTO due FROM (SELECT FROM held WHERE state = 'due' LIMIT 1) d;
	RETURN due;
END
$$;
COMMENT ON FUNCTION held_settle(uuid[], integer) IS 'Makes the open items of these keys due if an admin, an owner or the quorum released the value; 1 if anything is due';

-- Reports that hold items, just indexed. An item that a row of report released before (the index is made anew) is so from the start.
CREATE OR REPLACE FUNCTION held_add(seqs bigint[], quorum integer) RETURNS integer
LANGUAGE plpgsql SET search_path = isac, pg_temp AS $$
BEGIN
	INSERT INTO held (key, seq, item, publisher_id, audience_id, state, release_seq)
		SELECT m.key, m.seq, m.item, m.publisher_id, r.audience_id, CASE WHEN c.seq IS NULL THEN 'open' ELSE 'released' END, c.seq
		FROM unnest(seqs) AS u(seq) JOIN mention m ON m.seq = u.seq AND m.held AND m.kind = 1 JOIN report r ON r.seq = u.seq
		LEFT JOIN LATERAL (SELECT min(o.seq + 0) AS seq FROM report o -- + 0: or all of the log is walked in its order
			WHERE o.release_of = u.seq AND (o.held IS NULL OR get_bit(o.held, m.item) = 0)) c ON true
		ON CONFLICT DO NOTHING;
	-- When a value is held for the first time: who reported it before it was, and had not withdrawn it by then, has spoken, too.
	INSERT INTO held_voice (key, publisher_id) SELECT DISTINCT h.key, o.publisher_id FROM held h CROSS JOIN LATERAL (SELECT m.publisher_id
			FROM mention m WHERE m.key = h.key AND m.seq < h.seq AND m.kind = 1 AND NOT m.held AND COALESCE(m.ended_seq > h.seq, true)
			ORDER BY m.seq DESC LIMIT 1000) o
		WHERE h.seq = ANY (seqs) AND NOT EXISTS (SELECT FROM held_voice v WHERE v.key = h.key) ON CONFLICT DO NOTHING;
	INSERT INTO held_voice (key, publisher_id) SELECT DISTINCT key, publisher_id FROM held WHERE seq = ANY (seqs) ON CONFLICT DO NOTHING;
	RETURN held_settle(ARRAY(SELECT DISTINCT key FROM held WHERE seq = ANY (seqs)), quorum);
END
$$;
COMMENT ON FUNCTION held_add(bigint[], integer) IS 'Takes in the held items of reports that were just indexed; 1 if anything is due';

-- Reports of members with registered space, and the keys in them that may mean a space: where others' are held and theirs is not, the
-- owner has spoken. An admin's verdict stands.
CREATE OR REPLACE FUNCTION held_confirm(keys uuid[], publishers integer[], seqs bigint[], quorum integer) RETURNS integer
LANGUAGE plpgsql SET search_path = isac, pg_temp AS $$
DECLARE
	confirmed uuid[];
BEGIN
	SELECT array_agg(DISTINCT h.key) INTO confirmed FROM unnest(keys, publishers) AS u(key, publisher_id)
		JOIN held h ON h.key = u.key AND h.state = 'open' AND h.publisher_id <> u.publisher_id;
	IF confirmed IS NULL THEN
		RETURN 0;
	END IF;
	INSERT INTO held_verdict (key, verdict, member_id, seq)
		SELECT DISTINCT ON (u.key) u.key, 'release', u.publisher_id, u.seq
		FROM unnest(keys, publishers, seqs) AS u(key, publisher_id, seq) WHERE u.key = ANY (confirmed) ORDER BY u.key, u.seq
		ON CONFLICT DO NOTHING;
	RETURN held_settle(confirmed, quorum);
END
$$;
COMMENT ON FUNCTION held_confirm(uuid[], integer[], bigint[], integer) IS 'An owner''s own reports release what others reported of the same values; 1 if anything is due';

REVOKE ALL ON FUNCTION held_settle(uuid[], integer), held_add(bigint[], integer), held_confirm(uuid[], integer[], bigint[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_settle(uuid[], integer), held_add(bigint[], integer), held_confirm(uuid[], integer[], bigint[], integer) TO isac_core;
