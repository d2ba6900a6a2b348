/** Each webhook vendor as it really sends: captured bodies, signed by the vendor's own library where there is one. */
import { sign as signAsGithub } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { INSTANCE, OWN_PAGE, type WebhookUnderTest } from "../contract/webhook.ts";
import { captured, capturedBut } from "./captured.ts";
import { bearer, hex, inQuery, json, secret, withHeaders } from "./webhook-senders.ts";
import {
  alarm,
  at,
  group,
  ended,
  ours,
  sentryHead,
  standard,
  github,
  standardAlert,
  stripeOf,
  uptimerobotOf,
} from "./webhook-samples.ts";
import { signedBySns, snsCertificate, TOPIC } from "./sns.ts";
import { WEBHOOKS } from "../../src/webhooks/registry.ts";

export const VENDORS: readonly WebhookUnderTest[] = [
  {
    ...bearer,
    webhook: WEBHOOKS.alertmanager,
    secret,
    atMs: at("2026-11-24T10:00:00Z"),
    firing: { body: captured("alertmanager-firing-group") },
    resolved: ended("alertmanager-firing-group"),
    repeatsState: true,
    test: null,
    unknown: null,
    own: group("alertmanager-firing-group", ours),
  },
  {
    webhook: WEBHOOKS.grafana,
    secret,
    sign: (sent, by) => {
      const seconds = String(Math.floor(by.atMs / 1_000));
      return withHeaders(sent, {
        "x-grafana-alerting-signature": hex(by.secret, `${seconds}:${sent.body}`),
        "x-grafana-alerting-timestamp": seconds,
      });
    },
    proofHeader: "x-grafana-alerting-signature",
    signsBody: true,
    toleranceMs: 300_000,
    atMs: at("2026-11-24T10:00:00Z"),
    firing: { body: captured("grafana-firing") },
    resolved: ended("grafana-firing"),
    repeatsState: true,
    test: { body: captured("grafana-13-test-button") },
    unknown: null,
    own: group("grafana-firing", { ...ours, alertname: "own" }),
  },
  {
    webhook: WEBHOOKS.pagerduty,
    secret,
    sign: (sent, by) =>
      withHeaders(sent, { "x-pagerduty-signature": `v1=${hex(by.secret, sent.body)}` }),
    proofHeader: "x-pagerduty-signature",
    signsBody: true,
    toleranceMs: null,
    atMs: at("2021-06-04T14:00:00Z"),
    firing: { body: captured("pagerduty-v3-triggered") },
    resolved: {
      body: capturedBut("pagerduty-v3-triggered", {
        "event.id": "01BZYRESOLVED",
        "event.event_type": "incident.resolved",
        "event.occurred_at": "2021-06-04T13:55:00Z",
      }),
    },
    test: { body: captured("pagerduty-v3-ping") },
    own: {
      body: capturedBut("pagerduty-v3-triggered", {
        "event.id": "01BZYOWN",
        "event.data.incident_key": "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
      }),
    },
    unknown: { body: captured("pagerduty-v3-acknowledged") },
  },
  {
    webhook: WEBHOOKS["standard-webhooks"],
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    sign: (sent, by) => {
      const id = sent.headers?.["webhook-id"] ?? "";
      const signature = new StandardWebhook(by.secret).sign(id, new Date(by.atMs), sent.body);
      return withHeaders(sent, {
        "webhook-timestamp": String(Math.floor(by.atMs / 1_000)),
        "webhook-signature": signature,
      });
    },
    proofHeader: "webhook-signature",
    signsBody: true,
    toleranceMs: 300_000,
    repeatsState: true,
    atMs: at("2026-11-24T10:00:00Z"),
    firing: standard("alert.firing", standardAlert, "msg_1"),
    resolved: standard(
      "alert.resolved",
      { ...standardAlert, endsAt: "2026-11-24T09:30:00Z" },
      "msg_2",
    ),
    test: standard("alert.test", {}, "msg_3"),
    own: standard("incident.message", { instance: INSTANCE }, "msg_4"),
    unknown: standard("invoice.paid", {}, "msg_5"),
  },
  {
    webhook: WEBHOOKS.sentry,
    secret,
    sign: (sent, by) => withHeaders(sent, { "sentry-hook-signature": hex(by.secret, sent.body) }),
    proofHeader: "sentry-hook-signature",
    signsBody: true,
    toleranceMs: null,
    atMs: at("2019-08-19T22:00:00Z"),
    firing: sentryHead("event_alert", captured("sentry-event-alert")),
    resolved: sentryHead(
      "issue",
      capturedBut("sentry-issue-resolved", {
        "data.issue.id": "1117540176",
        "data.issue.lastSeen": "2019-08-19T21:06:17.677000Z",
      }),
    ),
    test: sentryHead(
      "event_alert",
      capturedBut("sentry-event-alert", { "data.event.tags": [["sample_event", "yes"]] }),
    ),
    own: sentryHead(
      "event_alert",
      capturedBut("sentry-event-alert", { "data.event.tags": [["firebreak_instance", INSTANCE]] }),
    ),
    unknown: sentryHead("issue", captured("sentry-issue-created")),
  },
  {
    ...bearer,
    webhook: WEBHOOKS.datadog,
    secret,
    atMs: 1_406_662_680_000,
    firing: { body: captured("datadog-triggered-rendered") },
    resolved: {
      body: capturedBut("datadog-triggered-rendered", {
        alert_transition: "Recovered",
        alert_type: "success",
        date: "1406662675000",
        id: "1234568",
      }),
    },
    test: {
      body: capturedBut("datadog-triggered-rendered", {
        title: "[TEST] [Triggered] Errors",
        id: "7",
      }),
    },
    own: {
      body: capturedBut("datadog-triggered-rendered", {
        tags: `monitor,firebreak_instance:${INSTANCE}`,
        id: "8",
      }),
    },
    unknown: { body: captured("datadog-default-template") },
  },
  {
    ...bearer,
    webhook: WEBHOOKS.opsgenie,
    secret,
    atMs: 1_502_709_960_000,
    firing: { body: captured("opsgenie-create") },
    resolved: { body: capturedBut("opsgenie-create", { action: "Close" }) },
    test: null,
    own: {
      body: capturedBut("opsgenie-create", {
        "alert.alias": "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
        "alert.alertId": "own",
      }),
    },
    unknown: { body: capturedBut("opsgenie-create", { action: "Acknowledge" }) },
  },
  {
    ...bearer,
    webhook: WEBHOOKS["better-stack"],
    secret,
    atMs: at("2020-10-21T11:00:00Z"),
    firing: {
      body: capturedBut("betterstack-incident-acknowledged", {
        event: "started",
        "data.attributes.acknowledged_at": null,
      }),
    },
    resolved: {
      body: capturedBut("betterstack-incident-acknowledged", {
        event: "resolved",
        "data.attributes.resolved_at": "2020-10-21T10:58:00.000Z",
      }),
    },
    test: null,
    own: {
      body: capturedBut("betterstack-incident-acknowledged", {
        event: "started",
        "data.id": "2",
        "data.attributes.name": `Checkout (firebreak_instance=${INSTANCE})`,
      }),
    },
    unknown: { body: captured("betterstack-incident-acknowledged") },
  },
  {
    webhook: WEBHOOKS.cloudflare,
    secret,
    sign: (sent, by) => withHeaders(sent, { "cf-webhook-auth": by.secret }),
    proofHeader: "cf-webhook-auth",
    signsBody: false,
    toleranceMs: null,
    atMs: 1_136_214_300_000,
    firing: { body: captured("cloudflare-ddos-l7") },
    resolved: {
      body: capturedBut("cloudflare-ddos-l7", {
        alert_event: "ALERT_STATE_EVENT_END",
        ts: 1_136_214_290,
      }),
    },
    own: {
      body: capturedBut("cloudflare-ddos-l7", {
        policy_name: `Edge, firebreak_instance=${INSTANCE}`,
        ts: 1_136_214_280,
      }),
    },
    test: { body: captured("cloudflare-test-message") },
    unknown: {
      body: capturedBut("cloudflare-ddos-l7", {
        alert_event: "SOMETHING_NEW",
        alert_type: "billing usage",
      }),
    },
  },
  {
    webhook: WEBHOOKS.cloudwatch,
    secret: TOPIC,
    sign: (sent, by) => ({ ...sent, body: signedBySns(sent.body, by.atMs) }),
    proofHeader: null,
    // Nor are names and addresses in it signed: `cloudwatch.test.ts` changes what is.
    signsBody: false,
    toleranceMs: 3_600_000,
    fetch: async () => new Response(snsCertificate),
    atMs: at("2025-02-02T12:10:00Z"),
    firing: alarm({}, "m-1"),
    resolved: alarm(
      { NewStateValue: "OK", StateChangeTime: "2025-02-02T12:09:00.000+0000" },
      "m-2",
    ),
    test: null,
    own: alarm({ AlarmDescription: `firebreak_instance=${INSTANCE}` }, "m-3"),
    unknown: alarm({ NewStateValue: "INSUFFICIENT_DATA" }, "m-4"),
  },
  {
    ...bearer,
    webhook: WEBHOOKS["new-relic"],
    secret,
    atMs: 1_713_769_710_000,
    firing: { body: captured("newrelic-activated") },
    resolved: {
      body: capturedBut("newrelic-activated", { state: "CLOSED", updatedAt: 1_713_769_709_000 }),
    },
    own: {
      body: capturedBut("newrelic-activated", {
        id: "own",
        alertPolicyNames: [`Firebreak itself firebreak_instance:${INSTANCE}`],
      }),
    },
    test: { body: captured("newrelic-channel-test") },
    unknown: { body: capturedBut("newrelic-activated", { state: "ACKNOWLEDGED" }) },
  },
  {
    ...inQuery,
    webhook: WEBHOOKS.uptimerobot,
    secret,
    atMs: 1_480_215_300_000,
    firing: uptimerobotOf("1", 1_480_215_246),
    resolved: uptimerobotOf("2", 1_480_215_290),
    test: null,
    own: uptimerobotOf("1", 1_480_215_250, `Firebreak firebreak_instance=${INSTANCE}`),
    unknown: uptimerobotOf("3", 1_480_215_291),
  },
  {
    ...inQuery,
    webhook: WEBHOOKS.pingdom,
    secret,
    atMs: 1_457_939_500_000,
    firing: { body: captured("pingdom-down") },
    resolved: {
      body: capturedBut("pingdom-down", {
        current_state: "UP",
        state_changed_timestamp: 1_457_939_490,
      }),
    },
    test: null,
    own: {
      body: capturedBut("pingdom-down", {
        check_id: 7,
        custom_message: `Ours: firebreak_instance=${INSTANCE}`,
      }),
    },
    unknown: { body: capturedBut("pingdom-down", { current_state: "PAUSED" }) },
  },
  {
    ...inQuery,
    webhook: WEBHOOKS.statuspage,
    secret,
    atMs: at("2017-12-26T08:00:00Z"),
    firing: { body: captured("statuspage-incident-update") },
    resolved: {
      body: capturedBut("statuspage-incident-update", {
        "incident.status": "resolved",
        "incident.updated_at": "2017-12-26T07:50:00Z",
      }),
    },
    test: null,
    own: { body: capturedBut("statuspage-incident-update", { "page.id": OWN_PAGE }) },
    unknown: { body: captured("statuspage-component-update") },
  },
  {
    webhook: WEBHOOKS.stripe,
    secret: "whsec_test_secret",
    sign: (sent, by) =>
      withHeaders(sent, {
        "stripe-signature": new Stripe("sk_test_none").webhooks.generateTestHeaderString({
          payload: sent.body,
          secret: by.secret,
          timestamp: Math.floor(by.atMs / 1_000),
        }),
      }),
    proofHeader: "stripe-signature",
    signsBody: true,
    toleranceMs: 300_000,
    atMs: 1_761_868_860_000,
    firing: stripeOf(
      "payment_intent.payment_failed",
      { "data.object.last_payment_error": { type: "api_error", code: "processing_error" } },
      "evt_1",
    ),
    resolved: stripeOf("payment_intent.succeeded", { created: 1_761_868_850 }, "evt_2"),
    own: stripeOf(
      "payment_intent.payment_failed",
      {
        "data.object.last_payment_error": { type: "api_error", code: "processing_error" },
        "data.object.metadata": { firebreak_instance: INSTANCE },
      },
      "evt_4",
    ),
    test: { body: captured("stripe-payment-intent-failed") },
    unknown: stripeOf("payment_intent.payment_failed", {}, "evt_3"),
  },
  {
    webhook: WEBHOOKS.github,
    secret,
    sign: async (sent, by) =>
      withHeaders(sent, { "x-hub-signature-256": await signAsGithub(by.secret, sent.body) }),
    proofHeader: "x-hub-signature-256",
    signsBody: true,
    toleranceMs: null,
    atMs: at("2026-11-24T10:00:00Z"),
    firing: null,
    resolved: null,
    own: withHeaders(
      json({
        action: "opened",
        issue: {
          number: 7,
          title: "Checkout is slow",
          body: "It is slow.\n\n<!-- firebreak:inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4 -->",
        },
      }),
      { "x-github-event": "issues" },
    ),
    test: github("ping", "github-ping"),
    unknown: github("deployment_status", "github-deployment-status-success"),
  },
];
