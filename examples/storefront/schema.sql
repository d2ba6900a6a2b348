-- The storefront's tables. Names and columns are those of the incident response playbooks, so that the queries written
-- there run here word for word.

CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  -- pbkdf2-sha256$<iterations>$<salt, hex>$<hash, hex>
  password_hash text NOT NULL,
  force_password_reset boolean NOT NULL DEFAULT false,
  -- What an authenticator was given: hex of the key of RFC 6238. Null: this user has no second factor.
  totp_key text CHECK (totp_key ~ '^([0-9a-f]{2}){16,64}$'),
  is_admin boolean NOT NULL DEFAULT false,
  last_login timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE user_known_ips (
  user_id bigint NOT NULL REFERENCES users (id),
  ip_address inet NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, ip_address)
);

CREATE TABLE auth_logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  email text NOT NULL,
  ip_address inet NOT NULL,
  user_agent text NOT NULL,
  success boolean NOT NULL
);
CREATE INDEX auth_logs_created_at ON auth_logs (created_at);

CREATE TABLE audit_logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  user_id bigint NOT NULL REFERENCES users (id),
  action text NOT NULL,
  resource text NOT NULL,
  ip_address inet NOT NULL
);
CREATE INDEX audit_logs_created_at ON audit_logs (created_at);

-- Keys that programs call the API with. What is told of one is told once; here is its hash.
CREATE TABLE api_keys (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id),
  -- SHA-256, hex: a key is random and long, so that it needs no salt.
  key_hash text NOT NULL UNIQUE CHECK (key_hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Null: until it is rotated.
  expires_at timestamptz
);
CREATE INDEX api_keys_user_id ON api_keys (user_id);

-- What Firebreak changed when a person agreed, each once: see docs/deploy.md.
CREATE TABLE firebreak_acts (
  id text PRIMARY KEY,
  print text NOT NULL UNIQUE,
  rows integer NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pitches (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
  summary text NOT NULL CHECK (length(summary) BETWEEN 1 AND 2000),
  price_cents integer NOT NULL CHECK (price_cents BETWEEN 0 AND 10000000),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX pitches_created_at ON pitches (created_at DESC);

CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  user_id bigint NOT NULL REFERENCES users (id),
  pitch_id bigint NOT NULL REFERENCES pitches (id),
  amount integer NOT NULL CHECK (amount >= 0), -- cents
  currency text NOT NULL DEFAULT 'usd',
  status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed'))
);
CREATE INDEX payments_created_at ON payments (created_at);

CREATE TABLE transactions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  payment_id bigint NOT NULL REFERENCES payments (id),
  stripe_id text NOT NULL UNIQUE
);
CREATE INDEX transactions_payment_id ON transactions (payment_id);

-- What the payment provider told, each event once however often it was delivered; seq is the order in which it was applied.
CREATE TABLE payment_events (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id text NOT NULL UNIQUE,
  type text NOT NULL,
  is_replay boolean NOT NULL,
  received_at timestamptz NOT NULL
);
