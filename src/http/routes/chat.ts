/** Buttons that people press in a chat become commands, in the name of the person that `site.yaml` knows them as. */
import { createRoute, z } from "@hono/zod-openapi";
import { OWN_PREFIX } from "../../guard/facts.ts";
import type { CommandAnswer, IncidentCommand } from "../../incidents/command.ts";
import { commandIdOf, type Pressed } from "../../notify/buttons.ts";
import {
  FOLLOW_DEADLINE_MS,
  type Chat,
  type Interaction,
  type Outcome,
  type Press,
} from "../../notify/chat.ts";
import { chats } from "../../notify/registry.ts";
import type { Person } from "../../playbooks/site-people.ts";
import { parseJson } from "../../shared/json.ts";
import { limitBody, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";

/** Slack sends the whole message along. */
const BODY_BYTES_MAX = 256 * 1024;

const press = createRoute({
  method: "post",
  path: "/chat/{chat}",
  tags: ["chat"],
  summary: "Take what somebody pressed in a chat",
  description: "Authenticated by the chat's signature over the body.",
  middleware: [limitBody(BODY_BYTES_MAX)],
  request: { params: z.object({ chat: z.string().max(60) }) },
  responses: {
    200: { description: "Taken; what became of it is for whoever pressed" },
    ...problems,
  },
});

export function chatRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(press, async (c) => {
    const chat = chats.get(c.req.valid("param").chat);
    if (chat === undefined) throw new Problem("not-found", "No such chat.");
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const interaction = { headers: c.req.raw.headers, bytes };
    const secrets = await secretsOf(chat, interaction, deps);
    const heard = chat.read(interaction);
    if (heard === "ping") return said(chat.answer("ping"));
    if (heard === null) return said(chat.answer(NOTHING));
    const outcome = await outcomeOf(chat, heard, deps);
    if (chat.follow !== undefined) {
      const reach = { fetch: onward, atMs: deps.now(), deadlineMs: FOLLOW_DEADLINE_MS };
      c.executionCtx.waitUntil(chat.follow(outcome, heard, secrets, reach));
    }
    return said(chat.answer(outcome));
  });
}

const onward = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);
const said = ({ body, type }: ReturnType<Chat["answer"]>): Response =>
  new Response(body, { headers: { "content-type": type } });

/** The secrets that it proves to be from: one app may have several channels. @throws {Problem} when there are none. */
async function secretsOf(
  chat: Chat,
  interaction: Interaction,
  { bundle, channelSecret, now }: HttpDeps,
): Promise<readonly unknown[]> {
  const all = bundle.site.channels
    .filter(({ kind }) => kind === chat.id)
    .map(({ secret }) => parseJson(channelSecret(secret) ?? ""));
  const secrets: unknown[] = [];
  for (const secret of all) {
    if (await chat.isFrom(interaction, secret, now())) secrets.push(secret);
  }
  if (secrets.length > 0) return secrets;
  throw new Problem("unauthorized", `This does not prove that ${chat.id} sent it.`);
}

const saying = (text: string | null): Outcome => ({ kind: "said", text });
const NOTHING = saying(null);

/** What is said to whoever pressed, or asked of them. */
async function outcomeOf(
  chat: Chat,
  { member, pressed, why }: Press,
  deps: HttpDeps,
): Promise<Outcome> {
  if (pressed === null) return NOTHING;
  const person = deps.bundle.site.people.find((one) => chat.memberOf(one) === member);
  if (person === undefined) {
    return saying(
      `Nothing was done: playbooks/site.yaml has nobody under people with \`${chat.id}: ${member}\`.`,
    );
  }
  if (person.role === "viewer") {
    return saying("Nothing was done: it needs the role responder; yours is viewer.");
  }
  if (await takesSeveral(pressed, deps)) {
    const path = pathOf(pressed);
    return saying(
      `Nothing was done: it takes several people, each with a token of their own (${path}).`,
    );
  }
  const answer = await handle({ pressed, why }, person, deps);
  if (answer.ok) return saying(DONE[pressed.deed]);
  const { reason, detail } = answer.rejection;
  if (reason !== "reason_required") return saying(`Nothing was done: ${detail}.`);
  const text = `Nothing was done: ${detail} (${pathOf(pressed)}).`;
  // Asked once: who then writes nothing is told the other way.
  return why === null ? { kind: "asks", pressed, question: `${detail}.`, text } : saying(text);
}

/** Who somebody is here says nothing of who they are with a token: one person who knocks at both doors would count twice. */
async function takesSeveral(
  { deed, incidentId, mitigation }: Pressed,
  deps: HttpDeps,
): Promise<boolean> {
  if (deed !== "approve") return false;
  const view = await deps.incident(incidentId).view();
  return (
    view?.acts.some(({ id, approvals }) => id === mitigation && approvals !== undefined) === true
  );
}

type Given = { readonly pressed: Pressed; readonly why: string | null };

function handle({ pressed, why }: Given, { name }: Person, deps: HttpDeps): Promise<CommandAnswer> {
  const command = {
    id: commandIdOf(pressed),
    atMs: deps.now(),
    actor: { kind: "person", id: name },
    // The button stays where it is, and what it was refused for may pass.
    mayAskAgain: true,
    ...dataOf(pressed, why ?? "", name),
  };
  return deps.incident(pressed.incidentId).handle(command as IncidentCommand);
}

function dataOf({ deed, mitigation }: Pressed, why: string, name: string) {
  switch (deed) {
    case "acknowledge":
      return { type: deed, data: {} };
    case "take_lead":
      return { type: deed, data: { lead: name } };
    case "resolve":
      return { type: deed, data: { why } };
    case "approve":
    case "decline":
    case "revert":
      return { type: deed, data: { leaseId: mitigation, why: "by a button in the chat" } };
  }
}

const pathOf = ({ incidentId, deed, mitigation }: Pressed): string =>
  `POST ${OWN_PREFIX}/api/v1/incidents/${incidentId}/${mitigation === null ? "" : `mitigations/${mitigation}/`}${deed}`;

const DONE = {
  acknowledge: "Acknowledged.",
  take_lead: "The lead is taken.",
  approve: "Approved.",
  decline: "Declined.",
  revert: "It is being taken back.",
  resolve: "Resolved.",
} as const;
