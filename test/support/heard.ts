/** What everybody heard on a day on which each promise about it was kept. */
import type { PublicUpdate } from "../../gamedays/firebreak.ts";
import type { Heard } from "../../gamedays/heard.ts";
import type { ToldSpec } from "../../gamedays/told-expectations.ts";

const INCIDENT = "inc_1";
const LINK = `https://shop.example/incidents/${INCIDENT}`;

export const publicUpdates = ({ public: { says } }: ToldSpec): readonly PublicUpdate[] =>
  says.map(({ status, words }) => ({ status, body: words }));

export function heardAsPromised(told: ToldSpec): Heard {
  const first = [
    ...told.chat.first,
    "What was done:",
    "What is asked of you:",
    "- Acknowledge by 14:00 UTC",
    "[Resolve]",
    LINK,
  ].join("\n");
  const shown = [first, ...told.chat.later];
  return {
    pager: { pages: told.pager.map((kind, index) => aPage(`${kind}:${index}`)), refused: 0 },
    paging: {
      alerts: [{ dedupKey: INCIDENT, status: "resolved", severity: told.rings, pages: 1 }],
      events: [
        { action: "trigger", summary: "opened", severity: told.rings, link: LINK },
        { action: "acknowledge", summary: "", severity: null, link: null },
        { action: "resolve", summary: "", severity: null, link: null },
      ],
    },
    chat: { posted: [first], shown, now: shown.slice(-1), replies: ["it is over"] },
    tickets:
      told.ticket === "none"
        ? []
        : [
            {
              title: "opened",
              body: INCIDENT,
              labels: ["firebreak", told.ticket],
              state: "closed",
              comments: [{ body: "it is over" }],
            },
          ],
    elsewhere: {
      incidents: [
        {
          name: "Website: major outage",
          status: "resolved",
          impact: told.public.impact,
          metadata: { firebreak: { incident: INCIDENT } },
          incident_updates: [...publicUpdates(told)],
        },
      ],
      components: { kctbh9vrtdwe: "operational" },
      othersCount: 0,
    },
  };
}

export const aPage = (message: string, deliveries = 1): Heard["pager"]["pages"][number] => ({
  id: `dlv_${message}`,
  firstAtMs: 6_000,
  deliveries,
  payload: { data: { incident: INCIDENT, message, subject: message } },
});
