import { assert, assertEquals } from "@std/assert";
import { compareSeen } from "../../../client/http/seen_keys.ts";
import { type Directory, type DirectoryKey, keyName } from "../../../client/http/directory.ts";
import { read, SEEN, type SeenKeys, write } from "../../../client/storage/records.ts";
import { Entries } from "../../../client/storage/storage.ts";
import { directory, key, NOW } from "../../support/client/directories.ts";

Deno.test("compareSeen() refuses another value of a name, and remembers nothing of that directory", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "a")), nowSeconds: NOW }),
    undefined,
  );
  const before = entries.get(SEEN);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(2, 0, "b"), key(1, 0, "z")), nowSeconds: NOW }),
    "key_changed",
  );
  assertEquals(entries.get(SEEN), before);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "a"), key(2, 0, "b")), nowSeconds: NOW }),
    undefined,
  );
  // Absent for a while is no way around it.
  assertEquals(compareSeen(entries, { report, directory: directory(), nowSeconds: NOW }), undefined);
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(2, 0, "c")), nowSeconds: NOW }),
    "key_changed",
  );
  assertEquals(told, []);
});

Deno.test("compareSeen() tells of each replacement once", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  compareSeen(entries, { report, directory: directory(key(1, 0, "a")), nowSeconds: NOW });
  compareSeen(entries, { report, directory: directory(key(1, 1, "b")), nowSeconds: NOW });
  compareSeen(entries, { report, directory: directory(key(1, 1, "b")), nowSeconds: NOW });
  assertEquals(told, [["key_replaced", { region: "local", epoch: 1, generation: 1 }]]);
});

Deno.test("compareSeen() forgets a name when its key is over", () => {
  const entries = new Entries(new Map());
  const report = () => {};
  compareSeen(entries, { report, directory: directory(key(1, 0, "a")), nowSeconds: NOW });
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "z")), nowSeconds: NOW + 199 }),
    "key_changed",
  );
  assertEquals(
    compareSeen(entries, { report, directory: directory(key(1, 0, "z")), nowSeconds: NOW + 200 }),
    undefined,
  );
});

Deno.test("compareSeen() tells each time that the endpoints are others than they were, over the ends of keys", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  const see = (loggingEndpoint: string | undefined, nowSeconds: number) =>
    compareSeen(entries, {
      report,
      directory: { ...directory(key(1, 0, "a")), loggingEndpoint },
      nowSeconds,
    });
  const moved = "https://logs.telemetry.example";
  for (const named of [undefined, undefined, moved, moved]) assertEquals(see(named, NOW), undefined);
  assertEquals(see(undefined, NOW + 100_000_000), undefined);
  assertEquals(told, [
    ["endpoints_changed", { issuing: undefined, logging: moved }],
    ["endpoints_changed", { issuing: undefined, logging: undefined }],
  ]);
});

const silent = { report: () => {} };

Deno.test("compareSeen() compares the whole of what was published of a key", () => {
  const entries = new Entries(new Map());
  const one = key(1, 0, "a");
  const see = (changed: Directory) =>
    compareSeen(entries, { ...silent, directory: changed, nowSeconds: NOW });
  assertEquals(see(directory(one)), undefined);
  assertEquals(see(directory({ ...one, redeemUntil: one.redeemUntil + 1 })), "key_changed");
  assertEquals(see(directory({ ...one, tokenType: 1 })), "key_changed");
  assertEquals(see({ ...directory(one), issuer: "client-4711.example" }), "key_changed");
  assertEquals(see({ ...directory(one), epochSeconds: 86_399 }), "key_changed");
  assertEquals(see(directory(one)), undefined);
});

Deno.test("compareSeen() takes another issuer once the keys have ended that were seen under the one before", () => {
  const entries = new Entries(new Map());
  const see = (issuer: string, nowSeconds: number, ...keys: DirectoryKey[]) =>
    compareSeen(entries, { ...silent, directory: { ...directory(...keys), issuer }, nowSeconds });
  assertEquals(see("old.example", NOW, key(1, 0, "a")), undefined);
  const later = { ...key(2, 0, "b"), redeemUntil: NOW + 300 };
  assertEquals(see("new.example", NOW, key(1, 0, "a"), later), "key_changed");
  assertEquals(see("new.example", NOW + 200, later), undefined);
  assertEquals(see("old.example", NOW + 200, later), "key_changed");
});

Deno.test("compareSeen() goes on with what a client of before remembered, by the key's id alone", () => {
  const entries = new Entries(new Map());
  write(entries, SEEN, { "local/1/0": { id: "a", until: NOW + 500 } });
  const see = (seen: DirectoryKey) =>
    compareSeen(entries, { ...silent, directory: directory(seen), nowSeconds: NOW });
  assertEquals(see(key(1, 0, "z")), "key_changed");
  assertEquals(see(key(1, 0, "a")), undefined);
  assertEquals(see({ ...key(1, 0, "a"), tokenType: 1 }), "key_changed");
});

Deno.test("compareSeen() passes over what follows on two replacements, which no client uses", () => {
  const entries = new Entries(new Map());
  const told: unknown[] = [];
  const report = (...event: unknown[]) => void told.push(event);
  for (const id of ["a", "b"]) {
    assertEquals(
      compareSeen(entries, { report, directory: directory(key(1, 3, id)), nowSeconds: NOW }),
      undefined,
    );
  }
  assertEquals([told, namesIn(entries)], [[], []]);
});

function namesIn(entries: Entries): string[] {
  return Object.keys(read<SeenKeys>(entries, SEEN) ?? {}).filter((name) => name !== "endpoints");
}

const DAY = 86_400;

Deno.test("compareSeen() forgets within 18 days what clients of before took of the far future", () => {
  const entries = new Entries(new Map());
  const until = 2 ** 50;
  const far = Array.from({ length: 1023 }, (_, index) => [`local/${30_000 + index}/0`, { id: "a", until }]);
  write(entries, SEEN, Object.fromEntries(far));
  const honest = { ...key(Math.floor(NOW / DAY), 0, "a"), redeemUntil: NOW + 30 * DAY };
  for (const day of [0, 17, 18]) {
    assertEquals(
      compareSeen(entries, { ...silent, directory: directory(honest), nowSeconds: NOW + day * DAY }),
      undefined,
    );
  }
  assertEquals(namesIn(entries), [keyName(honest)]);
});

Deno.test("compareSeen() holds no key for longer than 18 days after it was shown, however long its epoch", () => {
  const entries = new Entries(new Map());
  const see = (id: string, day: number) => {
    const one = { ...key(5, 0, id), redeemUntil: NOW + 540 * DAY };
    const shown = { ...directory(one), epochSeconds: 30 * DAY };
    return compareSeen(entries, { ...silent, directory: shown, nowSeconds: NOW + day * DAY });
  };
  // What is shown all along is held all along.
  for (const day of [0, 10, 20, 30]) assertEquals(see("honest", day), undefined);
  assertEquals(see("other", 47), "key_changed");
  assertEquals(see("other", 48), undefined);
});

Deno.test("compareSeen() remembers nothing of the keys of regions that it does not use", () => {
  const entries = new Entries(new Map());
  const theirs = (id: string) => ({ ...key(1, 0, id), region: "us" });
  for (const id of ["a", "b"]) {
    const shown = directory(key(1, 0, "mine"), theirs(id));
    assertEquals(compareSeen(entries, { ...silent, directory: shown, nowSeconds: NOW }), undefined);
  }
  assertEquals(namesIn(entries), ["local/1/0"]);
});

Deno.test("compareSeen() keeps a bounded number of names, and never locks a client out for those that lies left", () => {
  const entries = new Entries(new Map());
  const epoch = (seconds: number) => Math.floor(NOW / seconds);
  const see = (seen: Directory) => compareSeen(entries, { ...silent, directory: seen, nowSeconds: NOW });
  const honest = directory(key(epoch(DAY), 0, "honest"));
  assertEquals(see(honest), undefined);
  // Another length of the epochs and another region each time: all within their calendar, and as long as can be.
  for (let lie = 0; lie < 40; lie++) {
    const epochSeconds = 2_000_000 + lie;
    const region = `r${lie}`.padEnd(64, "-");
    const keys = Array.from({ length: 16 * 3 }, (_, index) => ({
      ...key(epoch(epochSeconds) + Math.floor(index / 3), index % 3, `${lie} ${index}`),
      region,
      redeemUntil: NOW + 10_000_000,
    }));
    assertEquals(
      see({ ...directory(...keys), region, epochSeconds, issuer: "\u0001".repeat(253) }),
      undefined,
    );
    assert(namesIn(entries).length <= 512);
  }
  assert((entries.get(SEEN) ?? "").length < 131_072);
  assertEquals(see(honest), undefined);
  assertEquals(see(directory(key(epoch(DAY), 0, "another"))), "key_changed");
});
