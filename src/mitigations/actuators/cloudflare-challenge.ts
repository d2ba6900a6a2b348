/**
 * Has Cloudflare challenge whoever comes from these operators' networks, or these countries, before they cost anything here: who cannot
 * be listed there address by address. By a rule of the zone, which spares whom the site spares; a rule for an operator's number cannot.
 */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { defineLease } from "../actuator.ts";
import {
  allOf,
  anyOf,
  EXPRESSION_CHARS_MAX,
  exempted,
  fromCountries,
  fromNetworks,
  fromOperators,
  not,
} from "../edge-expression.ts";
import { edgeRule, edgeRuleMarking, isIntact } from "../edge-rule.ts";
import { refuse, type Edge } from "../edge.ts";
import { inWords, leaseClients } from "../lease-networks.ts";

const ID = "cloudflare-challenge";
const ACTION = "managed_challenge";

const options = z
  .strictObject({ asns: leaseClients.asns, countries: leaseClients.countries })
  .refine(({ asns, countries }) => asns !== undefined || countries !== undefined, {
    path: ["asns"],
    message: "name asns or countries; addresses are for cloudflare-block-list",
  });
type Options = z.infer<typeof options>;

const rule = {
  id: ID,
  phase: "http_request_firewall_custom",
  async ruleOf(given: Options, edge: Edge) {
    const expression = expressionOf(given, edge);
    return expression.length <= EXPRESSION_CHARS_MAX
      ? ok({ expression, action: ACTION })
      : refuse(
          `with all that the site spares the rule has ${expression.length} characters, ${EXPRESSION_CHARS_MAX} are allowed`,
        );
  },
  traits: {
    // It turns nobody away for good who has a browser.
    siteWide: false,
    masks: [],
    // A part of the visitors cannot be had at Cloudflare.
    release: "at_once",
  },
  touches: (given: Options) =>
    `every client ${inWords(given)}, at Cloudflare: a moment's wait for browsers, and no way in for programs but where others deliver`,
} as const satisfies Parameters<typeof edgeRule<Options>>[0];

export const cloudflareChallenge = defineLease({
  id: ID,
  kind: "lease",
  options,
  ...edgeRule<Options>(rule),
});
/** In this phase there are notes of other mitigations, too, with marks of theirs. */
export const cloudflareChallengeMarking = edgeRuleMarking(
  rule,
  (one) => isIntact(one) && one.action === ACTION,
);

const expressionOf = (
  { asns, countries }: Options,
  { exempt, spared }: Pick<Edge, "exempt" | "spared">,
): string =>
  allOf([
    anyOf([
      ...(asns === undefined ? [] : [fromOperators(asns)]),
      ...(countries === undefined ? [] : [fromCountries(countries)]),
    ]),
    not(`(${exempted(exempt)})`),
    ...(spared.length === 0 ? [] : [not(`(${fromNetworks(spared)})`)]),
  ]);
