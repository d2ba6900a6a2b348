import fc from "fast-check";
import { it } from "vitest";
import type { z } from "zod";
import { namedClients } from "../../../src/policy/clients.ts";
import { limitAction, limitMatch } from "../../../src/policy/limits.ts";
import { headerName as headerShape, routes as routesShape } from "../../../src/policy/patterns.ts";
import {
  clientWords,
  headerName,
  limitMethods,
  limitName,
  networkTexts,
  routes,
  sessionSource,
} from "../../../src/policy/words.ts";
import type { Shape } from "../../../src/shared/shape.ts";

/** What people may write in one place, and what a guard reads in the same. */
const PAIRS: readonly (readonly [string, z.ZodType, Shape<unknown>])[] = [
  ["networks", networkTexts.optional(), namedClients.networks],
  ["asns", clientWords.asns, namedClients.asns],
  ["countries", clientWords.countries, namedClients.countries],
  ["ja4s", clientWords.ja4s, namedClients.ja4s],
  ["routes", routes, routesShape],
  ["a header's name", headerName, headerShape],
  ["methods", limitMethods, (methods) => limitMatch({ methods })],
  [
    "a limit's name",
    limitName,
    (name) => limitAction({ name, limit: 1, windowMs: 1_000, by: ["asn"] }),
  ],
  [
    "a session",
    sessionSource,
    (session) => limitAction({ limit: 1, windowMs: 1_000, by: ["session"], session }),
  ],
];

const near = fc.oneof(
  fc.constantFrom(
    "192.0.2.0/24",
    "192.0.2.1/24",
    "10.1.2.3/8",
    "2001:db8::/32",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
    "1.2.3.4:80",
    "DE",
    "T1",
    "de",
    "t13d1516h2_8daaf6152771_b0da82dd1658",
    "/",
    "/*",
    "/+",
    "//*",
    "/shop/*",
    "shop",
    `/${"a".repeat(499)}`,
    `/${"a".repeat(500)}`,
    "x-api-key",
    "x api key",
    "a".repeat(101),
    "POST",
    "post",
    "sign-in",
    "-sign-in",
    "",
  ),
  fc.string({ maxLength: 60 }),
  fc.constantFrom(0, 1, 64_500, 2 ** 32, 1.5, -1, NaN, true, null),
);
const given = fc.oneof(
  near,
  fc.array(near, { maxLength: 4 }),
  fc.constantFrom(64, 65, 256, 257, 16, 17).map((length) => Array.from({ length }, () => "/a")),
  fc.record({ cookie: near }),
  fc.record({ header: near }),
  fc.record({ header: near, cookie: near }),
  fc.record({ header: near, later: near }),
);

it.for(PAIRS)(
  "people may write as %s what a guard reads, and nothing else",
  ([, words, shape], { expect }) => {
    fc.assert(
      fc.property(given, (one) => {
        // What is not there is for the field around it to say.
        expect(shape(one).ok).toBe(words.safeParse(one).success);
      }),
      { numRuns: 2_000 },
    );
  },
);
