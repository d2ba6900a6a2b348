/** What the guard must know of `site.yaml`, so that the guard alone needs no playbooks: it travels in the policy. */
import type { SiteSpec } from "../playbooks/site.ts";
import { limitActionOf, limitMatchOf } from "./limit-words.ts";
import type { StandingLimit } from "./limits.ts";
import type { GuardSettings } from "./policy.ts";

/** Picks the guard's part of the site; `pollMs` is the calm pace until `setPollMs` says otherwise. */
export const guardSettingsOf = (site: SiteSpec, pollMs: number): GuardSettings => ({
  allowlist: site.allowlist.map(({ network }) => network),
  protectedClasses: {
    ownMonitors: site.protected_classes.own_monitors,
    verifiedBots: site.protected_classes.verified_bots,
    webhookRoutes: site.protected_classes.webhook_routes,
  },
  maintenanceExempt: site.exempt_routes.maintenance,
  readOnlyExempt: site.exempt_routes.read_only,
  staticAssets: site.static_assets,
  graphqlRoutes: site.graphql_routes,
  features: site.features.map(({ id, routes, header }) => ({ id, routes, header: header ?? null })),
  emergencyCache: {
    publicRoutes: site.emergency_cache.public_routes,
    harmlessCookies: site.emergency_cache.harmless_cookies,
    harmlessHeaders: site.emergency_cache.harmless_headers.map((name) => name.toLowerCase()),
  },
  limits: site.limits.map(standingLimitOf),
  limiterShards: site.limiter_shards,
  turnstileSiteKey: site.challenge.turnstile_site_key ?? null,
  pollMs,
  trafficShards: site.traffic_shards,
  policyHeaderUntilMs: null,
  clientAddress: site.client_address,
  writeJournal: site.write_journal.map((one) => ({
    id: one.id,
    route: one.route,
    scheme: one.scheme,
    header: one.header?.toLowerCase() ?? null,
    idHeader: one.id_header?.toLowerCase() ?? null,
    secret: one.secret,
    keepHeaders: one.keep_headers.map((name) => name.toLowerCase()),
    bodyBytesMax: one.body_bytes_max,
    deliveriesMax: one.deliveries_max,
    bytesMax: one.bytes_max,
  })),
  statusPage: site.status_page,
  title: site.title,
  messages: {
    maintenance: site.messages.maintenance,
    readOnly: site.messages.read_only,
    disabledFeature: site.messages.disabled_feature,
    blocked: site.messages.blocked,
    limited: site.messages.limited,
    challenge: site.messages.challenge,
    contact: site.messages.contact ?? null,
  },
});

const standingLimitOf = ({
  id,
  shadow,
  fail,
  ...words
}: SiteSpec["limits"][number]): StandingLimit => ({
  id,
  match: limitMatchOf(words),
  action: limitActionOf({ ...words, name: words.name ?? id }),
  mode: shadow ? "shadow" : "enforce",
  fail,
});
