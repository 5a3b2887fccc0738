import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeDirectory } from "../../../core/keys/directory.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { type Split, splitDeployment, startSplit } from "../../support/service/split.ts";

function directoryOf({ clock }: Split, keys: Parameters<typeof makeDirectory>[0]["keys"]) {
  const { issuer, applications } = splitDeployment();
  const app = applications.get("notes")!;
  return makeDirectory({ issuer, region: "local", app, keys, nowSeconds: clock.seconds }).body;
}

Deno.test("a log server shows the links and the history of its ACS, byte for byte", async () => {
  await using split = await startSplit();
  const { acs, logs, clock } = split;
  const history = await logs.keyHistory("notes");
  assertEquals(history, await acs.keyHistory("notes"));
  assertEquals(JSON.parse(new TextDecoder().decode(history.body)).region, "local");
  const keys = await logs.publishedKeys("notes", clock.seconds);
  assert(keys.every(({ chain }) => chain !== undefined));
  assertEquals(
    directoryOf(split, keys),
    directoryOf(split, await acs.publishedKeys("notes", clock.seconds)),
  );
});

Deno.test("a log server asks its ACS for a history once in half a minute, however many ask, and again after a failure", async () => {
  await using split = await startSplit();
  let asked = 0;
  let fails = true;
  split.network = (request, reach) => {
    if (!request.url.endsWith("/history")) return reach(request);
    asked++;
    return fails ? Promise.resolve(new Response("", { status: 502 })) : reach(request);
  };
  const ask = () => split.logs.keyHistory("notes");
  assertEquals((await assertRejects(ask, Refusal)).code, "store_unavailable");
  fails = false;
  await Promise.all(Array.from({ length: 50 }, ask));
  assertEquals(asked, 2);
  split.clock.seconds += 29;
  await ask();
  assertEquals(asked, 2);
  split.clock.seconds++;
  await ask();
  assertEquals(asked, 3);
});

Deno.test("a log server whose ACS is of before knows of no history", async () => {
  await using split = await startSplit();
  split.network = (request, reach) =>
    request.url.endsWith("/history") ? Promise.resolve(new Response("", { status: 404 })) : reach(request);
  assertEquals((await assertRejects(() => split.logs.keyHistory("notes"), Refusal)).code, "route_unknown");
});
