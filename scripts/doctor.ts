/**
 * `npm run doctor`: what each playbook needs and has not got, and the one line that mends it. Asks a deployment
 * (`--url`, or FIREBREAK_URL; the token from FIREBREAK_TOKEN); without one it says what the files alone can tell.
 * Exits with 1 when something that a playbook needs is failing.
 */
import { parseArgs } from "node:util";
import { doctorText, type Report } from "./doctor/text.ts";
import { doctorReport } from "../src/http/schemas.ts";
import { ok } from "../src/shared/result.ts";
import { askDeployment } from "./ask-deployment.ts";
import { checkFiles } from "./doctor/files.ts";

const USAGE = `npm run doctor -- [--url URL] [--json]

  --url URL   a deployment, such as https://shop.example.com; FIREBREAK_URL without it
  --json      the report as JSON

The token of a viewer comes from the environment: FIREBREAK_TOKEN.`;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  const url = values.url ?? process.env["FIREBREAK_URL"];
  const found = url === undefined || url === "" ? checkFiles(Date.now()) : await examined(url);
  if (found.ok) print(found.value);
  else fail(found.error);
}

async function examined(url: string) {
  const asked = { path: "/doctor", schema: doctorReport };
  const found = await askDeployment(url, process.env["FIREBREAK_TOKEN"], asked);
  if (!found.ok) return found;
  const { origin, answer } = found.value;
  return ok({ source: `${origin}, as it says of itself`, ...answer });
}

function print(report: Report): void {
  console.log(values.json ? JSON.stringify(report, null, 2) : doctorText(report));
  process.exitCode = report.ok ? 0 : 1;
}

function fail(problem: string): void {
  if (values.json) console.log(JSON.stringify({ ok: false, problem }, null, 2));
  else console.error(problem);
  process.exitCode = 1;
}
