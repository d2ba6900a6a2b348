/** The words of this build: what its registries hold. Playbooks are checked against them. */
import { actuatorWords } from "../mitigations/registry.ts";
import { selectorWords } from "../mitigations/selectors/registry.ts";
import type { Vocabulary } from "../playbooks/vocabulary.ts";
import { catalogue } from "../signals/catalogue.ts";
import { COLLECTOR_IDS } from "../signals/collectors/registry.ts";

export const vocabulary: Vocabulary = {
  signals: catalogue,
  actuators: actuatorWords(),
  collectors: COLLECTOR_IDS,
  selectors: selectorWords(),
};
