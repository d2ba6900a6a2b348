/** Rules of a zone for one address or network each: at once in force, and with a note for whoever looks. */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

/** There is one for that address already; only at the endpoint of these rules. */
const DUPLICATE_CODE = 10009;
const RULES_MAX = 100;
const PATH = "/firewall/access_rules/rules";

export type AccessTarget = { readonly target: "ip" | "ip_range"; readonly value: string };
export type AccessRule = {
  readonly id: string;
  /** `block`, or something weaker; `whitelist` lets it past everything. */
  readonly mode: string;
  readonly value: string;
  readonly notes: string;
};
type Answer<T> = Promise<Result<T, CloudflareFailure>>;

const rule = z
  .object({
    id: z.string().min(1),
    mode: z.string(),
    configuration: z.object({ value: z.string() }),
    notes: z
      .string()
      .nullish()
      .transform((notes) => notes ?? ""),
  })
  .transform(({ id, mode, configuration, notes }) => ({
    id,
    mode,
    value: configuration.value,
    notes,
  }));

const search = (
  { call }: Cloudflare,
  zone: string,
  query: Readonly<Record<string, string>>,
): Answer<readonly AccessRule[]> =>
  call({
    method: "GET",
    zone,
    path: PATH,
    query: { ...query, per_page: String(RULES_MAX) },
    result: z.array(rule).max(RULES_MAX),
  });

/** Whose notes contain these words, at most a hundred. */
export const findByNotes = (cloudflare: Cloudflare, zone: string, words: string) =>
  search(cloudflare, zone, { notes: words });

/** What stands there for that address, whoever's it is. */
export async function findByTarget(
  cloudflare: Cloudflare,
  zone: string,
  { target, value }: AccessTarget,
): Answer<AccessRule | null> {
  const found = await search(cloudflare, zone, {
    "configuration.target": target,
    "configuration.value": value,
  });
  return found.ok ? ok(found.value.find((one) => one.value === value) ?? null) : found;
}

/** Null when there is one for that address already, which need not be a block. */
export async function addBlock(
  { call }: Cloudflare,
  zone: string,
  { target: configuration, notes }: { readonly target: AccessTarget; readonly notes: string },
): Answer<AccessRule | null> {
  const body = { mode: "block", configuration, notes };
  const added = await call({ method: "POST", zone, path: PATH, body, result: rule });
  if (added.ok) return added;
  return added.error.errors.some(({ code }) => code === DUPLICATE_CODE) ? ok(null) : added;
}

export const rewriteNotes = (
  { call }: Cloudflare,
  zone: string,
  { id, notes }: Pick<AccessRule, "id" | "notes">,
): Answer<AccessRule> =>
  call({ method: "PATCH", zone, path: rulePath(id), body: { notes }, result: rule });

/** One that is gone is gone. */
export async function removeAccessRule({ call }: Cloudflare, zone: string, id: string) {
  const answer = await call({ method: "DELETE", zone, path: rulePath(id), result: z.unknown() });
  return answer.ok || answer.error.status === 404 ? ok(null) : answer;
}

const rulePath = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;
