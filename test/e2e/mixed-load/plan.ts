/** What the mixed load asks, which policies come and go meanwhile, and what the first must get under the second. */

type Asked = {
  readonly method: "GET" | "HEAD" | "POST" | "OPTIONS";
  readonly path: string;
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
};

const HTML = { accept: "text/html" };
const JSON_ONLY = { accept: "application/json" };
const VISITOR = "198.51.100.1";
const ATTACKER = "192.0.2.9";

export const REQUESTS: readonly Asked[] = [
  { method: "GET", path: "/", address: VISITOR, headers: HTML },
  { method: "GET", path: "/pages/1", address: VISITOR, headers: HTML },
  { method: "HEAD", path: "/pages/2", address: VISITOR, headers: HTML },
  { method: "GET", path: "/api/items", address: VISITOR, headers: JSON_ONLY },
  { method: "POST", path: "/api/items", address: VISITOR, headers: JSON_ONLY },
  { method: "GET", path: "/checkout/cart", address: VISITOR, headers: JSON_ONLY },
  { method: "GET", path: "/beta/x", address: VISITOR, headers: HTML },
  { method: "GET", path: "/account/me", address: VISITOR, headers: JSON_ONLY },
  { method: "POST", path: "/login", address: VISITOR, headers: JSON_ONLY },
  { method: "GET", path: "/", address: ATTACKER, headers: HTML },
  { method: "POST", path: "/api/items", address: ATTACKER, headers: JSON_ONLY },
  {
    method: "OPTIONS",
    path: "/api/items",
    address: VISITOR,
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  },
];

/** What may be in force; its name, and the policy entry without what every entry has. */
export const ENTRIES = {
  maintenance: { kind: "maintenance", match: {}, action: {} },
  "maintenance of a part": { kind: "maintenance", match: { routes: ["/beta/*"] }, action: {} },
  "maintenance in shadow": { kind: "maintenance", match: {}, action: {}, mode: "shadow" },
  "read-only": { kind: "read-only", match: {}, action: {} },
  "disabled feature": {
    kind: "disabled-feature",
    match: { routes: ["/checkout/*"] },
    action: {},
  },
  "blocked network": {
    kind: "block-networks",
    match: { networks: ["192.0.2.0/24"] },
    action: {},
  },
  "blocked network in shadow": {
    kind: "block-networks",
    match: { networks: ["198.51.100.0/24"] },
    action: {},
    mode: "shadow",
  },
  "emergency cache": {
    kind: "emergency-cache",
    match: { routes: ["/pages/*"] },
    action: { freshSeconds: 5 },
  },
  challenge: { kind: "challenge", match: { routes: ["/account/*"] }, action: {} },
  "rate limit": {
    kind: "rate-limit",
    match: { routes: ["/login"] },
    action: { limit: 5, windowMs: 10_000, by: ["address"] },
  },
} as const;
export type Kind = keyof typeof ENTRIES;
export const KINDS = Object.keys(ENTRIES) as readonly Kind[];

/** Second by second, over and over; most hold several at once, as incidents do. */
export const STATES: readonly (readonly Kind[])[] = [
  [],
  ["blocked network", "read-only"],
  ["maintenance"],
  ["maintenance of a part", "disabled feature", "blocked network"],
  ["emergency cache", "maintenance in shadow"],
  ["challenge", "read-only", "disabled feature"],
  ["rate limit", "blocked network"],
  ["maintenance", "blocked network", "challenge"],
  ["blocked network in shadow", "emergency cache", "rate limit"],
  ["read-only", "maintenance of a part"],
];

/** The statuses that a request may get under these, by the order of verdicts that the architecture gives. */
export function expectedStatuses(
  asked: Asked | undefined,
  inForce: readonly Kind[],
): readonly number[] {
  if (asked === undefined) return [];
  const has = (kind: Kind): boolean => inForce.includes(kind);
  const { method, path, address } = asked;
  // A preflight is let through whatever it asks for: the request that follows is the one to refuse.
  const refused = (status: number): readonly number[] => [method === "OPTIONS" ? 204 : status];
  if (has("blocked network") && address === ATTACKER) return refused(403);
  if (has("challenge") && path.startsWith("/account/")) return refused(403);
  const otherwise = withoutLimit(asked, inForce);
  return has("rate limit") && path === "/login" ? [429, ...otherwise] : otherwise;
}

function withoutLimit({ method, path }: Asked, inForce: readonly Kind[]): readonly number[] {
  const has = (kind: Kind): boolean => inForce.includes(kind);
  const isRefused =
    has("maintenance") ||
    (has("maintenance of a part") && path.startsWith("/beta/")) ||
    (has("read-only") && method === "POST") ||
    (has("disabled feature") && path.startsWith("/checkout/"));
  if (!isRefused) return [200];
  return [method === "OPTIONS" ? 204 : 503];
}
