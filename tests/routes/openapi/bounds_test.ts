/** Each bound that the OpenAPI document tells is the bound that the service enforces: one within, one beyond, for all. */
import { assert, assertEquals } from "@std/assert";
import { toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { BATCH_REQUEST_TYPE } from "../../../core/token/batch.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { LOG_BATCH_TYPE } from "../../../core/token/log_batch.ts";
import type { DescribedOperation } from "../../../routes/openapi/describe.ts";
import { apiDocument } from "../../../routes/openapi/document.ts";
import { present } from "../../support/base/present.ts";
import { ADMIN_TOKEN, OPERATED } from "../../support/browser/console_browser.ts";
import { signLog, type Token, tokensOf } from "../../support/client/protocol_client.ts";
import { configOf, systemRandom, type TestService, withService } from "../../support/service/service.ts";

const SERVICE_TOKEN = "a service token of tests, long enough".replaceAll(" ", "-");
const USES = 64;
/** Not the most that any application may have. */
const MAX_BATCH = 32;
const CONFIG = configOf({
  notes: {
    maxBatch: MAX_BATCH,
    usesPerToken: USES,
    tokensPerClient: 4,
    serviceTokenSha256: tokenDigest(SERVICE_TOKEN).toHex(),
  },
});

type DescribedBody = NonNullable<DescribedOperation["requestBody"]>;

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** A value at a place, on this side of a bound or beyond it; undefined leaves the member out. */
interface Probe {
  readonly at: readonly (string | number)[];
  readonly value: unknown;
  readonly within: boolean;
}

/** What is within and beyond each bound of a schema, for a body that is within all of them. */
function probesOf(schema: Schema, sample: unknown, at: readonly (string | number)[] = []): Probe[] {
  const probes: Probe[] = [];
  const probe = (within: unknown, beyond: unknown) =>
    probes.push({ at, value: within, within: true }, { at, value: beyond, within: false });
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  if (minimum !== undefined) probe(minimum, minimum - 1);
  if (maximum !== undefined) probe(maximum, maximum + 1);
  if (minLength !== undefined) probe("x".repeat(minLength), "x".repeat(minLength - 1));
  if (maxLength !== undefined) probe("x".repeat(maxLength), "x".repeat(maxLength + 1));
  const characters = Number(/^\^\[A-Za-z0-9_-\]\{(\d+)\}\$$/.exec(schema.pattern ?? "")?.[1] ?? NaN);
  if (!isNaN(characters)) {
    // Of as many bytes as so many characters hold.
    const text = toBase64url(new Uint8Array(Math.floor(characters * 3 / 4)));
    assertEquals(text.length, characters);
    probe(text, text.slice(1));
    probe(text, `${text}A`);
  }
  if (Array.isArray(sample)) {
    if (minItems !== undefined) probe(Array(minItems).fill(sample[0]), Array(minItems - 1).fill(sample[0]));
    if (maxItems !== undefined) probe(Array(maxItems).fill(sample[0]), Array(maxItems + 1).fill(sample[0]));
    return [...probes, ...probesOf(schema.items ?? {}, sample[0], [...at, 0])];
  }
  if (typeof sample !== "object" || sample === null) return probes;
  // Whether an optional member has to be there may hang on the application.
  const required = schema.required ?? [];
  for (const [name, value] of Object.entries(sample)) {
    if (required.includes(name)) probes.push({ at: [...at, name], value: undefined, within: false });
    probes.push(...probesOf(schema.properties?.[name] ?? {}, value, [...at, name]));
  }
  if (schema.additionalProperties === false) probes.push({ at: [...at, "more"], value: 1, within: false });
  return probes;
}

/** A sample with the probe's value in its place. */
function probed(sample: unknown, { at: [name, ...rest], ...probe }: Probe): unknown {
  if (name === undefined) return probe.value;
  if (Array.isArray(sample)) {
    return sample.map((one, index) => index === name ? probed(one, { ...probe, at: rest }) : one);
  }
  const members = sample as Record<string, unknown>;
  return { ...members, [name]: probed(members[name], { ...probe, at: rest }) };
}

const bytesOf = (length: number) => toBase64url(new Uint8Array(length).fill(1));

function transcribedUse() {
  return { key: bytesOf(32), nonce: bytesOf(32), use: 1, mac: bytesOf(32), transcript: bytesOf(100) };
}

/** A body of each operation that takes JSON, within all bounds. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  "post /v1/apps/{app}/logs": {
    salt: bytesOf(16),
    pseudonym: bytesOf(16),
    binding: bytesOf(32),
    pad: "",
    events: [{ name: "note_saved", at: "2027-01-15T10:00:00Z", fields: { ok: true } }],
  },
  "post /acs/v1/apps/{app}/redeem": transcribedUse(),
  "post /acs/v1/apps/{app}/redeemed": transcribedUse(),
  "post /admin/v1/keys/reseal": { reason: "r" },
  "post /admin/v1/apps/{app}/stores/unpin": { store: bytesOf(16), reason: "r" },
  "post /admin/v1/audit": { reason: "r" },
  "post /admin/v1/apps/{app}/keys/rotate": { key: { epoch: 1, generation: 1 }, reason: "r" },
  "post /admin/v1/apps/{app}/keys/replace": { "least-generation": 1, reason: "r" },
  "post /admin/v1/time/confirm": { seconds: 1, reason: "r" },
  "post /admin/v1/apps/{app}/keys/revoke": { epoch: 1, "through-generation": 1, reason: "r" },
  "post /admin/v1/apps/{app}/risk/lift": { event: "note_saved", field: "ok", reason: "r" },
  "post /admin/v1/apps/{app}/releases/{day}": { early: true },
};

/** Sends bodies as callers do who may. */
class Caller {
  readonly #test: TestService;
  readonly #session: string;
  readonly #tokens: readonly Token[];
  #uses = 0;

  private constructor(test: TestService, session: string, tokens: readonly Token[]) {
    this.#test = test;
    this.#session = session;
    this.#tokens = tokens;
  }

  static async of(test: TestService): Promise<Caller> {
    return new Caller(test, await test.signIn("alice"), await tokensOf(test, { count: 4 }));
  }

  /** The code of a refusal; `ok` where it is none. */
  async send(name: string, type: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
    const path = name.replace("post ", "").replace("{app}", "notes").replace("{day}", "2027-01-14");
    const response = await this.#test.send(path, this.#request(path, type, body));
    const text = await response.text();
    return response.ok ? "ok" : JSON.parse(text).code;
  }

  #request(path: string, type: string, body: Uint8Array<ArrayBuffer>): RequestInit {
    if (type === LOG_BATCH_TYPE) return { method: "POST", headers: { "content-type": type }, body };
    if (path.endsWith("/logs")) {
      const use = this.#uses++;
      return signLog(present(this.#tokens[Math.floor(use / USES)]), { use: use % USES, body });
    }
    const token = path.startsWith("/acs/")
      ? SERVICE_TOKEN
      : path.startsWith("/admin/")
      ? ADMIN_TOKEN
      : this.#session;
    const client = path.endsWith("/evaluate") ? { "dit-client": "somebody" } : {};
    const headers = { authorization: `Bearer ${token}`, "content-type": type, ...client };
    return { method: "POST", headers, body };
  }
}

async function withCaller(run: (test: TestService, caller: Caller) => Promise<void>): Promise<void> {
  await withService({ ...OPERATED, config: CONFIG }, async (test) => await run(test, await Caller.of(test)));
}

/** The most bytes that a body may have: for all, or as the sentence reckons them for the application of the tests. */
function mostBytesOf({ description, "x-max-bytes": maxBytes }: DescribedBody): number {
  if (maxBytes !== undefined) return maxBytes;
  const [, start, each] =
    /At most (\d+) bytes, and (\d+) for each of the application's `max-batch` elements\.$/.exec(
      description,
    ) ?? [];
  return Number(start) + Number(each) * MAX_BATCH;
}

/** Every body that the document of a service takes. */
function bodiesOf(test: TestService) {
  return Object.entries(apiDocument(test.app).paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) => {
      if (requestBody === undefined) return [];
      return Object.entries(requestBody.content ?? {}).map(([type, { schema, "x-max-bytes": ofType }]) => ({
        name: `${method} ${path}`,
        type,
        schema: schema as Schema | undefined,
        maxBytes: ofType ?? mostBytesOf(requestBody),
      }));
    })
  );
}

Deno.test("every bound within a body that the document tells is the bound that is enforced", async () => {
  await withCaller(async (test, caller) => {
    const described = bodiesOf(test).flatMap(({ schema, ...body }) =>
      schema === undefined ? [] : [{ ...body, schema }]
    );
    assertEquals(described.map(({ name }) => name).toSorted(), Object.keys(SAMPLES).toSorted());
    let beyond = 0;
    for (const { name, type, schema } of described) {
      const sample = SAMPLES[name];
      for (const probe of probesOf(schema, sample)) {
        const code = await caller.send(name, type, utf8(JSON.stringify(probed(sample, probe))));
        const what = `${name} ${probe.at.join("/")}: ${JSON.stringify(probe.value)?.slice(0, 60)} is ${code}`;
        assertEquals(code !== "body_malformed", probe.within, what);
        if (!probe.within) beyond++;
      }
    }
    assert(beyond > 40, `${beyond} values beyond a bound were sent`);
  });
});

Deno.test("the most bytes of a body that the document tells are those that are taken", async () => {
  await withCaller(async (test, caller) => {
    const bodies = bodiesOf(test);
    assert(bodies.length > 8);
    for (const { name, type, maxBytes } of bodies) {
      const sample = SAMPLES[name] === undefined ? systemRandom(8) : utf8(JSON.stringify(SAMPLES[name]));
      for (const [bytes, refused] of [[maxBytes, false], [maxBytes + 1, true]] as const) {
        const body = new Uint8Array(bytes).fill(0x20);
        body.set(sample);
        assertEquals(
          await caller.send(name, type, body) === "body_too_large",
          refused,
          `${name} of ${bytes} bytes`,
        );
      }
    }
  });
});

Deno.test("parts of a path and headers are bounded as the document tells", async () => {
  await withCaller(async (test) => {
    const document = apiDocument(test.app);
    const patternOf = (path: string, method: string, name: string) => {
      const found = document.paths[path]?.[method]?.parameters?.find((one) => one.name === name);
      return new RegExp(String(present(found).schema.pattern));
    };
    const client = patternOf("/acs/v1/apps/{app}/evaluate", "post", "dit-client");
    for (const value of ["x", "x".repeat(128), "x".repeat(129), "a b", ""]) {
      const headers = {
        authorization: `Bearer ${SERVICE_TOKEN}`,
        "content-type": BATCH_REQUEST_TYPE,
        "dit-client": value,
      };
      const response = await test.send("/acs/v1/apps/notes/evaluate", { method: "POST", headers, body: "x" });
      const { code } = await response.json();
      assertEquals(code !== "body_malformed", client.test(value), value);
    }
    const day = patternOf("/admin/v1/apps/{app}/logs/{day}", "get", "day");
    for (const value of ["2027-01-14", "2028-02-29", "2027-02-29", "2027-1-14", "20270114", "today"]) {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const response = await test.send(`/admin/v1/apps/notes/logs/${value}`, { headers });
      await response.body?.cancel();
      assertEquals(response.status === 200, day.test(value), value);
    }
  });
});
