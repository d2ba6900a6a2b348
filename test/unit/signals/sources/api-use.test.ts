import { describe, it } from "vitest";
import { apiUse } from "../../../../src/signals/sources/api-use.ts";
import type { ConductWindow } from "../../../../src/traffic/traffic-api.ts";
import { aPoll, aTraffic, aWindow } from "../../../support/signals.ts";

const ENUMERATES = {
  client: "192.0.2.7",
  requests: 100,
  clientErrors: 60,
  scannerPaths: 3,
  paths: Uint32Array.of(7, 1, 7, 2, 7, 2, 8, 1, 7, 3),
};

async function answered(
  conduct: Partial<ConductWindow> & { readonly silentShards?: number },
  window: Parameters<typeof aWindow>[0] = {},
) {
  return apiUse.poll(
    aPoll({
      traffic: aTraffic({
        window: async () => aWindow(window),
        conduct: async () => ({
          requests: 1_000,
          clientErrors: 70,
          clients: [],
          silentShards: 0,
          ...conduct,
        }),
      }),
    }),
  );
}

describe("how clients use production", () => {
  it("is said of the worst of them", async ({ expect }) => {
    expect(await answered({ clients: [ENUMERATES] })).toEqual({
      "api_use.ids_per_client_count": { value: 3 },
      "api_use.client_error_ratio": { value: 0.6 },
      "api_use.scanner_paths_per_client_count": { value: 3 },
    });
  });

  it("is nothing to speak of where nobody stands out", async ({ expect }) => {
    expect(await answered({})).toMatchObject({ "api_use.ids_per_client_count": { value: 0 } });
  });

  it.for([
    [{ silentShards: 1 }, {}],
    [{}, { lostFlushes: 2 }],
    [{}, { silentShards: 1 }],
  ] as const)(
    "of which a part is missing: low is unknown, high is high",
    async ([part, window], { expect }) => {
      expect(await answered(part, window)).toMatchObject({
        "api_use.client_error_ratio": { unknown: "no_data" },
      });
      expect(await answered({ ...part, clients: [ENUMERATES] }, window)).toMatchObject({
        "api_use.client_error_ratio": { value: 0.6 },
      });
    },
  );

  it("is unknown while no guard has reported", async ({ expect }) => {
    expect(await answered({}, { lastFlushAtMs: null })).toMatchObject({
      "api_use.scanner_paths_per_client_count": { unknown: "no_data" },
    });
  });
});
