import { assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { problemResponse } from "../../../edge/http/problem.ts";
import { readRegionAnswer } from "../../../routes/client/region_answer.ts";

function answer(status: number, members: unknown, headers: Record<string, string> = {}): Response {
  const type = status === 200 ? "application/json" : "application/problem+json";
  return new Response(typeof members === "string" ? members : JSON.stringify(members), {
    status,
    headers: { "content-type": type, ...headers },
  });
}

const stored = { accepted: 1, rejected: [{ index: 0, code: "field_unknown", path: "fields.a" }] };
const refused = { type: "about:blank", title: "t", status: 409, code: "use_taken", detail: "Taken." };

async function readRefusal(response: Response): Promise<Refusal> {
  const read = await readRegionAnswer(response);
  if (read instanceof Refusal) return read;
  throw new Error("It was read as stored");
}

Deno.test("readRegionAnswer() reads what a region stored, and whether it had it before", async () => {
  assertEquals(await readRegionAnswer(answer(200, stored)), { ...stored, replayed: false });
  const replayed = answer(200, stored, { "dit-replayed": "?1" });
  assertEquals(await readRegionAnswer(replayed), { ...stored, replayed: true });
});

Deno.test("readRegionAnswer() gives every refusal as the region gave it", async () => {
  const refusals = [
    new Refusal("use_taken", "Taken."),
    new Refusal("overloaded", "Busy.", { retryAfterSeconds: 7 }),
    new Refusal("events_invalid", "None.", { members: { rejected: stored.rejected } }),
    new Refusal("internal", "Something."),
  ];
  for (const refusal of refusals) {
    const read = await readRefusal(problemResponse(refusal));
    assertEquals([read.code, read.message, read.details], [refusal.code, refusal.message, refusal.details]);
  }
});

Deno.test("readRegionAnswer() lets no member of a body pass that the protocol does not have there", async () => {
  const read = await readRefusal(answer(409, { ...refused, status: 200, accepted: 1, who: "alice" }));
  assertEquals(read.details, {});
  for (const after of ["soon", "-1", "0", "1e9", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT", "9".repeat(30)]) {
    const late = await readRefusal(answer(409, refused, { "retry-after": after }));
    assertEquals(late.details, {}, after);
  }
});

Deno.test("readRegionAnswer() takes nothing for an answer whose body is not its status's", async () => {
  const answers: [number, unknown][] = [
    [200, ""],
    [200, "{"],
    [200, "null"],
    [200, "[]"],
    [200, {}],
    [200, { accepted: 1 }],
    [200, { ...stored, status: 409 }],
    [200, { ...stored, code: "use_taken" }],
    [200, { ...stored, replayed: true }],
    [200, { ...stored, accepted: -1 }],
    [200, { ...stored, accepted: "1" }],
    [200, { ...stored, rejected: [{ index: 0, code: "who", path: "" }] }],
    [200, { ...stored, rejected: [{ index: 0, code: "field_unknown", path: "at", value: "alice" }] }],
    [200, refused],
    [409, stored],
    [409, ""],
    [409, "[1]"],
    [409, { ...refused, code: undefined }],
    [409, { ...refused, code: "nothing" }],
    [409, { ...refused, code: "__proto__" }],
    [409, { ...refused, code: "mac_invalid" }],
    [409, { ...refused, code: 409 }],
    [409, { ...refused, detail: undefined }],
    [409, { ...refused, detail: "x".repeat(501) }],
    [409, { ...refused, rejected: "all" }],
    [503, refused],
  ];
  for (const [status, members] of answers) {
    const error = await assertRejects(() => readRegionAnswer(answer(status, members)), Refusal);
    assertEquals(error.code, "store_unavailable", JSON.stringify(members));
  }
});
