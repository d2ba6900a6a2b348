/** What the write journals of this deploy are given. */
import type { Config } from "../config.ts";
import type { Env } from "../env.ts";
import { originOf } from "../guard/origin.ts";
import { REPLAY_LIFE_MS, signReplay } from "../guard/write-journal/envelope.ts";
import { siteDurationMs, siteParams } from "../monitor/cadence.ts";
import { bundle } from "../playbooks/deployed.ts";
import { instanceOf } from "../playbooks/site.ts";
import { guardSettingsOf } from "../policy/settings.ts";
import { err } from "../shared/result.ts";
import type { WriteJournalDeps } from "../write-journal/journal-object.ts";
import { replay } from "../write-journal/replay.ts";
import { newId } from "./incidents.ts";
import { policyOf } from "./objects.ts";

const settings = () =>
  guardSettingsOf(bundle.site, siteDurationMs(siteParams([], 0), "policy_poll_calm"));

export const writeJournalDeps = (env: Env, config: Config, routeId: string): WriteJournalDeps => ({
  instance: instanceOf(bundle.site),
  settings,
  route: () => settings().writeJournal.find(({ id }) => id === routeId) ?? null,
  policy: () => policyOf(env),
  newId: () => newId("dlv"),
  async replay({ id, receivedAtMs, ...delivery }) {
    const [key] = config.signingKeys;
    if (key === undefined) {
      return err({
        class: "retry",
        detail: "SIGNING_KEYS is not set: production would not believe it",
      });
    }
    const { pathname, search } = new URL(delivery.url);
    const claims = {
      instance: instanceOf(bundle.site),
      route: routeId,
      id,
      path: pathname + search,
      receivedAtMs,
      exp: Date.now() + REPLAY_LIFE_MS,
    };
    const token = await signReplay(key, claims, delivery.body);
    // Around the guard, which would keep it again.
    return replay(delivery, token, originOf(env.ORIGIN, env.ORIGIN_URL));
  },
});
