/** The words of this build: what its registries hold. Playbooks are checked against them. */
import { actuatorWords } from "../src/mitigations/registry.ts";
import { selectorWords } from "../src/mitigations/selectors/registry.ts";
import type { Vocabulary } from "../src/playbooks/vocabulary.ts";
import { catalogue } from "../src/signals/catalogue.ts";
import { COLLECTOR_IDS } from "../src/signals/collectors/registry.ts";

export const vocabulary = (): Vocabulary => ({
  signals: catalogue,
  actuators: actuatorWords(),
  collectors: COLLECTOR_IDS,
  selectors: selectorWords(),
});
