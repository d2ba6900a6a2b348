/** What every webhook vendor's adapter owes, however it signs: run this suite for each one in the registry. */
import { describe, it } from "vitest";
import { EMPTY_INBOX, RESOLVED_KEEP_MS, receiveAlerts } from "../../src/alerts/inbox.ts";
import type { Delivery, Parsed, Webhook, WebhookReach } from "../../src/webhooks/webhook.ts";

/** A delivery as its sender makes it. */
export type Sent = {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
};

export type WebhookUnderTest = {
  readonly webhook: Webhook;
  readonly secret: string;
  /** Signs as the vendor does, by its own library where there is one. */
  readonly sign: (
    sent: Sent,
    by: { readonly secret: string; readonly atMs: number },
  ) => Sent | Promise<Sent>;
  /** The header that carries the proof; null: the address does, or the body. */
  readonly proofHeader: string | null;
  /** Whether the proof is over every byte of the body. */
  readonly signsBody: boolean;
  /** How far the signed time may be away; null: no time is signed. */
  readonly toleranceMs: number | null;
  readonly fetch?: WebhookReach["fetch"];
  /** Around when the samples were sent. */
  readonly atMs: number;
  /** Of one alert; null where the vendor sends none. */
  readonly firing: Sent | null;
  readonly resolved: Sent | null;
  /** Whether the vendor repeats what fires and names no time of saying so. */
  readonly repeatsState?: boolean;
  /** The test button's; null where there is none, or nobody publishes what it sends: docs/vendors.md says which. */
  readonly test: Sent | null;
  /** Our own alert coming back. */
  readonly own: Sent;
  /** A kind of event that no alert is made of; null where it has no kinds. */
  readonly unknown: Sent | null;
};

export const INSTANCE = "shop.production";
/** A page at Statuspage that the instance writes. */
export const OWN_PAGE = "kctbh9vrtdwd";
export const CONTEXT = { instance: INSTANCE, ownStatuspages: [OWN_PAGE] } as const;

export function webhookContract(under: WebhookUnderTest): void {
  const { webhook, secret, atMs, signsBody, proofHeader, toleranceMs } = under;
  const noFetch = () => Promise.reject(new Error("nobody is to be asked"));
  const reach = (ms = atMs): WebhookReach => ({ atMs: ms, fetch: under.fetch ?? noFetch });
  const signed = async (sent: Sent, ms = atMs) =>
    deliveryOf(await under.sign(sent, { secret, atMs: ms }));
  const verify = (delivery: Delivery, by = secret, ms = atMs) =>
    webhook.verify(delivery, by, reach(ms));
  const parse = (sent: Sent, ms = atMs) =>
    webhook.parse(deliveryOf(sent), { ...CONTEXT, atMs: ms });
  const read = (sent: Sent, ms = atMs): Parsed => {
    const parsed = parse(sent, ms);
    if (!parsed.ok) throw new Error(parsed.error.join("; "));
    return parsed.value;
  };
  const all = {
    firing: under.firing,
    resolved: under.resolved,
    test: under.test,
    own: under.own,
    unknown: under.unknown,
  };
  const samples = Object.entries(all).flatMap(([name, sent]) =>
    sent === null || sent === undefined ? [] : [[name, sent] as const],
  );
  const [, sample] = samples[0] ?? [];
  if (sample === undefined) throw new Error(`${webhook.vendor} has no sample`);

  /** Only what the vendor's scheme and samples make possible. */
  const owed = (isOwed: boolean): readonly string[] => (isOwed ? ["owed"] : []);

  describe(`the webhook contract, kept by ${webhook.vendor}`, () => {
    it.for(samples)("lets in what is proved: %s", async ([, sent], { expect }) => {
      expect(await verify(await signed(sent))).toBe(true);
    });

    it("lets in text of any script", async ({ expect }) => {
      const body = sample.body.replace(/\{/, '{"firebreak_note": "äöü 日本 🔥",');
      expect(await verify(await signed({ ...sample, body }))).toBe(true);
    });

    it("refuses what is not proved, and another's proof", async ({ expect }) => {
      expect(await verify(deliveryOf(sample))).toBe(false);
      const delivery = await signed(sample);
      expect(await verify(delivery, "another-secret-of-somebody")).toBe(false);
      expect(await verify(delivery, "")).toBe(false);
    });

    it("lets in by the old and the new secret while both are set", async ({ expect }) => {
      expect(await verify(await signed(sample), `${secret}\nanother-secret`)).toBe(true);
      expect(await verify(await signed(sample), `another-secret\n${secret}`)).toBe(true);
    });

    it.for(owed(proofHeader !== null))(
      "refuses a proof with any byte changed",
      async (_, { expect }) => {
        const delivery = await signed(sample);
        const proof = delivery.headers.get(proofHeader ?? "") ?? "";
        expect(proof).not.toBe("");
        for (let index = 0; index < proof.length; index += 1) {
          const headers = new Headers(delivery.headers);
          const changed = String.fromCharCode(proof.charCodeAt(index) ^ 4);
          // A byte that no header can carry is refused before us.
          if (changed < " " || changed > "~") continue;
          headers.set(proofHeader ?? "", proof.slice(0, index) + changed + proof.slice(index + 1));
          expect(await verify({ ...delivery, headers }), `byte ${index}`).toBe(false);
        }
      },
    );

    it.for(owed(signsBody))(
      "refuses a body with any byte changed, or one more or less",
      async (_, { expect }) => {
        const delivery = await signed(sample);
        for (const index of delivery.bytes.keys()) {
          const bytes = delivery.bytes.slice();
          bytes[index] = (bytes[index] ?? 0) ^ 1;
          expect(await verify(withBytes(delivery, bytes)), `byte ${index}`).toBe(false);
        }
        expect(await verify(withBytes(delivery, delivery.bytes.slice(1)))).toBe(false);
        expect(await verify(withBytes(delivery, Uint8Array.of(...delivery.bytes, 10)))).toBe(false);
        // A byte order mark, which decoding to text would swallow.
        const marked = Uint8Array.of(0xef, 0xbb, 0xbf, ...delivery.bytes);
        expect(await verify(withBytes(delivery, marked))).toBe(false);
      },
    );

    it.for(owed(toleranceMs !== null))("refuses a time that is not now", async (_, { expect }) => {
      const delivery = await signed(sample);
      const far = (toleranceMs ?? 0) + 2_000;
      expect(await verify(delivery, secret, atMs + (toleranceMs ?? 0) - 2_000)).toBe(true);
      expect(await verify(delivery, secret, atMs + far)).toBe(false);
      expect(await verify(delivery, secret, atMs - far)).toBe(false);
    });

    it.for(samples)("calls the same delivery the same: %s", ([, sent], { expect }) => {
      expect(read(sent).id).toMatch(/^whk_[0-9a-f]{26}$/);
      expect(read(sent).id).toBe(read(sent, atMs + 60_000).id);
    });

    it("calls different deliveries differently", ({ expect }) => {
      const ids = samples.map(([, sent]) => read(sent).id);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it.for(owed(under.firing !== null && under.resolved !== null))(
      "ends the alert that it began, and a repetition changes nothing",
      (_, { expect }) => {
        const [fired] = read(under.firing ?? sample).alerts;
        const [ended] = read(under.resolved ?? sample).alerts;
        if (fired === undefined || ended === undefined) throw new Error("no alert");
        expect(fired).toMatchObject({ source: webhook.vendor, status: "firing", endsAtMs: null });
        expect(ended).toMatchObject({ status: "resolved", fingerprint: fired.fingerprint });
        expect(ended.endsAtMs).toBeGreaterThan(0);
        expect(fired.title).not.toBe("");

        const first = receiveAlerts(EMPTY_INBOX, [fired], atMs);
        const repeated = receiveAlerts(first.inbox, [fired], atMs);
        const over = receiveAlerts(repeated.inbox, [ended], atMs);
        const replayed = receiveAlerts(over.inbox, [fired], atMs);
        const accepted = [first, repeated, over, replayed].map((each) => each.accepted);
        expect(accepted).toEqual([1, 0, 1, 0]);
        expect(replayed.inbox.alerts).toMatchObject([{ status: "resolved" }]);
        // Out of order: the end arrives first.
        const early = receiveAlerts(EMPTY_INBOX, [ended], atMs);
        expect(receiveAlerts(early.inbox, [fired], atMs).accepted).toBe(0);
      },
    );

    it.for(owed(under.firing !== null && under.repeatsState !== true))(
      "does not open again what the inbox has forgotten",
      (_, { expect }) => {
        const late = read(under.firing ?? sample, atMs + RESOLVED_KEEP_MS + 3_600_000);
        expect(late).toMatchObject({ alerts: [], note: "too_old" });
      },
    );

    it.for(owed(under.test !== null))(
      "takes the test button, and makes no alert of it",
      (_, { expect }) => {
        expect(read(under.test ?? sample)).toMatchObject({ alerts: [], note: "test" });
      },
    );

    it.for(owed(under.unknown !== null))(
      "takes a kind it does not know, and notes it",
      (_, { expect }) => {
        const { alerts, note } = read(under.unknown ?? sample);
        expect(alerts).toEqual([]);
        expect(note).toMatch(/^[\w.:-]{1,100}$/);
      },
    );

    it("knows our own alert when it comes back, and not that of another instance", ({ expect }) => {
      expect(read(under.own)).toMatchObject({ alerts: [], ownCount: 1, note: "own" });
      const another = { instance: "shop.staging", ownStatuspages: [], atMs };
      const isKnownByInstance =
        under.own.body.includes(INSTANCE) || under.own.body.includes(OWN_PAGE);
      const elsewhere = webhook.parse(deliveryOf(under.own), another);
      if (isKnownByInstance) expect(elsewhere).toMatchObject({ ok: true, value: { ownCount: 0 } });
    });

    it.for([
      ["nothing", ""],
      ["a brace", "{"],
      ["words", "private words"],
      ["a null byte", "\0"],
      ["null", "null"],
      ["a number", "7"],
      ["a text", '"private words"'],
      ["depth", "[".repeat(100_000)],
    ] as const)("refuses %s, and repeats none of it", ([, body], { expect }) => {
      const parsed = parse({ ...sample, body });
      const problems = parsed.ok ? [] : parsed.error;
      expect(parsed.ok).toBe(false);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join().length).toBeLessThan(1_000);
      expect(problems.join()).not.toContain("private words");
    });

    it.for(samples)("stands odd members in every list: %s", ([, sent], { expect }) => {
      const body = JSON.stringify(widened(JSON.parse(sent.body)));
      const parsed = parse({ ...sent, body });
      if (parsed.ok) expect(parsed.value.alerts.length).toBe(read(sent).alerts.length);
      else expect(parsed.error.length).toBeGreaterThan(0);
    });

    it.for(samples)("keeps little of a large body: %s", ([, sent], { expect }) => {
      const body = JSON.stringify(lengthened(JSON.parse(sent.body)));
      expect(JSON.stringify(parse({ ...sent, body })).length).toBeLessThan(64 * 1_024);
    });
  });
}

export function deliveryOf({ body, headers = {}, query = "" }: Sent): Delivery {
  const bytes = Uint8Array.from(new TextEncoder().encode(body));
  return { headers: new Headers(headers), query: new URLSearchParams(query), bytes, body };
}

const withBytes = (delivery: Delivery, bytes: Uint8Array<ArrayBuffer>): Delivery => ({
  ...delivery,
  bytes,
  body: new TextDecoder().decode(bytes),
});

/** Every list with members that nobody expects. */
function widened(value: unknown): unknown {
  if (Array.isArray(value)) return [...value.map(widened), null, 7, "odd", {}, [[]]];
  return typeof value === "object" && value !== null ? mapped(value, widened) : value;
}

/** Every object with more than anybody asked for. */
function lengthened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lengthened);
  if (typeof value !== "object" || value === null) return value;
  return { ...mapped(value, lengthened), firebreak_more: "🔥".repeat(20_000) };
}

const mapped = (value: object, by: (one: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([name, one]) => [name, by(one)]));
