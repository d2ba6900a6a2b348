/** `playbooks/site.yaml`: what is true of this site whatever the incident. Unknown keys are errors, as in a playbook. */
import { z } from "zod";
import { auditSpec } from "../audit/audit.ts";
import { parseCidr } from "../guard/ip/cidr.ts";
import { CHECKS_MAX, integrityCheck, select } from "../integrity/check.ts";
import { limitWords } from "../policy/limit-words.ts";
import { LIMITER_SHARDS_MAX, TRAFFIC_SHARDS_MAX } from "../policy/policy.ts";
import { quietAlerts } from "./site-alerts.ts";
import { channel, CHANNELS_MAX } from "./site-channels.ts";
import { heartbeat, HEARTBEATS_MAX } from "./site-heartbeats.ts";
import { MAPPED_WEBHOOKS_MAX, mappedWebhook } from "./site-webhooks.ts";
import { checkJournals, journals } from "./site-journals.ts";
import {
  chase,
  checkPeople,
  escalation,
  person,
  PEOPLE_MAX,
  supplier,
  SUPPLIERS_MAX,
  throttle,
  wait,
} from "./site-people.ts";
import { checkPublicChannels, publicChannel, PUBLIC_CHANNELS_MAX } from "./site-public.ts";
import { templates } from "./site-templates.ts";
import { headerName, id, partPattern, path, routePattern, ROUTES_MAX } from "./site-words.ts";

export const PROBES_MAX = 16;
export const ALLOWLIST_MAX = 256;
export const FEATURES_MAX = 64;
export const LIMITS_MAX = 200;

/** What Firebreak keeps in production's Redis begins with it. */
const OWN_KEYS = "firebreak";

const shape = z.strictObject({
  schema: z.literal("firebreak-site/v1"),
  /** With `environment`, the instance: it is in every dedup key, cookie, token and vendor mark. */
  site: id,
  environment: id,
  title: z.string().trim().min(1).max(120),
  /** `on` applies, `shadow` computes and counts, `off` only watches. First deploys go out in shadow. */
  autopilot: z.enum(["on", "shadow", "off"]).default("shadow"),
  actions_per_hour_max: z.int().min(0).max(1_000).default(20),
  /** A few seconds of traffic this bad wake the monitor at once. */
  suspicion: z
    .strictObject({
      error_ratio: z.number().min(0.01).max(1).default(0.3),
      /** Requests in those seconds below which nothing is suspected. */
      requests_min: z.int().min(1).max(10_000).default(10),
      /** Failed sign-ins in twenty seconds that production reports. */
      failed_sign_ins_min: z.int().min(1).max(10_000).default(20),
    })
    .prefault({}),
  /**
   * Objects that guards report to, and that readers put together again; one takes some thousand reports a second. Raise it
   * freely; lowering it loses what is reported until every guard has read so.
   */
  traffic_shards: z.int().min(1).max(TRAFFIC_SHARDS_MAX).default(2),
  probes: z
    .array(
      z.strictObject({
        id,
        path,
        timeout_ms: z.int().min(50).max(10_000).default(3_000),
        expect: z
          .strictObject({
            status: z.int().min(100).max(599).default(200),
            body_contains: z.string().min(1).max(500).optional(),
          })
          .default({ status: 200 }),
      }),
    )
    .max(PROBES_MAX)
    .default([]),
  /** Addresses and CIDRs that no automation may ever block, challenge or limit. */
  allowlist: z
    .array(
      z.strictObject({
        network: z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]).superRefine((text, ctx) => {
          const parsed = parseCidr(text);
          if (!parsed.ok) ctx.addIssue({ code: "custom", message: parsed.error });
        }),
        owner: z.string().min(1).max(120),
        reason: z.string().min(1).max(300),
      }),
    )
    .max(ALLOWLIST_MAX)
    .default([]),
  /** Who else no automation may block, challenge or limit. Neither list exempts from maintenance or read-only. */
  protected_classes: z
    .strictObject({
      /** Probes of ours, by their signature. */
      own_monitors: z.boolean().default(true),
      /** By the platform's verification or the vendor's published ranges, never by user agent. */
      verified_bots: z.boolean().default(true),
      /** Where payment providers and others deliver. */
      webhook_routes: z.array(routePattern).max(ROUTES_MAX).default([]),
    })
    .prefault({}),
  /** Routes that keep working in maintenance (`maintenance`) and that may write in read-only (`read_only`). */
  exempt_routes: z
    .strictObject({
      maintenance: z.array(routePattern).max(ROUTES_MAX).default([]),
      read_only: z.array(routePattern).max(ROUTES_MAX).default([]),
    })
    .default({ maintenance: [], read_only: [] }),
  /** What pages that are open already go on loading in maintenance, with GET and HEAD: style sheets, images, robots.txt. */
  static_assets: z
    .array(partPattern)
    .max(ROUTES_MAX)
    .default(["/assets/*", "/static/*", "/favicon.ico", "/robots.txt"]),
  /** Where the guard's pages send visitors for news: our own status page, another at https, or nowhere (null). */
  status_page: z
    .union([path, z.url({ protocol: /^https$/ }).max(500), z.null()])
    .default("/_firebreak/status"),
  /** Where POST carries GraphQL: in read-only its queries are served and its mutations refused, in a URL too. */
  graphql_routes: z.array(routePattern).max(ROUTES_MAX).default([]),
  /**
   * Deliveries that are kept in maintenance and read-only, and given to production afterwards. Off by default: 503 with
   * Retry-After, and the sender tries again with a fresh signature.
   */
  write_journal: journals,
  /** Parts of the site that `disable-features` may switch off by name. */
  features: z
    .array(
      z
        .strictObject({
          id,
          /** With none, only production knows of it: its SDK says by `isOff` whether it is switched off. */
          routes: z.array(partPattern).max(ROUTES_MAX).default([]),
          /** Only requests that carry this header, with this value if it is given. */
          header: z
            .strictObject({
              name: headerName,
              value: z.string().max(500).optional(),
            })
            .optional(),
        })
        .refine(({ routes, header }) => header === undefined || routes.length > 0, {
          path: ["header"],
          message: "a header narrows routes: name some, for the SDK knows no headers",
        }),
    )
    .max(FEATURES_MAX)
    .default([]),
  /** What the emergency cache may take for the same to every visitor. Without any of it, only what production calls public is kept. */
  emergency_cache: z
    .strictObject({
      /** Answers here are the same for all who are not signed in, although they do not say so. */
      public_routes: z.array(routePattern).max(ROUTES_MAX).default([]),
      /** Cookies that change no answer, such as those of analytics. */
      harmless_cookies: z.array(headerName).max(ROUTES_MAX).default([]),
      /** Request headers that sign nobody in and change no answer. */
      harmless_headers: z.array(headerName).max(ROUTES_MAX).default([]),
    })
    .prefault({}),
  /** Rate limits that stand whatever the incident, such as for signing in. */
  limits: z
    .array(
      limitWords.safeExtend({
        id,
        /** Counted, and nobody refused. */
        shadow: z.boolean().default(false),
        /** What a shard that does not answer means: each isolate counts alone, or what needs the shard is refused. */
        fail: z.enum(["open", "closed"]).default("open"),
      }),
    )
    .max(LIMITS_MAX)
    .default([])
    .refine(
      (limits) => new Set(limits.map((limit) => limit.id)).size === limits.length,
      "two limits have the same id",
    ),
  /** How many Limiter objects share the counting. */
  limiter_shards: z.int().min(1).max(LIMITER_SHARDS_MAX).default(4),
  challenge: z
    .strictObject({
      /** Of a Turnstile widget; its secret is the Worker's secret TURNSTILE_SECRET. Without both, challenges are work of our own. */
      turnstile_site_key: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .optional(),
    })
    .prefault({}),
  /**
   * How the client's address is known: Cloudflare's header, a named header set by a proxy you run, or not at all. Where nobody says
   * so, nobody is believed: anyone can send a header.
   */
  client_address: z
    .union([z.enum(["cloudflare", "none"]), z.strictObject({ header: z.string().min(1).max(60) })])
    .default("none"),
  messages: z
    .strictObject({
      maintenance: z.string().max(500).default("We are working on it and will be back shortly."),
      read_only: z.string().max(500).default("Changes are paused for the moment; reading works."),
      disabled_feature: z
        .string()
        .max(500)
        .default("This part of the site is switched off for the moment."),
      /** To clients in a blocked network. */
      blocked: z
        .string()
        .max(500)
        .default("Requests from your network are not accepted at the moment."),
      /** To who sends too many requests. */
      limited: z
        .string()
        .max(500)
        .default("Too many requests have come from here in a short time."),
      /** To people whose browser is challenged. */
      challenge: z
        .string()
        .max(500)
        .default(
          "This site is busier than usual and asks every browser for a little work before it goes on.",
        ),
      contact: z.string().max(200).optional(),
    })
    .prefault({}),
  /** Jobs that say when they ran, by POST to `/_firebreak/heartbeats/<name>`; late is a signal. */
  heartbeats: z.array(heartbeat).max(HEARTBEATS_MAX).default([]),
  /** Where production's source is, for the commits that an incident's evidence names; the secret is GITHUB_TOKEN. */
  github: z
    .strictObject({
      repository: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}$/, "write owner/name"),
      /** The default branch where it is not said. */
      branch: z.string().min(1).max(250).optional(),
    })
    .optional(),
  /** Alerts that nobody should hear of, because another explains them or because they flap. */
  alerts: quietAlerts,
  /** Tools that tell us about alerts and that no adapter knows, mapped by CEL. */
  webhooks: z
    .array(mappedWebhook)
    .max(MAPPED_WEBHOOKS_MAX)
    .refine((all) => new Set(all.map((one) => one.id)).size === all.length, "ids are unique")
    .default([]),
  /** What must hold in the database, asked read-only and with a timeout each. */
  integrity: z.array(integrityCheck).max(CHECKS_MAX).default([]),
  /** Where production charges through the SDK. */
  payments: z
    .strictObject({
      /** As production names it where it makes its `Payments`. */
      queue: id,
      /** A SELECT that finds pending payments that no transaction explains. */
      unmatched: select("write a SELECT that finds payments without a transaction").optional(),
    })
    .optional(),
  /** Where production keeps sessions, for `flush-sessions`. */
  sessions: z
    .strictObject({
      /** What the keys of all of them begin with, and nothing else does. */
      redis_prefix: z
        .string()
        .regex(
          /^[\w:.{}/-]{2,99}[:./}-]$/,
          "write 3 to 100 letters, digits or _ : . { } / -, and end with : . / } or -, or keys that only look alike go with them",
        )
        // Nor what is above them: below "fire" are the payments that wait.
        .refine(
          (prefix) => !prefix.startsWith(OWN_KEYS) && !OWN_KEYS.startsWith(prefix),
          "those keys are Firebreak's own",
        ),
    })
    .optional(),
  /** Where production writes down who signs in and who touches what. */
  audit: auditSpec.optional(),
  components: z
    .array(z.strictObject({ id, name: z.string().min(1).max(80) }))
    .max(32)
    .default([]),
  /** Where its people are told. */
  channels: z.array(channel).max(CHANNELS_MAX).default([]),
  /** Where the public reads what our status page says, beside that page. */
  public_channels: z.array(publicChannel).max(PUBLIC_CHANNELS_MAX).default([]),
  people: z.array(person).max(PEOPLE_MAX).default([]),
  escalation,
  /** How often a SEV-1 or SEV-2 is to be in the news of the status page: whoever promised it is reminded. */
  update_every: wait.default("30m"),
  chase,
  throttle,
  /** Words in place of ours. */
  templates,
  /** The contact sheet of what production depends on. */
  suppliers: z.array(supplier).max(SUPPLIERS_MAX).default([]),
});

export const site = shape.superRefine((spec, ctx) => {
  checkJournals(spec, ctx);
  checkPeople(spec, ctx);
  checkPublicChannels(spec, ctx);
});

export type SiteSpec = z.infer<typeof site>;

/** `<site>.<environment>`. */
export const instanceOf = (spec: Pick<SiteSpec, "site" | "environment">): string =>
  `${spec.site}.${spec.environment}`;
