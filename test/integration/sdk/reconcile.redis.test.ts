/** The reconciliation report, against both providers' stand-ins. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { backup, stripe } from "../../../examples/storefront/src/providers.ts";
import { newJob } from "../../../src/payments/payment.ts";
import { askToCharge, type PaymentProvider } from "../../../src/payments/provider.ts";
import { reconcile, RECONCILED_MAX, verdictOn } from "../../../src/payments/reconcile.ts";
import { aPayment, paymentGround, type PaymentGround } from "../../support/payments.ts";

let ground: PaymentGround;
beforeAll(async () => {
  ground = await paymentGround();
});
afterAll(() => ground[Symbol.asyncDispose]());
beforeEach(() => ground.reset());

const both = (): readonly PaymentProvider[] => [stripe(ground.env), backup(ground.env)];
async function charged(provider: PaymentProvider, key: string): Promise<string> {
  const said = await askToCharge(provider, newJob(aPayment(key)), 1_000);
  if (said.status !== "charged") throw new Error(said.status);
  return said.reference;
}
const order = (key: string, ...references: readonly string[]) => ({
  payment: aPayment(key),
  references,
});

describe("the reconciliation report", () => {
  it("finds what is unmatched, double and missing, and lets the rest be", async ({ expect }) => {
    const [first, second] = [stripe(ground.env), backup(ground.env)];
    const well = await charged(first, "well");
    const elsewhere = await charged(second, "elsewhere");
    await charged(first, "unbooked");
    await charged(first, "other");
    const twice = [await charged(first, "twice"), await charged(second, "twice")];
    const report = await reconcile(
      both(),
      [
        order("well", well),
        order("elsewhere", elsewhere),
        order("unpaid"),
        order("unbooked"),
        order("other", "pi_of_another"),
        order("twice", ...twice),
        order("gone", "pi_of_nobody"),
      ],
      1_000,
    );
    expect(report.map(({ key, verdict }) => `${key}: ${verdict}`)).toEqual([
      "well: agrees",
      "elsewhere: agrees",
      "unpaid: agrees",
      "unbooked: unmatched",
      "other: unmatched",
      "twice: double",
      "gone: missing",
    ]);
    expect(report[5]?.charges).toEqual([
      { provider: "stripe", reference: twice[0] },
      { provider: "backup", reference: twice[1] },
    ]);
  });

  it("does not call missing what a silent provider may have charged", async ({ expect }) => {
    await ground.fail("square-api", { kind: "garbage" });
    const [unknown] = await reconcile(both(), [order("gone", "pi_of_nobody")], 1_000);
    expect(unknown).toMatchObject({ verdict: "unknown", silent: ["backup"], charges: [] });
    expect(verdictOn(["a", "b"], [], true)).toBe("double");
    expect(verdictOn(["a"], [], true)).toBe("unmatched");
    expect(verdictOn(["a"], ["a"], true)).toBe("unknown");
    expect(verdictOn(["a"], ["a", "b"], false)).toBe("missing");
  });

  it("takes no more than it can ask", async ({ expect }) => {
    const many = Array.from({ length: RECONCILED_MAX + 1 }, () => order("many"));
    await expect(reconcile(both(), many, 1_000)).rejects.toThrow(RangeError);
  });
});
