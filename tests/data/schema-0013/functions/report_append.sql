-- A group commit in one statement, hence one round trip and one fsync, for one report or hundreds.
-- Nothing is stored when any (publisher_id, report_id) is there already: those are returned instead, and the
-- caller comes again with the rest. Each statement in here sees what was committed before the lock was taken.
CREATE OR REPLACE FUNCTION report_append(
	publisher_ids integer[], report_ids uuid[], header_hashes bytea[], now_in timestamptz,
	created_in timestamptz[], audience_ids integer[], item_counts integer[], kinds smallint[], tlps smallint[],
	key_ids bytea[], signatures bytea[], leaves bytea[], headers bytea[], helds bytea[], payloads bytea[],
	OUT n integer, OUT seq bigint, OUT received timestamptz, OUT header_hash bytea)
RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	head bigint;
	last timestamptz;
BEGIN
	PERFORM pg_advisory_xact_lock(1769169251, 2);
	RETURN QUERY SELECT u.nr::integer, k.seq, k.received, k.header_hash
		FROM unnest(publisher_ids, report_ids) WITH ORDINALITY AS u(publisher_id, report_id, nr)
		JOIN report_key k ON k.publisher_id = u.publisher_id AND k.report_id = u.report_id;
	IF FOUND THEN
		RETURN;
	END IF;
	UPDATE hub_head h SET seq = h.seq + cardinality(report_ids), received = greatest(h.received, now_in)
		RETURNING h.seq - cardinality(report_ids), h.received INTO head, last;
	INSERT INTO report (seq, received, created, publisher_id, audience_id, item_count, kind, tlp, report_id, key_id,
			signature, leaf, header, held, payload)
		SELECT head + u.nr, last, u.created, u.publisher_id, u.audience_id, u.item_count, u.kind, u.tlp, u.report_id,
			u.key_id, u.signature, u.leaf, u.header, u.held, u.payload
		FROM unnest(publisher_ids, report_ids, created_in, audience_ids, item_counts, kinds, tlps, key_ids, signatures,
			leaves, headers, helds, payloads) WITH ORDINALITY
			AS u(publisher_id, report_id, created, audience_id, item_count, kind, tlp, key_id, signature, leaf, header,
			held, payload, nr);
	INSERT INTO report_key (publisher_id, report_id, seq, received, header_hash)
		SELECT u.publisher_id, u.report_id, head + u.nr, last, u.header_hash
		FROM unnest(publisher_ids, report_ids, header_hashes) WITH ORDINALITY AS u(publisher_id, report_id, header_hash, nr);
	n := 0;
	seq := head;
	received := last;
	header_hash := NULL;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION report_append IS 'Appends reports: one row (0, seq before the first, received), or the rows (n, seq, received, header_hash) of those already there';
REVOKE ALL ON FUNCTION report_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION report_append TO isac_core;
