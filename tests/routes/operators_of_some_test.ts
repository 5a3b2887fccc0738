/** Operators of some applications: every operation of the API, every role, applications of theirs and of others. */
import { assert, assertEquals } from "@std/assert";
import { mayAs, type OperatorRole, ROLES } from "../../edge/auth/operator_entries.ts";
import { OPERATIONS } from "../../edge/operations/index.ts";
import type { Operation } from "../../edge/operations/operation.ts";
import { ADMIN_TOKEN, ANALYST_TOKEN, OPERATED, READER_TOKEN } from "../support/browser/console_browser.ts";
import {
  configOf,
  type TestService,
  type TestServiceOptions,
  withService,
} from "../support/service/service.ts";

const TOKENS: Readonly<Record<OperatorRole, string>> = {
  admin: ADMIN_TOKEN,
  reader: READER_TOKEN,
  analyst: ANALYST_TOKEN,
};
const LEAST: Partial<Record<NonNullable<Operation["security"]>, OperatorRole>> = {
  adminToken: "admin",
  readerToken: "reader",
  analystToken: "analyst",
};
const OF_OPERATORS = OPERATIONS.filter(({ tag }) => tag === "Operators") as readonly Operation[];
const NOTES = new Set(["notes"]);
const config = configOf({ notes: {}, vault: {} });
const OF_ALL: TestServiceOptions = { ...OPERATED, config };
const OF_NOTES: TestServiceOptions = {
  operators: { ...OPERATED.operators, tokenScopes: { admin: NOTES, reader: NOTES, analyst: NOTES } },
  config,
};

/** Asks for an operation; the code of its refusal by the guard, or `passed`. */
async function ask(test: TestService, { method, path }: Operation, app: string, role: OperatorRole) {
  const asked = path.replace(":app", app).replace(":day", "2027-01-14");
  const headers = { authorization: `Bearer ${TOKENS[role]}` };
  const response = await test.send(asked, { method, headers });
  const { code, detail } = response.status < 400
    ? { code: "", detail: await response.text() }
    : await response.json();
  const isRefused = ["admin_token_invalid", "role_insufficient", "app_unknown"].includes(code);
  return { result: isRefused ? code : "passed", status: response.status, detail };
}

Deno.test("each role may what an operation says, for the applications that it holds for and for no other", async () => {
  assert(OF_OPERATORS.length > 15);
  for (const [options, isOfSome] of [[OF_ALL, false], [OF_NOTES, true]] as const) {
    await withService(options, async (test) => {
      for (const role of ROLES) {
        for (const operation of OF_OPERATORS) {
          const may = mayAs(role, LEAST[operation.security!]!);
          const isOfApp = operation.path.includes(":app");
          for (const app of isOfApp ? ["notes", "vault"] : ["none"]) {
            const isTheirs = !isOfSome || isOfApp && app === "notes" || operation.ofEach === true;
            const expected = isOfApp && !isTheirs
              ? "app_unknown"
              : may && isTheirs
              ? "passed"
              : "role_insufficient";
            const { result } = await ask(test, operation, app, role);
            const { method, path } = operation;
            assertEquals(
              result,
              expected,
              `${role} of ${isOfSome ? "notes" : "all"}: ${method} ${path} ${app}`,
            );
          }
        }
      }
    });
  }
});

Deno.test("an application of others answers as one that there is not", async () => {
  await withService(OF_NOTES, async (test) => {
    for (const operation of OF_OPERATORS.filter(({ path }) => path.includes(":app"))) {
      for (const role of ROLES) {
        assertEquals(await ask(test, operation, "vault", role), await ask(test, operation, "none", role));
      }
    }
    for (const path of ["/admin/v1/apps/vault", "/admin/v1/apps/vault/what", "/admin/v1/apps/vault/keys/x"]) {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const response = await test.send(path, { headers });
      assertEquals([response.status, (await response.json()).code], [404, "app_unknown"], path);
    }
  });
});

Deno.test("lists have what is of one's own applications, and nothing of others", async () => {
  await withService(OF_NOTES, async (test) => {
    const list = OF_OPERATORS.filter(({ ofEach }) => ofEach);
    assertEquals(list.map(({ path }) => path), ["/admin/v1/keys", "/admin/v1/stores", "/admin/v1/joins"]);
    for (const app of ["notes", "vault"]) {
      await test.service.storePins.pin(test.service.appOf(app), "A".repeat(22));
    }
    for (const operation of list) {
      const { detail } = await ask(test, operation, "none", "reader");
      assert(!String(detail).includes("vault"), operation.path);
    }
    for (const path of ["/admin/v1/keys", "/admin/v1/stores"]) {
      const { detail } = await ask(test, list.find((one) => one.path === path)!, "none", "reader");
      assert(detail.includes('"app":"notes"'), path);
    }
  });
  await withService(OF_ALL, async (test) => {
    const { detail } = await ask(
      test,
      OF_OPERATORS.find(({ path }) => path === "/admin/v1/keys")!,
      "",
      "reader",
    );
    assert(detail.includes('"app":"vault"'));
  });
});
