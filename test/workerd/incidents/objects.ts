/** The product's incident and desk, each in the world of its name, with every storage call counted. */
import { DeskObject } from "../../../src/incidents/desk-object.ts";
import { IncidentObject } from "../../../src/incidents/incident-object.ts";
import { bundledOf, groundOf, SMALL_OUTAGE } from "../../support/incident.ts";
import { counted } from "./counted.ts";

export class TestIncident extends IncidentObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    const { world, die, leave } = counted(ctx);
    super(ctx, env, {
      ground: (playbook) => groundOf(playbook, world.site.channels, world.site),
      perform: async (effect, context) => {
        await leave();
        return world.perform(effect, context, die);
      },
    });
  }
}

export class TestDesk extends DeskObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    const { world, die, leave } = counted(ctx);
    super(ctx, env, {
      instance: "shop.test",
      playbook: (id) => (id === SMALL_OUTAGE.id ? bundledOf(SMALL_OUTAGE) : null),
      incident: (id) => ({
        async handle(command) {
          await leave();
          return world.handle(id, command, die);
        },
      }),
      newIncidentId: () => world.newIncidentId(),
      claims: () => false,
      quiet: world.quiet,
      grouping: world.grouping,
    });
  }
}
