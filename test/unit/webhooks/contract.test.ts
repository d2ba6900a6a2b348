import { describe, it } from "vitest";
import { WEBHOOKS } from "../../../src/webhooks/registry.ts";
import { webhookContract } from "../../contract/webhook.ts";
import { VENDORS } from "../../support/webhook-vendors.ts";

for (const vendor of VENDORS) webhookContract(vendor);

describe("the registry", () => {
  it("holds no vendor that does not keep the contract", ({ expect }) => {
    const tested = VENDORS.map(({ webhook }) => webhook.vendor);
    expect(tested.toSorted()).toEqual(Object.keys(WEBHOOKS).toSorted());
  });
});
