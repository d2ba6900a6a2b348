/**
 * `npm run kpis -- --url URL`: how well incidents went, against the targets: of all, per severity, per playbook and period by
 * period. The token of a viewer comes from FIREBREAK_TOKEN. Exits with 1 when there is no answer.
 */
import { parseArgs } from "node:util";
import { kpiReport } from "../src/http/routes/kpis.ts";
import { askDeployment } from "./ask-deployment.ts";
import { kpisText } from "./kpis/text.ts";

const USAGE = `npm run kpis -- [--url URL] [--window 90d] [--every 7d]

  --url URL      a deployment, such as https://shop.example.com; FIREBREAK_URL without it
  --window TIME  incidents detected in the last …, 90d without it
  --every TIME   how long a period is, 7d without it

The token of a viewer comes from the environment: FIREBREAK_TOKEN.`;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    window: { type: "string", default: "90d" },
    every: { type: "string", default: "7d" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const url = values.url ?? process.env["FIREBREAK_URL"];

if (values.help || url === undefined || url === "") {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 1;
} else {
  const { window, every } = values;
  const ask = async (by: string) => {
    const path = `/kpis?${new URLSearchParams({ window, every, by })}`;
    const asked = { path, schema: kpiReport };
    return askDeployment(url, process.env["FIREBREAK_TOKEN"], asked);
  };
  const [bySeverity, byPlaybook] = [await ask("severity"), await ask("playbook")];
  if (bySeverity.ok && byPlaybook.ok) {
    const { origin, answer } = bySeverity.value;
    console.log(kpisText(origin, answer, byPlaybook.value.answer.by));
  } else {
    const failed = bySeverity.ok ? byPlaybook : bySeverity;
    console.error(failed.ok ? "" : failed.error);
    process.exitCode = 1;
  }
}
