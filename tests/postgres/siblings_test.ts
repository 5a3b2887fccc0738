/** Unix sockets, which only tests with every permission may open. */
import { assertEquals } from "@std/assert";
import { type Place, socketOf } from "../../boot/place.ts";
import { SocketSiblings } from "../../boot/siblings.ts";
import type { Answers } from "../../core/operations/siblings.ts";

const PLACE: Place = { number: 2, count: 3, folder: "/tmp/dit-x", isFirst: false };

function answersOf(reason: string | null): Answers {
  const exposition = {
    counts: new Map([["demo", new Map([["tokens", 12]])]]),
    durations: { bounds: [1], routes: new Map() },
    gauges: [{ name: "g", help: "h", samples: [{ labels: {}, value: 1 }] }],
  };
  return {
    metrics: () => Promise.resolve(exposition),
    ready: () => Promise.resolve(reason),
    minutes: () => Promise.resolve(new Map([[7, exposition.counts]])),
  };
}

Deno.test("processes ask each other over their sockets; one is away, and one is silent", async () => {
  const folder = await Deno.makeTempDir();
  const [first, second] = [1, 2].map((number) =>
    new SocketSiblings({ ...PLACE, number, count: 4, folder }, { patienceMs: 200 })
  ) as [SocketSiblings, SocketSiblings];
  first.listen(answersOf(null));
  second.listen(answersOf("store_unavailable"));
  // It takes connections, and nothing else.
  const silent = Deno.listen({ transport: "unix", path: socketOf({ count: 4, folder }, 3) });
  const ready = await first.ask("ready");
  assertEquals([...ready], [
    ["2", { kind: "told", told: "store_unavailable" }],
    ["3", { kind: "silent" }],
    ["4", { kind: "away" }],
  ]);
  const metrics = (await second.ask("metrics")).get("1");
  assertEquals(metrics?.kind === "told" && metrics.told.counts.get("demo")?.get("tokens"), 12);
  const minutes = (await second.ask("minutes")).get("1");
  assertEquals(minutes?.kind === "told" && [...minutes.told.keys()], [7]);
  silent.close();
  await Deno.remove(socketOf({ count: 4, folder }, 3)).catch(() => {});
  first.close();
  assertEquals((await second.ask("metrics")).get("1"), { kind: "away" });
  second.close();
  // The last one took the folder away.
  assertEquals(await Deno.stat(folder).then(() => true, () => false), false);
});

Deno.test("a process takes the socket of one before it that was killed", async () => {
  const folder = await Deno.makeTempDir();
  const path = socketOf({ count: 2, folder }, 1);
  await Deno.writeTextFile(path, "left behind");
  const [first, second] = [1, 2].map((number) =>
    new SocketSiblings({ ...PLACE, number, count: 2, folder })
  ) as [SocketSiblings, SocketSiblings];
  first.listen(answersOf(null));
  assertEquals([...await second.ask("ready")], [["1", { kind: "told", told: null }]]);
  first.close();
});
