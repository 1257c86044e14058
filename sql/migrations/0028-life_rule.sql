CREATE TABLE IF NOT EXISTS life_rule (
	type smallint PRIMARY KEY,
	age interval NOT NULL CHECK (age > interval '0' AND age <= interval '36500 days'),
	speed real NOT NULL CHECK (speed >= 0.01 AND speed <= 100),
	changed timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE life_rule IS 'How indicators of a type age: the settings of broker/life, changed by life.set';
COMMENT ON COLUMN life_rule.type IS 'number of proto/wire/value.def';
COMMENT ON COLUMN life_rule.age IS 'one that says no end ends so long after it was received, or after its newest positive sighting';
COMMENT ON COLUMN life_rule.speed IS 'of decay: 1 falls evenly, above 1 at first, below 1 at the end; proto/README.md section 10';
COMMENT ON COLUMN life_rule.changed IS 'when these settings took hold';
-- Addresses change hands within weeks, names within months, what a file is never does.
INSERT INTO life_rule (type, age, speed)
	SELECT t, interval '30 days', 2 FROM unnest('{1,2,3,5}'::smallint[]) t UNION ALL
	SELECT t, interval '90 days', 1.5 FROM unnest('{4,6,11,12,13,14,19}'::smallint[]) t UNION ALL
	SELECT t, interval '365 days', 0.5 FROM unnest('{7,8,9,10,15,16,17,18}'::smallint[]) t
	ON CONFLICT DO NOTHING;
GRANT SELECT, UPDATE ON life_rule TO isac_core;
