/** Who asks as no visitor does, from the isolate that counts it to the figures that rules are about. */
import { describe, it } from "vitest";
import { Conduct, SLOTS, TOLD_FROM } from "../../../src/guard/conduct.ts";
import type { RequestFacts } from "../../../src/guard/facts.ts";
import { templateHash } from "../../../src/guard/path-template.ts";
import { addressKey } from "../../../src/guard/talkers.ts";
import { conductFigures } from "../../../src/traffic/conduct-figures.ts";
import { ConductMemory } from "../../../src/traffic/conduct-memory.ts";
import { CONDUCT_CLIENTS_MAX, CONDUCT_SECONDS } from "../../../src/traffic/traffic-api.ts";
import { mix32 } from "../../../src/sketches/hash.ts";
import { factsFrom } from "../../support/isolates.ts";
import { randomFrom } from "../../support/limits.ts";

const NOW_MS = 1_795_000_000_000;
const NOW = NOW_MS / 1_000;
const CLIENT = 0xcb00_7107;

/** One isolate that flushes each second to one shard. */
function watching(conduct = new Conduct()) {
  const memory = new ConductMemory();
  let second = NOW;
  return {
    conduct,
    memory,
    ask: (word: number, path: string, status = 200, changes: Partial<RequestFacts> = {}): void => {
      const facts = factsFrom(word, { path, ...changes });
      const key = facts.address === null ? 0 : addressKey(facts.address);
      conduct.note(key, templateHash(path), { status }, { facts, nowMs: second * 1_000 });
    },
    tick: (seconds = 1): void => {
      memory.add(conduct.cut(), second);
      second += seconds;
    },
    figures: () => conductFigures(memory.window(second)),
  };
}

describe("a client that asks for id after id", () => {
  it.for([
    [4, 199],
    [4, 200],
    [12, 240],
  ] as const)(
    "%i in a second, %i in all, is told with all of them",
    ([perSecond, ids], { expect }) => {
      const { ask, tick, figures } = watching();
      for (let id = 0; id < ids; id += 1) {
        if (id > 0 && id % perSecond === 0) tick();
        ask(CLIENT, `/api/orders/${id}`);
      }
      tick();
      expect(figures().idsPerClient).toBe(ids);
    },
  );

  it("is not told for asking for the same again, nor for pictures", ({ expect }) => {
    const { ask, tick, figures } = watching();
    for (let at = 0; at < 300; at += 1) {
      ask(CLIENT, `/api/orders/${at % 4}`);
      ask(CLIENT, `/pictures/${at}.webp`);
      if (at % 10 === 0) tick(0);
    }
    tick();
    expect(figures().idsPerClient).toBe(0);
  });

  it("is not told when Cloudflare has verified it as a bot, which is asked once", ({ expect }) => {
    const { ask, tick, figures } = watching();
    let looks = 0;
    const isVerifiedBot = () => {
      looks += 1;
      return true;
    };
    for (let id = 0; id < 100; id += 1) ask(CLIENT, `/api/orders/${id}`, 200, { isVerifiedBot });
    tick();
    expect(figures().idsPerClient).toBe(0);
    expect(looks).toBe(1);
  });

  it("is forgotten a minute later", ({ expect }) => {
    const { ask, tick, figures } = watching();
    for (let id = 0; id < TOLD_FROM.ids + 1; id += 1) ask(CLIENT, `/api/orders/${id}`);
    tick();
    expect(figures().idsPerClient).toBe(TOLD_FROM.ids + 1);
    tick(CONDUCT_SECONDS + 10);
    expect(figures().idsPerClient).toBe(0);
  });
});

describe("a client that is answered 4xx", () => {
  it.for([
    [30, 30, 0.5],
    [29, 29, 0],
    [40, 10, 0.8],
    [30, 60, 1 / 3],
  ] as const)(
    "%i times, and %i times not, has a share of %f",
    ([errors, served, ratio], { expect }) => {
      const { ask, tick, figures } = watching();
      for (let other = 1; other <= 100; other += 1) ask(mix32(other), "/");
      for (let at = 0; at < errors; at += 1) ask(CLIENT, "/api/cart", 404);
      tick();
      for (let at = 0; at < served; at += 1) ask(CLIENT, "/api/cart");
      tick();
      expect(figures().clientErrorRatio).toBeCloseTo(ratio, 3);
    },
  );

  it("as everybody else is, has none of its own", ({ expect }) => {
    const { ask, tick, figures } = watching();
    for (let other = 1; other <= 100; other += 1) ask(mix32(other), "/app.js", 404);
    for (let at = 0; at < 60; at += 1) ask(CLIENT, "/app.js", 404);
    tick();
    expect(figures().clientErrorRatio).toBe(0);
  });
});

it("counts what only scanners ask for", ({ expect }) => {
  const { ask, tick, figures } = watching();
  for (const path of ["/.env", "/wp-login.php", "/wp-login.php", "/.git/config"])
    ask(CLIENT, path, 404);
  ask(CLIENT, "/environment");
  tick();
  expect(figures().scannerPathsPerClient).toBe(4);
});

it("ordinary visitors of a shop do not trip it: ten minutes of 400, and of 50 behind one address", ({
  expect,
}) => {
  const random = randomFrom(11);
  const { ask, tick, figures } = watching();
  const visit = (word: number): void => {
    const page = Math.floor(random() * 400);
    ask(word, random() < 0.3 ? "/" : `/pitches/${page}`);
    for (let at = 0; at < 20; at += 1) ask(word, `/assets/${page}-${at}.png`);
    if (random() < 0.1) ask(word, `/api/orders/${word >>> 8}`);
    if (random() < 0.05) ask(word, "/favicon.ico", 404);
    if (random() < 0.02) ask(word, "/sign-in", 401);
  };
  const worst = { ids: 0, errors: 0, scans: 0 };
  for (let second = 0; second < 600; second += 1) {
    // Each looks at about four pages in a minute.
    for (let visitor = 1; visitor <= 400; visitor += 1)
      if (random() < 1 / 15) visit(mix32(visitor));
    for (let colleague = 0; colleague < 50; colleague += 1) if (random() < 1 / 30) visit(CLIENT);
    tick();
    const { idsPerClient, clientErrorRatio, scannerPathsPerClient } = figures();
    worst.ids = Math.max(worst.ids, idsPerClient);
    worst.errors = Math.max(worst.errors, clientErrorRatio);
    worst.scans = Math.max(worst.scans, scannerPathsPerClient);
  }
  expect(worst.ids).toBeLessThan(120);
  expect(worst).toMatchObject({ errors: 0, scans: 0 });
});

it("finds who enumerates among ten thousand addresses that come once, and is as large as before", ({
  expect,
}) => {
  const { conduct, ask, tick, figures } = watching();
  const bytes = conduct.byteLength;
  for (let id = 0; id < 300; id += 1) {
    for (let other = 0; other < 33; other += 1) ask(mix32(1 + id * 33 + other), "/");
    ask(CLIENT, `/api/orders/${id}`);
    if (id % 8 === 7) tick();
  }
  tick();
  expect(figures().idsPerClient).toBeGreaterThanOrEqual(200);
  expect(conduct.byteLength).toBe(bytes);
  expect(bytes).toBeLessThanOrEqual(96 * 1_024);
});

it("tells of so many clients at once, those that do most, and of the others next", ({ expect }) => {
  const { conduct, ask } = watching();
  for (let client = 1; client <= 60; client += 1) {
    for (let id = 0; id < 9 + (client % 5); id += 1) ask(mix32(client), `/api/orders/${id}`);
  }
  const first = conduct.cut().clients;
  expect(first).toHaveLength(CONDUCT_CLIENTS_MAX);
  const second = conduct.cut().clients;
  expect(second.length).toBeGreaterThan(10);
  expect(new Set([...first, ...second].map(({ client }) => client)).size).toBe(
    first.length + second.length,
  );
  expect(conduct.cut()).toEqual({ requests: 0, clientErrors: 0, clients: [] });
});

it("tells hashes and no path", ({ expect }) => {
  const { conduct, ask } = watching();
  for (let id = 0; id < 20; id += 1) ask(CLIENT, `/patients/ada-${id}`);
  for (let id = 0; id < 20; id += 1) ask(CLIENT, `/patients/${1000 + id}`);
  const [told] = conduct.cut().clients;
  expect(told).toMatchObject({ client: "203.0.113.7" });
  expect(Object.keys(told ?? {}).toSorted()).toEqual([
    "client",
    "clientErrors",
    "paths",
    "requests",
    "scannerPaths",
  ]);
  expect(told?.paths).toBeInstanceOf(Uint32Array);
  expect(JSON.stringify(told)).not.toContain("patients");
});

it("who is unknown is counted with all, and is nobody", ({ expect }) => {
  const { conduct, ask } = watching();
  for (let at = 0; at < SLOTS; at += 1) ask(0, "/.env", 404, { address: null });
  expect(conduct.cut()).toEqual({ requests: SLOTS, clientErrors: SLOTS, clients: [] });
});
