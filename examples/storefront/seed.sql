-- Demo data. The passwords are the surnames in lower case: lovelace, hopper, shelley.

INSERT INTO users (email, name, password_hash) VALUES
  ('ada@example.com', 'Ada Lovelace', 'pbkdf2-sha256$20000$13c53b894a9124e45b39cdf26047a41d$d61017886e9577990b46b4ab3f5537b036db9cfc9d0ad0e7ac6444bbcc112402'),
  ('grace@example.com', 'Grace Hopper', 'pbkdf2-sha256$20000$6e5b1cf3abb989b0dfe870cf48c4e382$82ca910fa28dc5e00b1c2e8cf29fe1e06ccd24c79c8519edfd19f2d8a1fdd689'),
  ('mary@example.com', 'Mary Shelley', 'pbkdf2-sha256$20000$a500eee8a0d1927eaa33b1aaf3064272$29f39ef5d0282aee0632b8b7489353aa5eb5350ff6a7eef6f25b6e178a282d05');

INSERT INTO user_known_ips (user_id, ip_address) VALUES (1, '198.51.100.7'), (2, '198.51.100.8'), (3, '203.0.113.9');

INSERT INTO pitches (user_id, title, summary, price_cents, created_at) VALUES
  (1, 'The Difference', 'A heist film inside a mechanical computer.', 4900, now() - interval '5 days'),
  (2, 'Nanosecond', 'A navy officer hands out pieces of wire, and a war turns on one of them.', 3900, now() - interval '4 days'),
  (3, 'The Modern Year', 'Without a summer, four friends hold a contest that none of them wins.', 5900, now() - interval '3 days'),
  (1, 'Note G', 'Somebody finds a bug that is a hundred and eighty years old.', 2900, now() - interval '2 days'),
  (2, 'Moth', 'The first one was real. It was not the last.', 3900, now() - interval '1 day');
