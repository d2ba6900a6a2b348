import { describe, it } from "vitest";
import {
  apiOffenders,
  chooseApiOffenders,
  NAMED_MAX,
} from "../../../../src/mitigations/selectors/api-offenders.ts";
import type { ClientConduct } from "../../../../src/traffic/traffic-api.ts";
import { aTraffic } from "../../../support/signals.ts";

const TERMS = { ids_min: 200, client_error_ratio_min: 0.5, scanner_paths_min: 20 };

const aClient = (
  client: string,
  ids: number,
  changes: Partial<ClientConduct> = {},
): ClientConduct => ({
  client,
  requests: 300,
  clientErrors: 0,
  scannerPaths: 0,
  paths: Uint32Array.from(Array.from({ length: ids }, (_, id) => [7, id]).flat()),
  ...changes,
});

const chosen = (clients: readonly ClientConduct[], allowlist: readonly string[] = []) =>
  chooseApiOffenders({ window: { requests: 10_000, clientErrors: 0, clients }, allowlist }, TERMS);

describe("who asks as no visitor does", () => {
  it.for([
    ["id after id", aClient("192.0.2.7", 200)],
    ["4xx half of the time", aClient("192.0.2.7", 0, { clientErrors: 150 })],
    ["scanners' paths", aClient("192.0.2.7", 0, { scannerPaths: 20 })],
    ["an IPv6 subscriber", aClient("2001:db8:1:2::/64", 201)],
  ] as const)("is named: %s", ([, client], { expect }) => {
    expect(chosen([aClient("198.51.100.1", 40), client])).toMatchObject({
      kind: "selected",
      picked: { networks: [client.client] },
    });
  });

  it.for([
    ["one id less", [aClient("192.0.2.7", 199)], [], "no_excess"],
    ["fewer 4xx", [aClient("192.0.2.7", 0, { clientErrors: 149 })], [], "no_excess"],
    ["fewer scanners' paths", [aClient("192.0.2.7", 0, { scannerPaths: 19 })], [], "no_excess"],
    ["nobody at all", [], [], "no_excess"],
    ["whom the site spares", [aClient("192.0.2.7", 400)], ["192.0.2.0/24"], "would_hit_regulars"],
    ["what is no address", [aClient("somewhere", 400)], [], "would_hit_regulars"],
  ] as const)("is not named: %s", ([, clients, allowlist, because], { expect }) => {
    expect(chosen(clients, allowlist)).toMatchObject({ kind: "nobody", because });
  });

  it("who does most comes first, and no more than so many are named", ({ expect }) => {
    const clients = Array.from({ length: NAMED_MAX + 3 }, (_, at) =>
      aClient(`10.0.0.${at}`, 200 + at),
    );
    const selection = chosen(clients);
    const networks = selection.kind === "selected" ? (selection.picked["networks"] ?? []) : [];
    expect(networks).toHaveLength(NAMED_MAX);
    expect(networks[0]).toBe(`10.0.0.${NAMED_MAX + 2}`);
  });

  it("is looked for again when a shard did not say", async ({ expect }) => {
    const ask = (silentShards: number) =>
      apiOffenders.select(
        { options: TERMS, atMs: 0, onsetAtMs: 0, already: {} },
        {
          traffic: aTraffic({
            conduct: async () => ({ requests: 0, clientErrors: 0, clients: [], silentShards }),
          }),
          allowlist: [],
        },
      );
    expect(await ask(1)).toMatchObject({ ok: false, error: { class: "retry" } });
    expect(await ask(0)).toMatchObject({ ok: true, value: { kind: "nobody" } });
  });
});
