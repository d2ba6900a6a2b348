/** A cause inhibits its symptoms: while its playbook is triggered, theirs open nothing. Pure. */

type Inhibiting = { readonly id: string; readonly inhibits: readonly string[] };

/**
 * The triggered playbooks that nobody inhibits. A symptom's own symptoms are inhibited with it. Playbooks that inhibit each other
 * in a circle without a cause outside it all stay: silence would be the worse mistake.
 */
export function uninhibited<P extends Inhibiting>(triggered: readonly P[]): readonly P[] {
  const causes = triggered.filter(
    (playbook) => !triggered.some((other) => isCause(other, playbook)),
  );
  const silenced = new Set<string>();
  const waiting: Inhibiting[] = [...causes];
  for (let cause = waiting.pop(); cause !== undefined; cause = waiting.pop()) {
    for (const symptom of triggered) {
      if (silenced.has(symptom.id) || !isCause(cause, symptom)) continue;
      silenced.add(symptom.id);
      waiting.push(symptom);
    }
  }
  return triggered.filter(({ id }) => !silenced.has(id));
}

const isCause = (cause: Inhibiting, symptom: Inhibiting): boolean =>
  cause.id !== symptom.id && cause.inhibits.includes(symptom.id);
