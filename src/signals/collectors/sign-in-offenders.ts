/**
 * Who failed to sign in lately: networks and how many addresses of them, the accounts that were tried most, by the hashes that production
 * makes, and those that were opened after all. Addresses stand together by network: whom to block is the step's to find out.
 */
import { parseCidr } from "../../guard/ip/cidr.ts";
import { networkName } from "../../guard/ip/network-name.ts";
import { err, ok } from "../../shared/result.ts";
import { inVain, signInFigures, suspiciousAccounts } from "../../traffic/sign-in-figures.ts";
import type { SignInParty } from "../../traffic/traffic-api.ts";
import { defineCollector } from "./collector.ts";

const LISTED_MAX = 20;

export const signInOffenders = defineCollector({
  id: "sign-in-offenders",

  async collect({ traffic, atMs }) {
    const nowSecond = Math.floor(atMs / 1_000);
    const window = await traffic.signIns(nowSecond);
    const { addresses, accounts, silentShards } = window;
    if (silentShards > 0 && addresses.length === 0) {
      return err({ class: "retry", detail: "the traffic counters did not answer" });
    }
    const failing = addresses.filter(({ failed }) => failed > 0);
    const figures = signInFigures(window, nowSecond);
    const opened = [...suspiciousAccounts(window, nowSecond)];
    const networks = byNetwork(failing);
    const part = silentShards > 0 ? " (a part: counters did not answer)" : "";
    return ok({
      summary: `${failing.length} addresses of ${networks.length} networks failed to sign in lately${worst(failing)}; ${opened.length} accounts were opened that had been tried before${part}`,
      facts: {
        silentShards,
        figures,
        networks: networks.slice(0, LISTED_MAX),
        accountsTriedMost: accounts
          .filter((account) => inVain(account) > 0)
          .toSorted((a, b) => inVain(b) - inVain(a))
          .slice(0, LISTED_MAX)
          .map((account) => ({
            account: account.name,
            failed: account.failed,
            addresses: inVain(account),
          })),
        accountsOpened: opened.slice(0, LISTED_MAX),
      },
    });
  },
});

function worst(failing: readonly SignInParty[]): string {
  const most = Math.max(0, ...failing.map(inVain));
  return most === 0 ? "" : `, one of them at ${most} accounts`;
}

type Network = { network: string; addresses: number; failed: number; accountsMax: number };

/** By /24, and by /48 of IPv6; those that failed most first. */
function byNetwork(failing: readonly SignInParty[]): readonly Network[] {
  const networks = new Map<string, Network>();
  for (const party of failing) {
    const parsed = parseCidr(party.name);
    if (!parsed.ok) continue;
    const { family, words } = parsed.value;
    const network = networkName({ family, words: Uint32Array.from(words) }, 24, 48);
    const known = networks.get(network) ?? { network, addresses: 0, failed: 0, accountsMax: 0 };
    known.addresses += 1;
    known.failed += party.failed;
    known.accountsMax = Math.max(known.accountsMax, inVain(party));
    networks.set(network, known);
  }
  return [...networks.values()].toSorted(
    (a, b) => b.failed - a.failed || (a.network < b.network ? -1 : 1),
  );
}
