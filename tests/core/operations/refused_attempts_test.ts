import { assertEquals, assertRejects } from "@std/assert";
import { Refusal, type RefusalCode } from "../../../core/base/errors.ts";
import type { Action } from "../../../core/operations/audit_log.ts";
import { RefusedAttempts } from "../../../core/operations/refused_attempts.ts";

function makeAttempts(append?: () => Promise<never>) {
  const clock = { seconds: 3_600 };
  const entries: Action[] = [];
  const attempts = new RefusedAttempts({
    now: () => clock.seconds,
    auditLog: {
      append: append ?? ((content) => {
        entries.push(content as Action);
        return Promise.resolve(undefined as never);
      }),
    },
  });
  const attempt = async (name: string, action: string, code: RefusalCode = "role_insufficient") => {
    const error = await assertRejects(
      () =>
        attempts.during({ name, via: "api" }, action, () => {
          throw new Refusal(code, "No.");
        }),
      Refusal,
    );
    assertEquals(error.code, code);
  };
  return { attempts, attempt, entries, clock };
}

Deno.test("what may be done writes nothing, and what may not says who attempted what", async () => {
  const { attempts, attempt, entries } = makeAttempts();
  assertEquals(await attempts.during({ name: "token:reader", via: "api" }, "POST x", () => 7), 7);
  assertEquals(entries, []);
  await attempt("token:reader", "POST x");
  await attempt("token:reader", "POST y", "app_unknown");
  await attempt("token:reader", "POST z", "store_unavailable");
  assertEquals(entries.map(({ operator, action, refused }) => [operator, action, refused]), [
    ["token:reader", "POST x", "role_insufficient"],
    ["token:reader", "POST y", "app_unknown"],
  ]);
});

Deno.test("a flood writes no more than a few entries an hour, and hides nobody else's attempt", async () => {
  const { attempt, entries, clock } = makeAttempts();
  for (let times = 0; times < 500; times++) await attempt("sub:7", "POST x");
  assertEquals(entries.length, 1);
  for (let number = 0; number < 500; number++) await attempt("sub:7", `POST ${number}`);
  assertEquals(entries.length, 10);
  const last = "Whatever else they attempt to change in this hour is not written down.";
  assertEquals(entries.at(-1)?.details, last);
  await attempt("email:bob@example.com", "POST x");
  assertEquals(entries.length, 11);
  for (let number = 0; number < 500; number++) await attempt(`sub:${number}`, "sign in");
  assertEquals(entries.length, 111);
  const lastOfAll = "Whatever else anybody attempts to see in this hour is not written down.";
  assertEquals(entries.at(-1)?.details, lastOfAll);
  // Whoever looks about has nobody's change forgotten, and not their own.
  await attempt("sub:8", "POST x");
  assertEquals(entries.length, 112);
  for (let number = 0; number < 500; number++) await attempt(`sub:${number}`, "POST y");
  assertEquals(entries.length, 200);
  clock.seconds += 3_600;
  await attempt("sub:7", "POST x");
  assertEquals(entries.length, 201);
});

Deno.test("an attempt that cannot be written down is refused all the same, and written the next time", async () => {
  let tries = 0;
  const { attempt } = makeAttempts(() => {
    tries++;
    return Promise.reject(new Refusal("store_unavailable", "The store is away."));
  });
  await attempt("token:reader", "POST x");
  await attempt("token:reader", "POST x");
  assertEquals(tries, 2);
});
