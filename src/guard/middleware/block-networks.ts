import { createMiddleware } from "hono/factory";
import * as z from "zod";
import { NAMES_NOBODY, namesSomebody } from "../../policy/clients.ts";
import { clientWords, routes } from "../../policy/words.ts";
import { NO_METER } from "../limits/meter.ts";
import { fixedPolicy } from "./fixed-policy.ts";
import { isOnOrNot, type IsOn } from "./is-on.ts";
import { decideStanding, standingSettings, standingWords } from "./standing.ts";
import { say } from "../../shared/log.ts";

const options = z
  .strictObject({
    ...standingWords,
    ...clientWords,
    /** Only here; without it, everywhere. */
    routes: routes.optional(),
    message: z.string().min(1).max(500).optional(),
  })
  .refine(namesSomebody, NAMES_NOBODY);

export type BlockNetworksOptions = z.input<typeof options> & {
  /** Without it, always. */
  readonly isOn?: IsOn;
};

/**
 * Answers clients of the named networks, operators, countries or TLS hellos with 403, but for who is on the allowlist, however
 * specific the block is. For an app without a control plane. Throws at construction on options that are wrong.
 */
export const blockNetworks = ({ isOn = () => true, ...given }: BlockNetworksOptions) => {
  const { message, networks, asns, countries, ja4s, routes: on, ...words } = options.parse(given);
  const match = { networks, asns, countries, ja4s, routes: on };
  const loaded = fixedPolicy(
    { kind: "block-networks", match, action: message === undefined ? {} : { message } },
    standingSettings(words),
  );

  return createMiddleware(async function blockNetworks(c, next) {
    if (!(await isOnOrNot(isOn, c))) return next();
    const decided = await decideStanding(c, loaded, () => NO_METER).catch(faultOf);
    if (decided !== null && decided.response !== null) return decided.response;
    return next();
  });
};

/** A fault of ours is no reason to refuse anybody. */
function faultOf(fault: unknown): null {
  say("error", {
    part: "guard",
    detail: "the block failed, so the app answers",
    fault: String(fault),
  });
  return null;
}
