/**
 * The same server without credentials: the same stripping, body, schema, counters, risk sketches, record and group
 * commit, but every log is believed, whoever sends it. It is what the service's price is measured against.
 *
 * @module
 */
import { checkConfig } from "../../core/config/check/check.ts";
import { Counters } from "../../core/operations/counters.ts";
import { Sealer } from "../../core/keys/sealing.ts";
import { RiskMonitor } from "../../core/privacy/risk/monitor.ts";
import { LOG_ROWS } from "../../core/ledger/families.ts";
import { roomInValue } from "../../core/store/limits.ts";
import type { Store } from "../../core/store/store.ts";
import { openStore } from "../../boot/open_store.ts";
import { packRecords } from "../../core/ledger/pack_records.ts";
import { MAX_BODY_BYTES, readBody } from "../../core/schema/body.ts";
import { encodeRecord } from "../../core/schema/record.ts";
import { dayOf } from "../../core/base/time.ts";
import { validateEvents } from "../../core/schema/validate.ts";
import { Admission } from "../../edge/admission/admission.ts";
import { deidentify } from "../../edge/deidentify.ts";
import { storedLog } from "../../edge/log_answer.ts";
import config from "../../tests/faults/config.ts";

const MAX_GROUP = 99;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Puts records into the store in groups, one commit at a time, as the ledger does with its claims. */
class RecordWriter {
  #waiting: { record: Uint8Array; day: number; stored: () => void }[] = [];
  #writing = false;

  readonly #store: Store;
  readonly #app: string;

  constructor(store: Store, app: string) {
    this.#store = store;
    this.#app = app;
  }

  write(record: Uint8Array, day: number): Promise<void> {
    return new Promise((stored) => {
      this.#waiting.push({ record, day, stored });
      if (!this.#writing) this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP);
      const requests = group.map((entry) => ({ ...entry, app: this.#app }));
      await this.#store.commit((operation) => {
        for (const row of packRecords(requests, roomInValue(this.#store.limits), random)) {
          operation.set(LOG_ROWS.key(row.app, row.day, random(12)), row.bytes);
        }
      });
      for (const { stored } of group) stored();
    }
    this.#writing = false;
  }
}

const [port = "", path = ""] = Deno.args;
const deployment = checkConfig(config, { development: true });
const application = deployment.applications.get("load")!;
const store = await openStore(path);
const writer = new RecordWriter(store, application.id);
const sealer = await Sealer.of([random(32)], random);
const risk = new RiskMonitor({ deployment, store, sealer, random });
await risk.open();
const counters = new Counters(() => Math.floor(Date.now() / 1000));
const handle = deidentify({
  handle: () => new Response(null, { status: 404 }),
  async sendLog({ readBody: read }) {
    const body = await read({ maxBytes: MAX_BODY_BYTES });
    const now = Math.floor(Date.now() / 1000);
    const log = readBody(body, "");
    const { accepted, rejected } = validateEvents(
      application.events,
      risk.suppressionsOf(application.id),
      log.events,
      now,
      application.granularitySeconds,
    );
    await writer.write(encodeRecord(log.pseudonym, accepted), dayOf(now));
    counters.logged(application.id, 0, accepted.length, rejected.map(({ code }) => code));
    risk.observe(application.id, log.pseudonym, accepted, now);
    return storedLog({ accepted: accepted.length, rejected, replayed: false });
  },
  admission: new Admission(random, { requestsPerSecond: 1_000_000 }),
  count: (answer) => counters.answered(answer),
  applications: new Set([application.id]),
});
Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen: () => {} },
  (request, { remoteAddr }) => handle(request, "hostname" in remoteAddr ? remoteAddr.hostname : undefined),
);
