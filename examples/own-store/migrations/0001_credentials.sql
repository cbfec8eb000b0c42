-- What is kept is sealed, and its names are hashes.
CREATE TABLE credentials (name TEXT PRIMARY KEY, value BLOB NOT NULL, until REAL NOT NULL);
CREATE INDEX credentials_until ON credentials (until);
