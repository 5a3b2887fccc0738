import { assertEquals } from "@std/assert";
import { assemble } from "../../../client/parts.ts";
import { present } from "../../support/base/present.ts";
import { startService } from "../../support/client/client_service.ts";

Deno.test("after a delay nobody signs in in the pass in which a log went out, whatever it was answered", async () => {
  const test = await startService({ usesPerToken: 1, tokensPerClient: 2 });
  const steps: string[] = [];
  const answer = { refused: false };
  const { passes, queue } = assemble({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn("alice"),
    now: () => test.clock.now,
    async fetch(url, init) {
      const step = present(url.split("/").at(-1));
      steps.push(step);
      if (step !== "logs" || !answer.refused) return await test.fetch(url, init);
      return Response.json({ code: "key_unknown" }, {
        status: 401,
        headers: { "content-type": "application/problem+json" },
      });
    },
  }, {
    report: () => {},
    consent: { isBarred: false, look: () => () => {}, signal: new AbortController().signal },
    isOpen: () => true,
    isHidden: () => false,
  });
  const log = () =>
    queue.enqueue(() => undefined, () => [{
      name: "app_opened",
      at: test.clock.now / 1000,
      fields: {},
      encoded: false,
    }]);
  const run = async () => {
    steps.length = 0;
    return [await passes.run("delay"), ...steps.filter((step) => step === "tokens" || step === "logs")];
  };
  for (let event = 0; event < 33; event++) await log();
  assertEquals(await run(), ["again", "tokens"]);
  // Both of its tokens are refused: the next one is asked for in a pass of its own.
  answer.refused = true;
  const [outcome, ...sent] = await run();
  assertEquals([outcome, sent.includes("logs"), sent.includes("tokens")], ["again", true, false]);
  await test.close();
});
