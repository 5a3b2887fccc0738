import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { NotPrimary, Primary } from "../../../../core/store/postgres/primary.ts";
import type { Server } from "../../../../core/store/postgres/url.ts";
import { until } from "../../../support/store/with_kv_endpoint.ts";

const [ONE, TWO]: [Server, Server] = [{ host: "one", port: 1 }, { host: "two", port: 2 }];

/** Two servers, of which each says what it is told to say, and how often each was asked. */
function twoServers() {
  const says = new Map<Server, Error | undefined>([[ONE, new NotPrimary()], [TWO, new NotPrimary()]]);
  const asked = new Map<Server, number>();
  const primary = new Primary([ONE, TWO], (server) => {
    asked.set(server, (asked.get(server) ?? 0) + 1);
    const error = says.get(server);
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  });
  return { primary, says, asked };
}

Deno.test("Primary finds the server that takes writes, and asks no more until it is lost", async () => {
  const { primary, says, asked } = twoServers();
  says.set(TWO, undefined);
  const found = await Promise.all([primary.find(), primary.find()]);
  for (const server of [...found, await primary.find()]) assertStrictEquals(server, TWO);
  assertEquals([asked.get(ONE), asked.get(TWO)], [1, 1]);
  // Who was never found cannot be lost.
  primary.lost(ONE);
  assertStrictEquals(await primary.find(), TWO);
  says.set(TWO, new NotPrimary()).set(ONE, undefined);
  primary.lost(TWO);
  assertStrictEquals(await primary.find(), ONE);
  primary.close();
});

Deno.test("Primary says why there is none, what a server said first of all, and goes on looking by itself", async () => {
  const { primary, says } = twoServers();
  const refusal = Object.assign(new Error("password"), { severity: "FATAL", code: "28P01" });
  says.set(ONE, new Error("connect ECONNREFUSED")).set(TWO, refusal);
  assertStrictEquals(await assertRejects(() => primary.find()), refusal);
  await assertRejects(() => primary.find());
  says.set(ONE, undefined);
  await until(() => primary.find().then((server) => server === ONE, () => false));
  primary.close();
});

Deno.test("Primary looks no more once it is closed, and whoever waits for it is told", async () => {
  const { primary, asked } = twoServers();
  const waiting = assertRejects(() => primary.find(), Error, "closed");
  primary.close();
  await waiting;
  await assertRejects(() => primary.find(), Error, "closed");
  assertEquals([asked.get(ONE), asked.get(TWO)], [1, 1]);
});
