/** Groups of our own, on a virtual clock: what people hear, and when. */
import { describe, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { ruleFor, USUAL_RULE, type GroupRule } from "../../../src/alerts/grouping.ts";
import { turnsOf } from "../../../src/alerts/groups.ts";
import { EMPTY_INBOX, receiveAlerts, type Inbox } from "../../../src/alerts/inbox.ts";
import { readMatchers } from "../../../src/alerts/matchers.ts";
import { nextMuteChangeMs, withMutes } from "../../../src/alerts/mutes.ts";
import { scopeOf } from "../../../src/alerts/scopes.ts";

const T0 = Date.UTC(2026, 10, 23, 12);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const QUIET = {
  silences: [],
  inhibit: [],
  flapping: { withinMs: 3_600_000, high: 0.3, low: 0.15 },
};

const monitor = (fingerprint: string, given: Partial<Alert> = {}): Alert => ({
  source: "uptimerobot",
  fingerprint,
  status: "firing",
  title: `${fingerprint} is down`,
  severity: "SEV-2",
  startsAtMs: T0,
  endsAtMs: null,
  labels: {},
  url: null,
  ...given,
});
const up = (fingerprint: string, given: Partial<Alert> = {}): Alert =>
  monitor(fingerprint, { status: "resolved", endsAtMs: T0 + 1, ...given });

const rule = (matcher: string, given: Partial<GroupRule>): GroupRule => {
  const matchers = readMatchers([matcher]);
  if (!matchers.ok) throw new Error("no matcher");
  return { ...USUAL_RULE, matchers: matchers.value, ...given };
};

/** An inbox that is given deliveries, and looks by itself whenever something changes by the clock. */
class Watch {
  inbox: Inbox = EMPTY_INBOX;
  readonly heard: string[] = [];
  #atMs = T0;
  readonly #rules: readonly GroupRule[];

  constructor(rules: readonly GroupRule[] = []) {
    this.#rules = rules;
  }

  at(afterMs: number, ...alerts: readonly Alert[]): this {
    this.until(afterMs);
    const reception = receiveAlerts(this.inbox, alerts, this.#atMs, this.#rules);
    this.#consider(reception.inbox, reception.news);
    return this;
  }

  until(afterMs: number): this {
    for (;;) {
      const nextMs = nextMuteChangeMs(this.inbox.alerts, QUIET, this.#atMs);
      if (nextMs > T0 + afterMs) break;
      this.#atMs = nextMs;
      this.#consider(this.inbox, []);
    }
    this.#atMs = T0 + afterMs;
    return this;
  }

  #consider(inbox: Inbox, news: readonly Alert[]): void {
    const alerts = withMutes(inbox.alerts, QUIET, this.#atMs);
    for (const { turn, alert, others } of turnsOf(this.inbox.alerts, alerts, news)) {
      const more = others === 0 ? "" : ` +${others}`;
      this.heard.push(`${(this.#atMs - T0) / SECOND}s ${turn} ${alert.fingerprint}${more}`);
    }
    this.inbox = { ...inbox, alerts };
  }
}

const fifty = Array.from({ length: 50 }, (_, n) => monitor(`m${n}`));

describe("a tool that knows no groups", () => {
  it("is one trouble when many of its monitors are down, told once the wait is over", ({
    expect,
  }) => {
    const watch = new Watch();
    for (const [n, alert] of fifty.entries()) watch.at(n * 100, alert);
    watch.until(29 * SECOND);
    expect(watch.heard).toEqual(["0s quiets m0"]);
    watch.until(10 * MINUTE);
    expect(watch.heard).toEqual(["0s quiets m0", "30s sounds m0 +49"]);
  });

  it("tells later ones together, each interval, and a worse one at once", ({ expect }) => {
    const watch = new Watch().at(0, monitor("a"));
    watch.at(2 * MINUTE, monitor("b")).at(3 * MINUTE, monitor("c"));
    watch.at(6 * MINUTE, monitor("d")).at(7 * MINUTE, monitor("e", { severity: "SEV-1" }));
    watch.until(20 * MINUTE);
    expect(watch.heard.slice(1)).toEqual([
      "30s sounds a",
      "330s grows b +1",
      "420s worsens e +3",
      "630s grows d",
    ]);
  });

  it("says nothing of what is over before the wait is", ({ expect }) => {
    const watch = new Watch().at(0, monitor("a"), monitor("b")).at(20 * SECOND, up("a"), up("b"));
    watch.until(10 * MINUTE);
    expect(watch.heard).toEqual(["0s quiets a", "20s ends b"]);
  });

  it("goes on until the last of it is over, and begins with a wait again", ({ expect }) => {
    const watch = new Watch().at(0, monitor("a"), monitor("b")).at(MINUTE, up("a"));
    watch.at(2 * MINUTE, up("b"));
    watch.at(3 * MINUTE, monitor("a", { startsAtMs: T0 + 3 * MINUTE }));
    watch.until(10 * MINUTE);
    expect(watch.heard).toEqual([
      "0s quiets a",
      "30s sounds a +1",
      "120s ends b",
      "180s quiets a",
      "210s sounds a",
    ]);
  });

  it("keeps nothing back of what people know when only what waits to be told goes on", ({
    expect,
  }) => {
    const watch = new Watch().at(0, monitor("a"));
    watch.at(2 * MINUTE, monitor("b", { startsAtMs: T0 + 2 * MINUTE })).at(3 * MINUTE, up("a"));
    watch.until(10 * MINUTE);
    expect(watch.heard).toEqual(["0s quiets a", "30s sounds a", "330s sounds b"]);
  });

  it("goes on in the group that its tool gave it once the site has a rule for it", ({ expect }) => {
    const own = monitor("a", { source: "alertmanager", group: "theirs" });
    const watch = new Watch().at(0, own);
    const rules = [rule('source="alertmanager"', { by: ["source"], waitMs: 0 })];
    const { inbox, news } = receiveAlerts(watch.inbox, [own], T0 + MINUTE, rules);
    expect([news, inbox.alerts[0]?.group]).toEqual([[], "theirs"]);
    const again = { ...own, startsAtMs: T0 + 1 };
    const later = receiveAlerts(inbox, [again], T0 + 2 * MINUTE, rules).inbox.alerts;
    expect(later[0]?.group).not.toBe("theirs");
  });

  it("is not told again by repetitions", ({ expect }) => {
    const watch = new Watch().at(0, monitor("a"));
    for (let n = 1; n < 10; n += 1) watch.at(n * MINUTE, monitor("a"));
    expect(watch.heard).toEqual(["0s quiets a", "30s sounds a"]);
  });

  it("keeps its tools, pages and kinds of alert apart", ({ expect }) => {
    const watch = new Watch().at(
      0,
      monitor("a"),
      monitor("b", { source: "pingdom" }),
      monitor("c", { source: "statuspage", labels: { page: "one" } }),
      monitor("d", { source: "statuspage", labels: { page: "two" } }),
    );
    const scopes = watch.inbox.alerts.map((alert) => scopeOf(alert));
    expect(new Set(scopes).size).toBe(4);
    for (const scope of scopes) expect(scope).toMatch(/^alert:by:[0-9a-f]{26}$/);
  });
});

describe("a tool that groups, or tells of matters of their own", () => {
  it.for(["alertmanager", "sentry", "pagerduty", "datadog"])(
    "%s is left as it is",
    (source, { expect }) => {
      const alert = monitor("a", { source, group: source === "alertmanager" ? "g" : null });
      expect(ruleFor(alert, [])).toBeNull();
      const watch = new Watch().at(0, alert);
      expect(watch.heard).toEqual(["0s fires a"]);
      expect(watch.inbox.alerts[0]?.group).toBe(alert.group);
    },
  );
});

describe("the site's own rules", () => {
  it("group across tools by the labels that they say, the first that holds", ({ expect }) => {
    const byTeam = rule('team=~".+"', { by: ["team"], waitMs: 0 });
    const never = rule('source=~".+"', { by: ["..."] });
    const watch = new Watch([byTeam, never]).at(
      0,
      monitor("a", { labels: { team: "shop" } }),
      monitor("b", { source: "sentry", labels: { team: "shop" } }),
      monitor("c", { labels: { team: "pay" } }),
      monitor("d"),
      monitor("e"),
    );
    expect(watch.heard).toEqual(["0s fires a +1", "0s fires c", "0s fires d", "0s fires e"]);
  });

  it("keep what ends in the group that it began in, whatever its labels say by then", ({
    expect,
  }) => {
    const byReason = rule('source="uptimerobot"', { by: ["reason"], waitMs: 0 });
    const watch = new Watch([byReason]).at(0, monitor("a", { labels: { reason: "500" } }));
    watch.at(MINUTE, up("a", { labels: { reason: "OK" } }));
    expect(watch.heard).toEqual(["0s fires a", "60s ends a"]);
  });
});
