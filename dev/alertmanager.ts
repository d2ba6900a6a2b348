/** The machine's own Alertmanager, as Debian packages it, told to page one webhook: short waits, so that tests need none. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess, isAlive, logTail, startServer } from "./child.ts";
import { choosePort, LOOPBACK } from "./loopback.ts";

const READY_WITHIN_MS = 10_000;
const READY_POLL_MS = 50;

export type SentAlert = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly endsAt?: string;
};

/** Deliveries to webhooks since it started. */
export type Notifications = { readonly sent: number; readonly failed: number };

export type Alertmanager = AsyncDisposable & {
  /** What Prometheus does: tells it which alerts fire. One with `endsAt` in the past is over. */
  readonly post: (alerts: readonly SentAlert[]) => Promise<void>;
  readonly notifications: () => Promise<Notifications>;
};

type Options = { readonly directory: string; readonly webhook: string; readonly token: string };

/** Starts it; resolves when it answers. */
export async function startAlertmanager(options: Options): Promise<Alertmanager> {
  const { directory } = options;
  const [configPath, logPath] = [join(directory, "alertmanager.yaml"), join(directory, "log")];
  await mkdir(directory, { recursive: true });
  await writeFile(configPath, JSON.stringify(configOf(options)));
  const address = `${LOOPBACK}:${await choosePort()}`;
  const child = startServer({
    path: "prometheus-alertmanager",
    args: [
      `--config.file=${configPath}`,
      `--storage.path=${join(directory, "data")}`,
      `--web.listen-address=${address}`,
      // One alone gossips with nobody.
      "--cluster.listen-address=",
    ],
    logPath,
  });
  const url = `http://${address}`;
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!(await isReady(url))) {
    if (!isAlive(child) || Date.now() > deadlineMs) {
      throw new Error(`Alertmanager did not start:\n${logTail(logPath)}`);
    }
    await sleep(READY_POLL_MS);
  }
  return {
    async post(alerts) {
      const answer = await fetch(`${url}/api/v2/alerts`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(alerts),
      });
      if (!answer.ok) throw new Error(`Alertmanager answered ${answer.status}`);
    },
    async notifications() {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return {
        sent: counted(metrics, "alertmanager_notifications_total"),
        failed: counted(metrics, "alertmanager_notifications_failed_total"),
      };
    },
    [Symbol.asyncDispose]: () => endProcess(child, "SIGTERM"),
  };
}

/** JSON is YAML. */
const configOf = ({ webhook, token }: Options) => ({
  route: {
    receiver: "firebreak",
    group_by: ["alertname"],
    group_wait: "1s",
    group_interval: "1s",
    repeat_interval: "2s",
  },
  receivers: [
    {
      name: "firebreak",
      webhook_configs: [
        {
          url: webhook,
          send_resolved: true,
          http_config: { authorization: { credentials: token } },
        },
      ],
    },
  ],
});

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}

/** Of the webhook integration, whatever the other labels. */
function counted(metrics: string, name: string): number {
  const line = new RegExp(`^${name}\\{[^}]*integration="webhook"[^}]*\\} (\\S+)$`, "gm");
  return [...metrics.matchAll(line)].reduce((sum, [, value]) => sum + Number(value), 0);
}
