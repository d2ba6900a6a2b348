/** What a visitor got: production's answer, the guard's own, or none. */

/** What visitors do, and with which answer production serves them. */
export const ERRANDS = ["browse", "read", "look", "sign-in", "buy"] as const;
export type Errand = (typeof ERRANDS)[number];

/**
 * `served` and `failed` are production's answers. `refused` is the guard's, as it should be; `broken` is the guard's, and is not
 * what a visitor should get from it; `lost` is no answer at all.
 */
export type Outcome = "served" | "failed" | "refused" | "broken" | "lost";

export type Received = {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly body: string;
};

/** An order that is taken and not paid yet is an order. */
const SERVED_STATUSES: Readonly<Record<Errand, readonly number[]>> = {
  browse: [200],
  read: [200],
  look: [200],
  "sign-in": [200],
  buy: [201, 202],
};

/** A read is never refused because changes are paused. */
const WRITES: ReadonlySet<Errand> = new Set(["sign-in", "buy"]);

export function outcomeOf(errand: Errand, received: Received): Outcome {
  if (SERVED_STATUSES[errand].includes(received.status)) return "served";
  if (!isGuards(received)) return "failed";
  return isInformed(errand, received) ? "refused" : "broken";
}

/** Production never names our problem types, and its pages never come with this policy for what they may load. */
const isGuards = ({ header, body }: Received): boolean =>
  body.includes("/_firebreak/problems/") ||
  (isHtml(header) && (header("content-security-policy")?.includes("default-src 'none'") ?? false));

/** A browser gets a page, a program a problem body; both get to know when to come back, and nothing is kept. */
function isInformed(errand: Errand, { status, header, body }: Received): boolean {
  const isTimely = status === 503 && /^\d+$/.test(header("retry-after") ?? "");
  if (!isTimely || header("cache-control") !== "no-store") return false;
  if (errand === "browse") return isHtml(header) && /<title>[^<]+<\/title>/.test(body);
  return (
    (header("content-type")?.startsWith("application/problem+json") ?? false) &&
    (body.includes("/_firebreak/problems/maintenance") ||
      (WRITES.has(errand) && body.includes("/_firebreak/problems/read-only")))
  );
}

const isHtml = (header: Received["header"]): boolean =>
  header("content-type")?.startsWith("text/html") ?? false;
