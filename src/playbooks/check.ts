/** Checks all files of `playbooks/` together and makes the bundle, or says everything that is wrong, in all of them. */
import { err, ok, type Result } from "../shared/result.ts";
import { PLAIN_PLAYBOOK_ID } from "../incidents/plain.ts";
import { sha256Hex } from "../shared/ids.ts";
import { unfitForPublic } from "../shared/private.ts";
import { suggest } from "../shared/suggest.ts";
import type { Bundle, BundledPlaybook } from "./bundled.ts";
import { compilePlaybook } from "./compile.ts";
import { sorted, type Diagnostic } from "./diagnostics.ts";
import { SITE } from "./overrides.ts";
import { duplicates, type Problem } from "./problem.ts";
import { playbook, type PlaybookSpec } from "./schema.ts";
import { checkShape } from "./shape.ts";
import { routingProblems } from "./site-channels.ts";
import { instanceOf, site, type SiteSpec } from "./site.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { readYaml, type SourceFile, type YamlFile } from "./yaml-file.ts";

export type { SourceFile } from "./yaml-file.ts";

/** The file beside the playbooks that describes the site. */
export const SITE_FILE = "site.yaml";

/** With an incident's id it names the owner of a policy entry, which takes 120 characters. */
export const INSTANCE_CHARS_MAX = 80;

/** A file whose shape is right; what it means has not been checked. */
type Shaped<Spec> = { readonly file: SourceFile; readonly yaml: YamlFile; readonly spec: Spec };

/** The bundle of all files, playbooks in order of their ids; one of the files must be `site.yaml`. */
export function checkPlaybooks(
  files: readonly SourceFile[],
  vocabulary: Vocabulary,
): Result<Bundle, readonly Diagnostic[]> {
  const [siteFiles, playbookFiles] = [files.filter(isSite), files.filter((file) => !isSite(file))];
  const sites = siteFiles.map((file) => readSite(file));
  const playbooks = playbookFiles.map((file) => readPlaybook(file));
  const diagnostics = [...sites, ...playbooks].flatMap((read) => (read.ok ? [] : read.error));
  const shaped = playbooks.flatMap((read) => (read.ok ? [read.value] : []));
  const [here] = sites.flatMap((read) => (read.ok ? [read.value] : []));

  if (siteFiles.length !== 1) {
    const message = `there must be one ${SITE_FILE}, there are ${siteFiles.length}`;
    diagnostics.push({ file: SITE_FILE, line: 1, column: 1, path: "", message });
  }
  const ids = playbookFiles.map((file) => stem(file));
  if (here !== undefined) diagnostics.push(...here.yaml.locate(siteProblems(here.spec, ids)));
  for (const one of shaped) {
    diagnostics.push(
      ...one.yaml.locate([
        ...meaningProblems(one, vocabulary),
        ...neighbourProblems(one, ids, here?.spec ?? null),
      ]),
    );
  }
  if (diagnostics.length > 0 || here === undefined) return err(sorted(diagnostics));
  const bundled = shaped
    .map((one) => bundle(one))
    .toSorted((a, b) => (a.spec.id < b.spec.id ? -1 : 1));
  return ok({ playbooks: bundled, site: here.spec });
}

/** Reads one playbook's YAML and shape. */
export function readPlaybook(
  file: SourceFile,
): Result<Shaped<PlaybookSpec>, readonly Diagnostic[]> {
  const yaml = readYaml(file);
  if (!yaml.ok) return yaml;
  const shape = checkShape(playbook, yaml.value.value);
  return shape.ok
    ? ok({ file, yaml: yaml.value, spec: shape.value })
    : err(yaml.value.locate(shape.error));
}

/** Reads the site's YAML and shape. */
export function readSite(file: SourceFile): Result<Shaped<SiteSpec>, readonly Diagnostic[]> {
  const yaml = readYaml(file);
  if (!yaml.ok) return yaml;
  const shape = checkShape(site, yaml.value.value);
  return shape.ok
    ? ok({ file, yaml: yaml.value, spec: shape.value })
    : err(yaml.value.locate(shape.error));
}

const bundle = ({ file, spec }: Shaped<PlaybookSpec>): BundledPlaybook => ({
  spec,
  source: file.text,
  sha256: sha256Hex(file.text),
});

function meaningProblems(one: Shaped<PlaybookSpec>, vocabulary: Vocabulary): readonly Problem[] {
  const compiled = compilePlaybook(bundle(one), vocabulary);
  return compiled.ok ? [] : compiled.error;
}

/** What only the other files can tell. */
function neighbourProblems(
  { file, spec }: Shaped<PlaybookSpec>,
  ids: readonly string[],
  here: SiteSpec | null,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (spec.id === SITE) {
    problems.push({ path: ["id"], message: `"${SITE}" is what overrides call the site` });
  } else if (spec.id === PLAIN_PLAYBOOK_ID) {
    const message = `"${PLAIN_PLAYBOOK_ID}" is the playbook of what no playbook claims`;
    problems.push({ path: ["id"], message });
  } else if (spec.id !== stem(file)) {
    const message = `the file is called ${stem(file)}.yaml: file and id must be the same`;
    problems.push({ path: ["id"], message });
  }
  for (const [index, id] of spec.inhibits.entries()) {
    if (ids.includes(id) && id !== spec.id) continue;
    const others = ids.filter((other) => other !== spec.id);
    const message = `unknown playbook "${id}"; ${suggest(id, others)}`;
    problems.push({ path: ["inhibits", index], message });
  }
  problems.push(...publicProblems(spec));
  const component = spec.communicate.status_page?.component;
  const known = here?.components.map(({ id }) => id);
  if (component !== undefined && known !== undefined && !known.includes(component)) {
    const message = `unknown component "${component}"; ${suggest(component, known)}`;
    problems.push({ path: ["communicate", "status_page", "component"], message });
  }
  return problems;
}

/** What everybody reads: on the status page, and of a step on the pages of the guard. */
function publicProblems({ communicate, mitigate }: PlaybookSpec): readonly Problem[] {
  const written = [
    { path: ["communicate", "status_page", "message"], text: communicate.status_page?.message },
    ...mitigate.map(({ with: options }, index) => ({
      path: ["mitigate", index, "with", "message"],
      text: options["message"],
    })),
  ];
  return written.flatMap(({ path, text }) => {
    const message = typeof text === "string" ? unfitForPublic(text) : null;
    return message === null ? [] : [{ path, message }];
  });
}

const siteProblems = (
  { probes, components, channels, ...spec }: SiteSpec,
  playbooks: readonly string[],
): readonly Problem[] => [
  ...instanceProblems(instanceOf(spec)),
  ...duplicates(
    probes.map(({ id }) => id),
    "probe",
    (index) => ["probes", index, "id"],
  ),
  ...duplicates(
    components.map(({ id }) => id),
    "component",
    (index) => ["components", index, "id"],
  ),
  ...duplicates(
    channels.map(({ id }) => id),
    "channel",
    (index) => ["channels", index, "id"],
  ),
  ...routingProblems(channels, playbooks),
];

const instanceProblems = (instance: string): readonly Problem[] =>
  instance.length <= INSTANCE_CHARS_MAX
    ? []
    : [
        {
          path: ["environment"],
          message: `"${instance}" is in every mark that Firebreak leaves: at most ${INSTANCE_CHARS_MAX} characters`,
        },
      ];

const isSite = ({ name }: SourceFile): boolean => baseName(name) === SITE_FILE;

const stem = ({ name }: SourceFile): string => baseName(name).replace(/\.ya?ml$/, "");

const baseName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);
