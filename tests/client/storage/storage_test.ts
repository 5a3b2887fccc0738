import { assert, assertEquals, assertRejects } from "@std/assert";
import { IDBFactory } from "fake-indexeddb";
import { browserStorage } from "../../../client/storage/browser.ts";
import type { ClientStorage } from "../../../client/storage/storage.ts";
import { DenoKvStorage } from "../../../client/storage/deno_kv.ts";
import { AsyncStorageAdapter } from "../../../client/storage/async_storage.ts";
import { FileStorage } from "../../../client/storage/file.ts";
import { IndexedDbStorage } from "../../../client/storage/indexed_db.ts";
import { LocalStorage } from "../../../client/storage/local.ts";
import { MemoryStorage } from "../../../client/storage/memory.ts";
import { present } from "../../support/base/present.ts";

/** A place of storage: each call of `open` is another client, tab or process that shares it. */
interface Place {
  readonly open: () => ClientStorage;
  readonly close: () => Promise<void>;
}

/** What `localStorage` has that a client uses. */
type TextStorage = Pick<Storage, "getItem" | "setItem">;

/** Makes a storage on a platform that has `value` under `name`. */
function onPlatform<T>(name: "indexedDB" | "localStorage", value: unknown, make: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { configurable: true, value });
  try {
    return make();
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, name);
    else Object.defineProperty(globalThis, name, before);
  }
}

const indexedDbStorage = (factory: unknown) =>
  onPlatform("indexedDB", factory, () => new IndexedDbStorage("dit"));

const localStorageOf = (texts: TextStorage) =>
  onPlatform("localStorage", texts, () => new LocalStorage("dit"));

function textStorage(): TextStorage {
  const texts = new Map<string, string>();
  return { getItem: (key) => texts.get(key) ?? null, setItem: (key, text) => void texts.set(key, text) };
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  MemoryStorage: () => {
    const storage = new MemoryStorage();
    return Promise.resolve({ open: () => storage, close: () => storage.close() });
  },
  AsyncStorageAdapter: () => {
    const items = new Map<string, string>();
    // As React Native's: each item is there some turns later.
    const texts = {
      getItem: async (name: string) => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        return items.get(name) ?? null;
      },
      setItem: async (name: string, text: string) => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        items.set(name, text);
      },
    };
    const storage = new AsyncStorageAdapter(texts, "client");
    return Promise.resolve({ open: () => storage, close: () => storage.close() });
  },
  FileStorage: async () => {
    const folder = await Deno.makeTempDir();
    return {
      open: () => new FileStorage(`${folder}/client.json`),
      close: () => Deno.remove(folder, { recursive: true }),
    };
  },
  DenoKvStorage: async () => {
    const kv = await Deno.openKv(":memory:");
    return { open: () => new DenoKvStorage(kv), close: () => Promise.resolve(kv.close()) };
  },
  IndexedDbStorage: () => {
    const factory = new IDBFactory();
    return Promise.resolve({
      open: () => indexedDbStorage(factory),
      close: () => Promise.resolve(),
    });
  },
  LocalStorage: () => {
    const texts = textStorage();
    return Promise.resolve({
      open: () => localStorageOf(texts),
      close: () => Promise.resolve(),
    });
  },
};

const dump = (storage: ClientStorage) =>
  storage.transaction((entries) => entries.keys("").map((key) => [key, entries.get(key)]));

for (const [name, makePlace] of Object.entries(PLACES)) {
  Deno.test(`${name} keeps what a transaction wrote, for everybody`, async () => {
    const place = await makePlace();
    const one = place.open();
    const result = await one.transaction((entries) => {
      entries.set("b/2", "two");
      entries.set("b/1", "one");
      entries.set("a", "gone");
      entries.delete("a");
      return entries.keys("b/");
    });
    assertEquals(result, ["b/1", "b/2"]);
    const other = place.open();
    assertEquals(await dump(other), [["b/1", "one"], ["b/2", "two"]]);
    await other.transaction((entries) => {
      entries.delete("b/1");
      entries.set("b/2", "new");
    });
    assertEquals(await dump(one), [["b/2", "new"]]);
    await one.close();
    if (other !== one) await other.close();
    await place.close();
  });

  Deno.test(`${name} writes nothing of a transaction that throws, and goes on`, async () => {
    const place = await makePlace();
    const storage = place.open();
    await storage.transaction((entries) => entries.set("kept", "1"));
    await assertRejects(
      () =>
        storage.transaction((entries) => {
          entries.set("lost", "1");
          entries.delete("kept");
          throw new RangeError("of the client");
        }),
      RangeError,
      "of the client",
    );
    assertEquals(await dump(storage), [["kept", "1"]]);
    await storage.close();
    await place.close();
  });

  Deno.test(`${name} runs transactions of several clients one after the other`, async () => {
    const place = await makePlace();
    const storages = [place.open(), place.open(), place.open()];
    const count = (storage: ClientStorage) =>
      storage.transaction((entries) => entries.set("count", String(Number(entries.get("count") ?? 0) + 1)));
    await Promise.all(Array.from({ length: 60 }, (_, index) => count(present(storages[index % 3]))));
    assertEquals(await dump(present(storages[0])), [["count", "60"]]);
    for (const storage of new Set(storages)) await storage.close();
    await place.close();
  });

  Deno.test(`${name} keeps values of 100,000 characters and replaces them by short ones`, async () => {
    const place = await makePlace();
    const storage = place.open();
    const long = Array.from({ length: 100_000 }, (_, index) => String.fromCharCode(33 + index % 90)).join("");
    await storage.transaction((entries) => entries.set("long", long));
    assertEquals(await dump(storage), [["long", long]]);
    await storage.transaction((entries) => entries.set("long", "short"));
    assertEquals(await dump(storage), [["long", "short"]]);
    await storage.transaction((entries) => entries.delete("long"));
    assertEquals(await dump(storage), []);
    await storage.close();
    await place.close();
  });

  Deno.test(`${name} that one client has closed serves another one, and one that was at work`, async () => {
    const place = await makePlace();
    const storage = place.open();
    await storage.transaction((entries) => entries.set("kept", "1"));
    const atWork = storage.transaction((entries) => entries.set("late", "1"));
    const closed = storage.close();
    const next = storage.transaction((entries) => entries.set("next", "1"));
    await Promise.all([atWork, closed, next]);
    assertEquals(await dump(storage), [["kept", "1"], ["late", "1"], ["next", "1"]]);
    await storage.close();
    await storage.close();
    await storage.transaction((entries) => entries.set("again", "1"));
    assertEquals((await dump(storage)).length, 4);
    await storage.close();
    await place.close();
  });

  Deno.test(`${name} deletes 600 entries at once, as an opt-out does`, async () => {
    const place = await makePlace();
    const storage = place.open();
    await storage.transaction((entries) => {
      for (let index = 0; index < 600; index++) entries.set(`event/${index}`, "{}");
    });
    assertEquals((await dump(storage)).length, 600);
    await storage.transaction((entries) => entries.keys("").forEach((key) => entries.delete(key)));
    assertEquals(await dump(storage), []);
    await storage.close();
    await place.close();
  });
}

Deno.test("FileStorage leaves a file that only its owner reads, and nothing beside it", async () => {
  const folder = await Deno.makeTempDir();
  const storage = new FileStorage(`${folder}/client.json`);
  await storage.transaction((entries) => entries.set("device", "secret"));
  await storage.close();
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["client.json"]);
  assertEquals(((await Deno.stat(`${folder}/client.json`)).mode ?? 0) & 0o777, 0o600);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("FileStorage counts a file that it did not write as lost", async () => {
  const path = await Deno.makeTempFile();
  for (const garbage of ['[["device","sec', "", "{}", "7", "[1]"]) {
    await Deno.writeTextFile(path, garbage);
    const storage = new FileStorage(path);
    assertEquals(await dump(storage), []);
    await storage.transaction((entries) => entries.set("device", "new"));
    assertEquals(await dump(storage), [["device", "new"]]);
  }
  await Deno.remove(path);
});

Deno.test("FileStorage that was stopped until another took its lock does not undo what that one wrote", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/client.json`;
  const storage = new FileStorage(path);
  let runs = 0;
  await storage.transaction((entries) => {
    entries.set("mine", "1");
    if (runs++ > 0) return;
    // The process sleeps here; another one finds the lock stale, takes it, writes, and lets go.
    Deno.removeSync(`${path}.lock`);
    Deno.writeTextFileSync(path, '[["theirs","1"]]');
  });
  assertEquals([runs, await dump(storage)], [2, [["mine", "1"], ["theirs", "1"]]]);
  // The lock of another one is not taken away either.
  const busy = storage.transaction((entries) => {
    entries.set("mine", "2");
    if (runs++ === 2) Deno.writeTextFileSync(`${path}.lock`, "theirs");
  });
  while (runs < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals([runs, await Deno.readTextFile(`${path}.lock`)], [3, "theirs"]);
  await Deno.remove(`${path}.lock`);
  await busy;
  assertEquals([runs, await dump(storage)], [4, [["mine", "2"], ["theirs", "1"]]]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("FileStorage passes the lock of a dead process", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/client.json`;
  await Deno.writeTextFile(`${path}.lock`, "");
  const old = new Date(Date.now() - 60_000);
  await Deno.utime(`${path}.lock`, old, old);
  const storage = new FileStorage(path);
  assertEquals(await dump(storage), []);
  await storage.transaction((entries) => entries.set("device", "new"));
  assertEquals(await dump(storage), [["device", "new"]]);
  await storage.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("FileStorage passes a dead process's lock of the future, whose time never comes", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/client.json`;
  await Deno.writeTextFile(`${path}.lock`, "somebody");
  const future = new Date(Date.now() + 86_400_000);
  await Deno.utime(`${path}.lock`, future, future);
  const { setTimeout } = globalThis;
  // Whoever waits looks again at once.
  globalThis.setTimeout = ((run: () => void) => setTimeout(run, 0)) as typeof setTimeout;
  try {
    const storage = new FileStorage(path);
    await storage.transaction((entries) => entries.set("device", "new"));
    assertEquals(await dump(storage), [["device", "new"]]);
    await storage.close();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("IndexedDbStorage goes on after its database was deleted, and is in nobody's way", async () => {
  const factory = new IDBFactory();
  const storage = indexedDbStorage(factory);
  await storage.transaction((entries) => entries.set("device", "old"));
  // This waits for every connection to end.
  await new Promise<void>((resolve, reject) => {
    const request = factory.deleteDatabase("dit");
    request.onsuccess = () => resolve();
    request.onblocked = () => reject(new Error("the storage is in the way"));
  });
  assertEquals(await dump(storage), []);
  await storage.transaction((entries) => entries.set("device", "new"));
  assertEquals(await dump(storage), [["device", "new"]]);
  await storage.close();
});

Deno.test("IndexedDbStorage waits until a browser has written to the disk: only then may bytes be sent", async () => {
  const opening = new IDBFactory().open("dit");
  await new Promise<void>((resolve) => {
    opening.onupgradeneeded = () => opening.result.createObjectStore("entries");
    opening.onsuccess = () => resolve();
  });
  const database = opening.result;
  const asked: unknown[][] = [];
  const transaction = database.transaction.bind(database);
  database.transaction = (...args: Parameters<typeof transaction>) => {
    asked.push(args);
    return transaction(...args);
  };
  const request = { result: database, onsuccess: () => {} };
  const storage = indexedDbStorage({
    open() {
      setTimeout(() => request.onsuccess(), 0);
      return request;
    },
  });
  await storage.transaction((entries) => entries.set("device", "1"));
  assertEquals(asked, [["entries", "readwrite", { durability: "strict" }]]);
  await storage.close();
});

Deno.test("IndexedDbStorage that could not be opened once is opened later", async () => {
  const factory = new IDBFactory();
  let isDenied = true;
  const storage = indexedDbStorage({
    open(name: string) {
      if (isDenied) throw new DOMException("denied", "SecurityError");
      return factory.open(name);
    },
  });
  await assertRejects(() => dump(storage), DOMException);
  isDenied = false;
  assertEquals(await dump(storage), []);
  await storage.close();
});

Deno.test("LocalStorage passes on that the browser's storage is full, and keeps what it had", async () => {
  const texts = textStorage();
  let isFull = false;
  const full: TextStorage = {
    getItem: (key) => texts.getItem(key),
    setItem(key, text) {
      if (isFull) throw new DOMException("full", "QuotaExceededError");
      texts.setItem(key, text);
    },
  };
  const storage = localStorageOf(full);
  await storage.transaction((entries) => entries.set("kept", "1"));
  isFull = true;
  await assertRejects(() => storage.transaction((entries) => entries.set("more", "1")), DOMException);
  assertEquals(await dump(storage), [["kept", "1"]]);
});

Deno.test("browserStorage() falls back to localStorage, and to memory, where the browser denies more", async () => {
  // Deno has localStorage and locks, and no IndexedDB.
  const name = "browser-storage-test";
  const local = await browserStorage(name);
  assert(local instanceof LocalStorage);
  await local.transaction((entries) => entries.set("kept", "1"));
  assertEquals(await dump(await browserStorage(name)), [["kept", "1"]]);
  localStorage.removeItem(name);
  const granted = present(Object.getOwnPropertyDescriptor(globalThis, "localStorage"));
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get() {
      throw new DOMException("denied", "SecurityError");
    },
  });
  try {
    assert(await browserStorage(name) instanceof MemoryStorage);
  } finally {
    Object.defineProperty(globalThis, "localStorage", granted);
  }
});

Deno.test("exclusively() runs one tab's work at a time", async () => {
  const texts = textStorage();
  const tabs = [localStorageOf(texts), localStorageOf(texts)];
  let inside = 0;
  let most = 0;
  await Promise.all(
    tabs.concat(tabs).map((tab) =>
      tab.exclusively(async () => {
        most = Math.max(most, ++inside);
        await tab.transaction((entries) => entries.set("x", "1"));
        inside--;
      })
    ),
  );
  assertEquals(most, 1);
});
