/** Production's project at Neon: its control API, and computes of its branches that are real servers with the data of their moment. */
import { z } from "zod";
import { keepHistory, type PostgresHistory } from "./postgres-history.ts";
import { startStandby } from "./postgres-standby.ts";
import { onPort } from "./storefront-database.ts";
import type { PostgresStore } from "./stores.ts";
import { neonApi } from "./vendors/neon-api.ts";
import type { Vendor } from "./vendors/vendor.ts";

export const NEON_PROJECT = "storefront";
/** Where the storefront finds its primary, as at Neon: beside computes of the same project. */
export const PRIMARY_HOST = "ep-main.eu-central-1.aws.neon.tech";

export type NeonProject = AsyncDisposable & {
  readonly vendor: Vendor;
  /** From here on it can go back; a copy of the data, so that only who needs it pays for it. */
  readonly beginHistory: () => Promise<void>;
  /** Connection string of the storefront's role for a branch, as the vendor's console gives it. @throws {Error} when no compute of it runs. */
  readonly branchUrl: (branchId: string) => Promise<string>;
};

/** A branch of a moment before its history began cannot be made; one of now begins it. */
export function neonProject(stored: PostgresStore, key: string): NeonProject {
  stored.computes.set(PRIMARY_HOST, stored.postgres.port);
  const readers = new AsyncDisposableStack();
  let history: Promise<PostgresHistory> | undefined;
  const begun = (): Promise<PostgresHistory> => (history ??= keepHistory(stored.postgres));
  const vendor = neonApi({
    projectId: NEON_PROJECT,
    key,
    async runCompute({ host, atMs, follows }) {
      const server = follows
        ? readers.use(await startStandby(stored.postgres))
        : await (await begun()).at(atMs);
      stored.computes.set(host, server.port);
      return {
        url: () => onPort(stored.database.ownerUrl, server.port),
        stop: async () => {
          stored.computes.delete(host);
          if (follows) await server[Symbol.asyncDispose]();
        },
      };
    },
  });
  return {
    vendor,
    async beginHistory() {
      await begun();
    },
    async branchUrl(branchId) {
      const query = new URLSearchParams({
        branch_id: branchId,
        database_name: "storefront",
        role_name: "storefront",
      });
      const answer = await vendor.fetch(
        new Request(`https://neon.invalid/projects/${NEON_PROJECT}/connection_uri?${query}`, {
          headers: { authorization: `Bearer ${key}` },
        }),
      );
      if (!answer.ok) throw new Error(`branch ${branchId}: ${await answer.text()}`);
      const { uri } = connection.parse(await answer.json());
      return uri;
    },
    async [Symbol.asyncDispose]() {
      await readers.disposeAsync();
      await (await history)?.[Symbol.asyncDispose]();
    },
  };
}

const connection = z.object({ uri: z.string() });
