import { assert } from "@std/assert";
import { joinByConnections } from "./connected.ts";
import { chanceOf } from "./guessing.ts";

/** What chance does once in a thousand trials. */
const RARE = 0.001;

Deno.test("who keeps connections, and when requests came, does not know whose a log is", async () => {
  const { right, targets } = await joinByConnections({});
  assert(chanceOf(right, targets) > RARE, `${right} of ${targets.length}`);
});

Deno.test("who refuses a log and waits for the sign-in that follows does not know whose it is either", async () => {
  const { right, targets } = await joinByConnections({ refuses: true });
  assert(chanceOf(right, targets) > RARE, `${right} of ${targets.length}`);
});

Deno.test("the attacker is a real one: where schema and logs share a connection, it is known whose nearly every log is", async () => {
  const { right, targets } = await joinByConnections({
    connect: (client, step) => `${client} ${step === "schema" || step === "logs" ? "logging" : "issuing"}`,
  });
  assert(right > 0.9 * targets.length, `${right} of ${targets.length}`);
});
