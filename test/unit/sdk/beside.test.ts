import { it } from "vitest";
import { besidePrimary } from "../../../src/sdk/beside.ts";

const PRIMARY =
  "postgresql://shop:s%40crEt@ep-main.eu-central-1.aws.neon.tech/shop?sslmode=require";

it("leads to a sibling with all else as it was", ({ expect }) => {
  expect(besidePrimary(PRIMARY, "ep-more.eu-central-1.aws.neon.tech")).toBe(
    "postgresql://shop:s%40crEt@ep-more.eu-central-1.aws.neon.tech/shop?sslmode=require",
  );
});

it("has a sibling where the primary is behind a pooler", ({ expect }) => {
  const pooled = PRIMARY.replace("ep-main", "ep-main-pooler");
  expect(besidePrimary(pooled, "ep-more.eu-central-1.aws.neon.tech")).toContain("@ep-more.eu");
});

it.for([
  ["of another zone", "ep-more.eu-central-1.aws.neon.tech.example"],
  ["of a zone that only ends alike", "ep-more.evil-eu-central-1.aws.neon.tech"],
  ["deeper in the zone", "a.ep-more.eu-central-1.aws.neon.tech"],
  ["that is the zone", "eu-central-1.aws.neon.tech"],
  ["without a first label", ".eu-central-1.aws.neon.tech"],
  ["that is an address", "192.0.2.1"],
  ["without a zone", "localhost"],
] as const)("takes the password to no host %s", ([, host], { expect }) => {
  expect(besidePrimary(PRIMARY, host)).toBeNull();
});

it.for([
  ["postgresql://u:p@localhost:5432/db", "evil"],
  ["postgresql://u:p@db.example/db", "evil.example"],
  ["postgresql://u:p@192.0.2.7/db", "1.0.2.7.example"],
  ["not a connection string", "ep-more.eu-central-1.aws.neon.tech"],
] as const)("leads nowhere from %s, which has no siblings", ([primary, host], { expect }) => {
  expect(besidePrimary(primary, host)).toBeNull();
});
