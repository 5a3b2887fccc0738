// The SDK's tests that are the same in Deno, Node and Bun, against a real service behind a proxy that meddles
// (fault_proxy.ts): `suite.mjs {proxy} {folder} {first level}`. One line of JSON a test.
// deno-lint-ignore-file no-console
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { DitClient, MemoryStorage } from "@dit/client";
import { FileStorage } from "@dit/client/storage_file";

const [proxy, folder, first] = process.argv.slice(2);
let level = Number(first);
let run = 0;

/** A client of a user of its own behind a fault, and what it told. */
function make(plan = "none.none.0", options = {}) {
  const id = `${first}-${run++}`;
  const client = new DitClient({
    endpoint: `${proxy}/${id}/${plan}`,
    app: "demo",
    delaySeconds: 2_000_000, // Nothing is sent before a test says so.
    session: async () => await (await fetch(`${proxy}/session/${id}`)).text(),
    ...options,
  });
  const told = { sent: [], dropped: [], issued: [], refused: [], stopped: [] };
  for (const name of Object.keys(told)) client.on(name, (event) => told[name].push(event));
  return { client, told };
}

/** Logs an event that is known among all others by its level. */
function log({ client }) {
  client.log("volume_changed", { level });
  return level++;
}

/** How often each of some levels was stored. */
async function countStored(levels) {
  const all = await (await fetch(`${proxy}/stored`)).json();
  return levels.map((one) => all.filter((other) => other === one).length);
}

/** Passes until nothing waits: the backoff is skipped, as an app does that has come online. */
async function settle({ client }) {
  for (let pass = 0; pass < 8; pass++) {
    await client.flush();
    const { waiting, bound } = await client.inspect();
    if (waiting.length + bound.length === 0) return;
  }
  assert.fail("something still waits");
}

const tests = {
  async "a log arrives, and one token serves the next ones"() {
    const made = make();
    const levels = [];
    for (let index = 0; index < 3; index++) {
      levels.push(log(made));
      await made.client.flush();
    }
    assert.deepEqual(made.told.issued, [{ tokens: 1 }]);
    assert.deepEqual(made.told.sent, Array(3).fill({ events: 1, replayed: false }));
    assert.equal((await made.client.inspect()).usesLeft, 61);
    assert.deepEqual(await countStored(levels), [1, 1, 1]);
    await made.client.close();
  },
  async "tokens, queue and pseudonym survive the client in a file"() {
    const storage = () => new FileStorage(`${folder}/survives.json`);
    const one = make(undefined, { storage: storage() });
    const levels = [log(one)];
    await one.client.flush();
    const { pseudonym } = await one.client.inspect();
    levels.push(log(one));
    await one.client.close();
    const other = make(undefined, { storage: storage() });
    assert.deepEqual((await other.client.inspect()).waiting.map(({ fields }) => fields.level), [levels[1]]);
    await other.client.flush();
    assert.deepEqual(other.told.issued, []);
    assert.equal((await other.client.inspect()).pseudonym, pseudonym);
    assert.deepEqual(await countStored(levels), [1, 1]);
    await other.client.close();
  },
  async "a hundred events go out compressed, in one body"() {
    const made = make();
    const levels = Array.from({ length: 100 }, () => log(made));
    await made.client.flush();
    assert.deepEqual(made.told.sent, [{ events: 100, replayed: false }]);
    assert.deepEqual(await countStored(levels), Array(100).fill(1));
    await made.client.close();
  },
  async "opting out leaves nothing but itself in the file, and sends nothing"() {
    const path = `${folder}/opted_out.json`;
    const made = make(undefined, { storage: new FileStorage(path) });
    log(made);
    await made.client.flush();
    const levels = [log(made)];
    await made.client.setOptOut(true);
    log(made);
    await made.client.flush();
    assert.deepEqual(made.told.stopped, [{ reason: "opted_out" }]);
    assert.equal(await made.client.inspect(), undefined);
    await made.client.close();
    assert.deepEqual(JSON.parse(await readFile(path, "utf8")), [["opted-out", "1"]]);
    assert.deepEqual(await countStored(levels), [0]);
  },
  async "a reset pseudonym is another one, with another token"() {
    const made = make();
    log(made);
    await made.client.flush();
    const before = await made.client.inspect();
    await made.client.resetPseudonym();
    log(made);
    await made.client.flush();
    const after = await made.client.inspect();
    assert.notEqual(before.pseudonym, after.pseudonym);
    assert.deepEqual([made.told.issued.length, after.usesLeft], [2, 63]);
    await made.client.close();
  },
  async "inspect() shows what is sent, and what cannot be sent is dropped with its reason"() {
    const made = make();
    made.client.log("no_such_event", {});
    made.client.log("volume_changed", { level: 1.5 });
    made.client.log("volume_changed", { level: {} });
    made.client.log("volume_changed");
    log(made);
    await made.client.flush();
    const reasons = made.told.dropped.map(({ reason }) => reason).sort();
    assert.deepEqual(reasons, ["event_unknown", "field_invalid", "field_invalid", "field_invalid"]);
    assert.equal(made.told.sent.length, 1);
    await made.client.close();
    log(made);
    assert.equal(made.told.dropped.at(-1).reason, "closed");
  },
  async "two clients that share a file share its token, and double nothing"() {
    const path = `${folder}/shared.json`;
    // One user's: a request for tokens that is under way serves one account alone.
    const session = async () => await (await fetch(`${proxy}/session/${first}-shared`)).text();
    const made = [0, 1].map(() => make(undefined, { storage: new FileStorage(path), session }));
    const levels = [];
    for (let round = 0; round < 4; round++) {
      levels.push(...made.map(log));
      await Promise.all(made.map(({ client }) => client.flush()));
    }
    for (const one of made) await settle(one);
    assert.equal(made.flatMap(({ told }) => told.issued).length, 1);
    assert.deepEqual(await countStored(levels), levels.map(() => 1));
    for (const { client } of made) await client.close();
  },
};

const FAULTS = [
  "request_lost",
  "answer_lost",
  "doubled",
  "answer_cut",
  "proxy_error",
  "unavailable_after",
  "request_cut",
  "delayed",
];
for (const step of ["schema", "keys", "tokens", "logs"]) {
  for (const fault of FAULTS) {
    tests[`a log arrives exactly once, whose ${step} request meets ${fault} twice`] = async () => {
      const made = make(`${step}.${fault}.2`);
      const levels = [log(made)];
      await made.client.flush();
      levels.push(log(made));
      await settle(made);
      assert.deepEqual(await countStored(levels), [1, 1]);
      assert.deepEqual(made.told.dropped, []);
      await made.client.close();
    };
  }
}

for (const forgery of ["wrong_proof", "wrong_evaluation", "wrong_length", "endless"]) {
  tests[`no token is kept of an answer with ${forgery}`] = async () => {
    const storage = new MemoryStorage();
    const deceived = make(`tokens.${forgery}.1000`, { storage });
    const levels = [log(deceived)];
    await deceived.client.flush();
    assert.deepEqual(deceived.told.issued, []);
    assert.equal(deceived.told.refused[0].code, forgery === "endless" ? "no_answer" : "not_verified");
    const tokens = await storage.transaction((entries) => entries.keys("token/"));
    assert.deepEqual(tokens, []);
    await deceived.client.close();
    const honest = make(undefined, { storage });
    await settle(honest);
    assert.deepEqual(await countStored(levels), [1]);
    await honest.client.close();
  };
}

for (const [name, test] of Object.entries(tests)) {
  let error;
  try {
    await test();
  } catch (thrown) {
    error = thrown.stack;
  }
  console.log(JSON.stringify({ name, error }));
}
