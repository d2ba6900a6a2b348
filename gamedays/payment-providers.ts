/** The stand-ins of the payment providers: how the first one fails, and what each has charged. */
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";
import type { Fault } from "../dev/vendors/vendor.ts";

export const PROVIDERS = ["stripe-api", "square-api"] as const;
export type Provider = (typeof PROVIDERS)[number];

/** How the first provider fails, by variant. */
export const FAULTS = {
  "5xx": { kind: "5xx" },
  garbage: { kind: "garbage" },
  timeout: { kind: "swallowed" },
  half: { kind: "duplicate", every: 2 },
} as const satisfies Readonly<Record<string, Pick<Fault, "kind"> & Partial<Fault>>>;
export type FaultName = keyof typeof FAULTS;
/** The customer is charged, and nobody hears of it. */
export const losesAnswers = (fault: string): boolean => fault === "timeout" || fault === "half";
export const FAULT_NAMES = Object.keys(FAULTS) as [FaultName, ...FaultName[]];

const TIMES_MAX = 1_000_000;

export type Charge = { readonly provider: Provider; readonly id: string; readonly order: string };

const heard = z.object({
  calls: z.array(
    z.object({
      atMs: z.number(),
      method: z.string(),
      status: z.number().nullable(),
      body: z.string(),
    }),
  ),
});
const desk = z.object({
  state: z.object({ charges: z.array(z.object({ id: z.string(), order: z.string() })) }),
});

/** From now on a provider fails so, whatever it is asked. */
export const failProvider = (
  { vendors }: Pick<StackInfo, "vendors">,
  provider: Provider,
  fault: FaultName,
): Promise<void> =>
  tell(`${vendors}/__vendor/${provider}`, {
    method: "POST",
    body: JSON.stringify({ ...FAULTS[fault], times: TIMES_MAX }),
  });

export const mendProvider = (
  { vendors }: Pick<StackInfo, "vendors">,
  provider: Provider,
): Promise<void> => tell(`${vendors}/__vendor/${provider}/fault`, { method: "DELETE" });

/** What customers were charged, by both. */
export async function readCharges({
  vendors,
}: Pick<StackInfo, "vendors">): Promise<readonly Charge[]> {
  const of = async (provider: Provider): Promise<readonly Charge[]> => {
    const response = await fetch(`${vendors}/__vendor/${provider}`);
    return desk
      .parse(await response.json())
      .state.charges.map(({ id, order }) => ({ provider, id, order }));
  };
  return (await Promise.all(PROVIDERS.map(of))).flat();
}

/** When each order that was charged was last asked to be charged, by its key. */
export async function readChargedAtMs({
  vendors,
}: Pick<StackInfo, "vendors">): Promise<ReadonlyMap<string, number>> {
  const of = async (provider: Provider) => {
    const response = await fetch(`${vendors}/__vendor/${provider}`);
    return heard
      .parse(await response.json())
      .calls.flatMap(({ atMs, method, status, body }): readonly (readonly [string, number])[] => {
        const order = /order-\d+/.exec(body)?.[0];
        return method === "POST" && status === 200 && order !== undefined ? [[order, atMs]] : [];
      });
  };
  return new Map((await Promise.all(PROVIDERS.map(of))).flat());
}

async function tell(url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
