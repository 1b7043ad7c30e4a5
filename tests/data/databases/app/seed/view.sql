-- Both databases know this.
CREATE VIEW red AS SELECT id FROM item WHERE colour = 'RED';
INSERT INTO maker (id, name) VALUES (20, 'By hand; really');
