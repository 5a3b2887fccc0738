// deno-lint-ignore-file no-console -- it looks at what the client writes there.
import { assert, assertEquals } from "@std/assert";
import { IDBFactory } from "fake-indexeddb";
import type { StorageChoice } from "../../../client/mod.ts";
import { startService } from "../../support/client/client_service.ts";
import { makeClient } from "../../support/client/client_under_test.ts";

Deno.test("in a folder a client's tokens outlast it, in a file that only its owner reads", async () => {
  const test = await startService();
  const root = await Deno.makeTempDir();
  const folder = `${root}/made/for it`;
  for (const issued of [[{ tokens: 1 }], [], [], [], [], []]) {
    const { client, heard } = makeClient(test, { storage: { folder } });
    client.log("app_opened", {});
    assertEquals((await client.flush()).sent, 1);
    assertEquals(heard.issued, issued);
    assertEquals(await client.close(), { dropped: 0 });
  }
  assertEquals(((await Deno.stat(`${folder}/dit-notes.json`)).mode ?? 0) & 0o777, 0o600);
  await Deno.remove(root, { recursive: true });
  await test.close();
});

Deno.test("a folder that cannot be made is a storage that failed", async () => {
  const test = await startService();
  const file = await Deno.makeTempFile();
  const { client, heard } = makeClient(test, { storage: { folder: `${file}/folder` } });
  client.log("app_opened", {});
  assertEquals((await client.flush()).refused, 1);
  assert(heard.refused.some(({ code }) => code === "storage_failed"));
  await client.close();
  await Deno.remove(file);
  await test.close();
});

Deno.test("without consent no folder is made", async () => {
  const test = await startService();
  const root = await Deno.makeTempDir();
  const { client } = makeClient(test, { storage: { folder: `${root}/x` }, consent: "required" });
  client.log("app_opened", {});
  await client.flush();
  assertEquals([...Deno.readDirSync(root)], []);
  await client.setOptOut(false);
  assertEquals([...Deno.readDirSync(root)].length, 1);
  await client.close();
  await Deno.remove(root, { recursive: true });
  await test.close();
});

Deno.test("memory that nobody asked for is said once, with what it costs", async () => {
  const test = await startService();
  const lines: string[] = [];
  const { warn } = console;
  console.warn = (line) => void lines.push(line);
  try {
    const told: [StorageChoice | undefined, boolean | undefined, number][] = [
      [undefined, undefined, 1],
      [undefined, false, 0],
      ["memory", undefined, 0],
    ];
    for (const [storage, debug, count] of told) {
      lines.length = 0;
      const { client } = makeClient(test, { storage, debug });
      await client.flush();
      await client.setOptOut(true);
      await client.setOptOut(false);
      await client.close();
      assertEquals(lines.filter((line) => line.includes("fifth")).length, count);
    }
  } finally {
    console.warn = warn;
  }
  await test.close();
});

Deno.test("in a browser the default lasts, and nothing is there before consent", async () => {
  const test = await startService();
  const factory = new IDBFactory();
  Object.defineProperty(globalThis, "indexedDB", { value: factory, configurable: true });
  try {
    for (const issued of [[{ tokens: 1 }], []]) {
      const { client, heard } = makeClient(test, { consent: "required", storage: undefined });
      client.log("app_opened", {});
      await client.flush();
      if (issued.length > 0) assertEquals(await factory.databases(), []);
      await client.setOptOut(false);
      client.log("app_opened", {});
      assertEquals((await client.flush()).sent, issued.length > 0 ? 1 : 2);
      assertEquals(heard.issued, issued);
      assertEquals((await factory.databases()).length, 1);
      client.log("app_opened", {});
      assertEquals(await client.close(), { dropped: 0 });
    }
  } finally {
    Reflect.deleteProperty(globalThis, "indexedDB");
  }
  await test.close();
});
