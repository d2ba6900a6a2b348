/** A playbook as the build hands it to the Worker: checked, as data, with its source, so that nothing parses YAML at run time. */
import type { PlaybookSpec } from "./schema.ts";
import type { SiteSpec } from "./site.ts";

export type BundledPlaybook = {
  readonly spec: PlaybookSpec;
  readonly source: string;
  /** Hex SHA-256 of `source`. */
  readonly sha256: string;
};

export type Bundle = {
  readonly playbooks: readonly BundledPlaybook[];
  readonly site: SiteSpec;
};
