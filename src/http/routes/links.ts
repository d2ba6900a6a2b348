/** What belongs to an incident: other incidents, tickets, groups of alerts. Between two incidents both are told. */
import { z } from "@hono/zod-openapi";
import { scopeOf } from "../../alerts/scopes.ts";
import { LINK_KINDS, type Link } from "../../incidents/links.ts";
import { clip } from "../../shared/clip.ts";
import { takes, type Api } from "../api-app.ts";
import { incidentCommand } from "../command-route.ts";
import type { HttpDeps } from "../deps.ts";
import { command, viewOf } from "../incident-of.ts";
import { Problem } from "../problems.ts";
import { incidentId, text } from "../schemas.ts";

const TARGET_CHARS_MAX = 500;
const TITLE_CHARS_MAX = 200;

const why = text.optional();
const ticket = z.url({ protocol: /^https$/ }).max(TARGET_CHARS_MAX);
/** As `GET /alerts` shows it; an alert that its tool put into no group is named by its fingerprint. */
const alerts = z.strictObject({
  source: z.string().min(1).max(60),
  group: z.string().min(1).max(TARGET_CHARS_MAX).optional(),
  fingerprint: z.string().min(1).max(TARGET_CHARS_MAX).optional(),
});

const link = incidentCommand(
  "link",
  "Say that another incident, a ticket or a group of alerts belongs to it; of two incidents both are told",
  takes(
    z
      .strictObject({
        incident: incidentId.optional(),
        ticket: ticket.optional(),
        alerts: alerts.optional(),
        says: text.max(TITLE_CHARS_MAX).optional().describe("What a ticket is, in words"),
        why,
      })
      .refine(
        (body) => LINK_KINDS.filter((kind) => body[kind] !== undefined).length === 1,
        "name one of incident, ticket and alerts",
      ),
  ),
);
const unlink = incidentCommand(
  "unlink",
  "Take a link back; `target` is as the incident's `links` have it",
  takes(z.strictObject({ target: text.max(TARGET_CHARS_MAX), why })),
);

export function linkRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(link, async (c) => {
    const { id } = c.req.valid("param");
    const { why: reason = "", ...named } = c.req.valid("json");
    const found = await linkTo(named, deps);
    const here = await viewOf(deps, id);
    // Told first, so that whoever asks again after a fault has both in the end: the same request is the same command to each.
    if (found.kind === "incident" && found.target !== id) {
      const back = { kind: "incident", target: id, says: inWords(here), why: reason } as const;
      await command(c, deps, found.target, "link", back);
    }
    return c.json(await command(c, deps, id, "link", { ...found, why: reason }), 200);
  });

  api.openapi(unlink, async (c) => {
    const { id } = c.req.valid("param");
    const { target, why: reason = "" } = c.req.valid("json");
    const answer = await command(c, deps, id, "unlink", { target, why: reason });
    const other = incidentId.safeParse(target);
    if (other.success) {
      // There it may have been taken back before.
      await command(c, deps, other.data, "unlink", { target: id, why: reason }).catch(
        (fault: unknown) => {
          if (!(fault instanceof Problem)) throw fault;
        },
      );
    }
    return c.json(answer, 200);
  });
}

type Named = {
  readonly incident?: string | undefined;
  readonly ticket?: string | undefined;
  readonly alerts?: z.infer<typeof alerts> | undefined;
  readonly says?: string | undefined;
};

/** @throws {Problem} where there is no such incident, or no such alert is kept. */
async function linkTo(
  { incident, ticket: url, alerts: group, says = "" }: Named,
  deps: HttpDeps,
): Promise<Link> {
  if (incident !== undefined) {
    const view = await deps.incident(incident).view();
    if (view === null) throw unknown("body.incident", incident, "there is no such incident");
    return { kind: "incident", target: incident, says: says || inWords(view) };
  }
  if (url !== undefined) return { kind: "ticket", target: url, says };
  const found = (await deps.desk.alerts()).find(
    (alert) =>
      alert.source === group?.source &&
      (group.group === undefined || alert.group === group.group) &&
      (group.fingerprint === undefined || alert.fingerprint === group.fingerprint),
  );
  if (found === undefined || (group?.group ?? group?.fingerprint) === undefined) {
    throw unknown("body.alerts", JSON.stringify(group), "no such alert is kept");
  }
  return { kind: "alerts", target: scopeOf(found), says: says || found.title };
}

const inWords = ({
  severity,
  title,
}: {
  readonly severity: string;
  readonly title: string;
}): string => clip(`${severity} ${title}`, TITLE_CHARS_MAX);

const unknown = (field: string, value: string, message: string): Problem =>
  new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
    errors: [{ field, value, message }],
  });
