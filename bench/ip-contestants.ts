/** The matchers that are timed against each other. They must agree before they are. */
import { BlockList } from "node:net";
import { containsCidr } from "cidr-tools";
import { Hono, type Context } from "hono";
import { ipRestriction } from "hono/ip-restriction";
import ipaddr from "ipaddr.js";
import { addressWords, parseAddress } from "../src/guard/ip/address.ts";
import { lookup } from "../src/guard/ip/ip-set.ts";
import { readIpSet } from "../src/guard/ip/read-ip-set.ts";
import { compiledTable } from "./ip-table.ts";
import type { Contestant } from "./measure.ts";
import type { Work } from "./networks.ts";

/** Where a contestant takes more than a few milliseconds for one lookup, it would be all that the run does. */
const CIDR_TOOLS_NETWORKS_MAX = 1_000;

/** Ours first: the others are reported as multiples of it. */
export async function ipContestants(family: 4 | 6, work: Work): Promise<readonly Contestant[]> {
  const matchers: readonly Matcher[] = [
    { name: "firebreak", isIn: firebreak(work) },
    { name: "hono ipRestriction", isIn: await honoRestriction(work) },
    { name: "net.BlockList", isIn: blockList(family, work) },
    { name: "ipaddr.js", isIn: ipaddrJs(work) },
    ...(work.networks.length <= CIDR_TOOLS_NETWORKS_MAX
      ? [{ name: "cidr-tools", isIn: cidrTools(work) }]
      : []),
  ];
  agree(matchers, work);
  const words = addressWords();
  return [
    ...matchers,
    { name: "parsing alone, firebreak", isIn: (text: string) => parseAddress(text, words) !== 0 },
    { name: "parsing alone, ipaddr.js", isIn: (text: string) => ipaddr.parse(text) !== null },
  ].map(({ name, isIn }) => ({ name, run: overProbes(work.probes, isIn) }));
}

type Matcher = { readonly name: string; readonly isIn: (text: string) => boolean };

/** Asks on from where the last call ended, so that slow matchers see more than the first few addresses. */
function overProbes(probes: readonly string[], isIn: (text: string) => boolean) {
  let at = 0;
  return (times: number): number => {
    let hits = 0;
    for (let time = 0; time < times; time++) {
      if (isIn(probes[at] ?? "")) hits++;
      at = at + 1 === probes.length ? 0 : at + 1;
    }
    return hits;
  };
}

function firebreak({ networks }: Work): Matcher["isIn"] {
  const read = readIpSet(compiledTable(networks));
  if (!read.ok) throw new Error(read.error);
  const set = read.value;
  const words = addressWords();
  return (text) => {
    const family = parseAddress(text, words);
    return family !== 0 && lookup(set, family, words) !== 0;
  };
}

/** The middleware itself, outside of an app: it has decided before its first await. */
async function honoRestriction({ networks }: Work): Promise<Matcher["isIn"]> {
  const context = await anyContext();
  const done = Promise.resolve();
  const blocked = new Response(null, { status: 403 });
  let address = "";
  let isBlocked = false;
  const restrict = ipRestriction(
    () => address,
    { denyList: [...networks] },
    () => {
      isBlocked = true;
      return blocked;
    },
  );
  return (text) => {
    address = text;
    isBlocked = false;
    void restrict(context, () => done);
    return isBlocked;
  };
}

async function anyContext(): Promise<Context> {
  const contexts: Context[] = [];
  const app = new Hono().get("/", (c) => {
    contexts.push(c);
    return c.body(null);
  });
  await app.request("/");
  const [context] = contexts;
  if (context === undefined) throw new Error("the app was not asked");
  return context;
}

function blockList(family: 4 | 6, { networks }: Work): Matcher["isIn"] {
  const kind = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix = ""] = network.split("/");
    list.addSubnet(address, Number(prefix), kind);
  }
  return (text) => list.check(text, kind);
}

function ipaddrJs({ networks }: Work): Matcher["isIn"] {
  const ranges = networks.map((network) => ipaddr.parseCIDR(network));
  return (text) => {
    const address = ipaddr.parse(text);
    return ranges.some((range) => address.match(range));
  };
}

function cidrTools({ networks }: Work): Matcher["isIn"] {
  const list = [...networks];
  return (text) => containsCidr(list, text);
}

const AGREED_PROBES = 50;

function agree(matchers: readonly Matcher[], { probes }: Work): void {
  for (const probe of probes.slice(0, AGREED_PROBES)) {
    const answers = matchers.map(({ name, isIn }) => `${name}: ${isIn(probe)}`);
    if (new Set(answers.map((answer) => answer.split(": ")[1])).size > 1) {
      throw new Error(`the matchers disagree on ${probe}: ${answers.join(", ")}`);
    }
  }
}
