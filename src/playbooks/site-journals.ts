/** The part of `site.yaml` about the write journal: which deliveries are kept while production cannot take them. */
import { z } from "zod";
import { matchesRoute, prefixOf } from "../guard/routes.ts";
import { headerName, id, partPattern } from "./site-words.ts";

export const JOURNALS_MAX = 16;

const journal = z
  .strictObject({
    /** Names the store, for good: another id is another, empty one. */
    id,
    route: partPattern,
    /** How the sender proves who it is. */
    scheme: z.enum(["stripe", "standard-webhooks", "hmac-sha256", "shared-secret"]),
    /** Where the signature or the secret stands, if not where the scheme says. */
    header: headerName.optional(),
    /** For a shared secret: the header with the sender's id of a delivery. Without it, repetitions are kept as well. */
    id_header: headerName.optional(),
    /** The name of the secret; never the secret itself. */
    secret: z
      .string()
      .regex(/^JOURNAL_[A-Z0-9_]+$/)
      .max(60),
    /** Request headers that the receiver needs, beside content-type and those of the scheme. */
    keep_headers: z.array(headerName).max(16).default([]),
    /** A larger delivery is not kept. */
    body_bytes_max: z
      .int()
      .min(1)
      .max(1024 * 1024)
      .default(256 * 1024),
    /** When this many wait, or were given up and not yet looked after, the next ones are sent away. */
    deliveries_max: z.int().min(1).max(100_000).default(10_000),
    /** The same, for their bodies together. */
    bytes_max: z
      .int()
      .min(1)
      .max(1024 * 1024 * 1024)
      .default(64 * 1024 * 1024),
  })
  .refine(({ scheme, id_header }) => id_header === undefined || scheme === "shared-secret", {
    path: ["id_header"],
    message: "the id of this scheme is where the scheme says",
  });

export const journals = z
  .array(journal)
  .max(JOURNALS_MAX)
  .refine((all) => new Set(all.map((one) => one.id)).size === all.length, "ids are unique")
  .default([]);

type Journaled = {
  readonly write_journal: z.infer<typeof journals>;
  readonly exempt_routes: {
    readonly maintenance: readonly string[];
    readonly read_only: readonly string[];
  };
};

/** A route that is never refused is never journaled. */
export function checkJournals(
  { write_journal, exempt_routes }: Journaled,
  ctx: z.RefinementCtx,
): void {
  for (const [index, { route }] of write_journal.entries()) {
    const prefix = prefixOf(route);
    // Of a prefix, anything below it.
    const one = prefix === null ? route : `${prefix}…`;
    const isExempt = (routes: readonly string[]): boolean =>
      routes.some((exempt) => exempt === route || matchesRoute(one, exempt));
    if (!isExempt(exempt_routes.maintenance) || !isExempt(exempt_routes.read_only)) continue;
    const message = `${route} is exempt from maintenance and from read-only, so nothing would be kept`;
    ctx.addIssue({ code: "custom", path: ["write_journal", index, "route"], message });
  }
}
