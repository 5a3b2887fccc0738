import { assertEquals } from "@std/assert";
import { consoleKey } from "../../edge/auth/console_sessions.ts";
import { readOperators, scopeMistakes } from "../../boot/operator_settings.ts";

const DIGEST = "ab".repeat(32);
const OTHER = "cd".repeat(32);
const THIRD = "c".repeat(64);
const PROVIDER = {
  DIT_OIDC_ISSUER: "https://login.example/realms/ops",
  DIT_OIDC_CLIENT_ID: "dit",
  DIT_OIDC_ADMINS: "email:alice@example.com, email:bob@example.com,",
};

function read(values: Record<string, string>, development = false) {
  const mistakes: string[] = [];
  return { mistakes, operators: readOperators((name) => values[name], development, mistakes) };
}

Deno.test("readOperators() knows nobody where nothing is set", () => {
  const { operators, mistakes } = read({});
  assertEquals(operators, {
    adminTokenSha256: undefined,
    readerTokenSha256: undefined,
    analystTokenSha256: undefined,
    tokenScopes: {},
    oidc: undefined,
  });
  assertEquals(mistakes, []);
});

Deno.test("readOperators() reads tokens and the identity provider", () => {
  const { operators, mistakes } = read({
    DIT_ADMIN_TOKEN_SHA256: DIGEST.toUpperCase(),
    DIT_READER_TOKEN_SHA256: OTHER,
    DIT_ANALYST_TOKEN_SHA256: THIRD,
    DIT_OIDC_ANALYSTS: "group:analysts",
    ...PROVIDER,
    DIT_OIDC_CLIENT_SECRET: "secret",
    DIT_OIDC_READERS: "*",
  });
  assertEquals(mistakes, []);
  assertEquals(operators, {
    adminTokenSha256: Uint8Array.fromHex(DIGEST),
    readerTokenSha256: Uint8Array.fromHex(OTHER),
    analystTokenSha256: Uint8Array.fromHex(THIRD),
    tokenScopes: {},
    oidc: {
      issuer: "https://login.example/realms/ops",
      clientId: "dit",
      clientSecret: "secret",
      entries: [
        { role: "admin", claim: "email", value: "alice@example.com", apps: undefined },
        { role: "admin", claim: "email", value: "bob@example.com", apps: undefined },
        { role: "reader", claim: "*", value: "", apps: undefined },
        { role: "analyst", claim: "group", value: "analysts", apps: undefined },
      ],
    },
  });
});

Deno.test("readOperators() finds every mistake, and repeats no value", () => {
  const mistaken: Record<string, string>[] = [
    { DIT_ADMIN_TOKEN_SHA256: "the token itself" },
    { DIT_READER_TOKEN_SHA256: DIGEST.slice(1) },
    { DIT_ADMIN_TOKEN_SHA256: DIGEST, DIT_READER_TOKEN_SHA256: DIGEST },
    { DIT_ADMIN_TOKEN_SHA256: DIGEST, DIT_ANALYST_TOKEN_SHA256: DIGEST },
    { DIT_READER_TOKEN_SHA256: DIGEST, DIT_ANALYST_TOKEN_SHA256: DIGEST.toUpperCase() },
    { ...PROVIDER, DIT_OIDC_ISSUER: "http://login.example" },
    { ...PROVIDER, DIT_OIDC_ISSUER: "http://localhost:9000" },
    { ...PROVIDER, DIT_OIDC_ISSUER: "https://login.example/?a=b" },
    { ...PROVIDER, DIT_OIDC_ISSUER: "login.example" },
    { ...PROVIDER, DIT_OIDC_CLIENT_ID: "" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "*" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "* for notes" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "alice@example.com" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "email:alice" },
    { ...PROVIDER, DIT_OIDC_READERS: "sub:,subject-7,group:,mail:a@example.com" },
    { ...PROVIDER, DIT_OIDC_ANALYSTS: "Email:alice@example.com" },
    { ...PROVIDER, DIT_OIDC_READERS: "group:notes-team for Notes" },
    { ...PROVIDER, DIT_OIDC_READERS: "sub:x for notes + vault, sub:y" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "group:keepers for" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "group:keepers For notes" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "sub:waits for nobody else" },
    { ...PROVIDER, DIT_OIDC_READERS: "* for notes vault" },
    { DIT_OIDC_READERS: "*" },
    { DIT_OIDC_ADMINS: "email:alice@example.com", DIT_OIDC_ANALYSTS: "group:analysts" },
    { DIT_READER_TOKEN_SHA256: `${DIGEST} for ` },
    { DIT_READER_TOKEN_SHA256: `${DIGEST} for Notes` },
    { ...PROVIDER, DIT_OIDC_ADMINS: " , " },
  ];
  for (const values of mistaken) {
    const { mistakes } = read(values);
    assertEquals(mistakes.length, 1, JSON.stringify(values));
    for (const value of Object.values(values)) {
      if (value.length > 3) assertEquals(mistakes[0]!.includes(value), false, value);
    }
  }
  assertEquals(read({ ...PROVIDER, DIT_OIDC_ISSUER: "http://localhost:9000" }, true).mistakes, []);
});

Deno.test("consoleKey() is another one after any change of the secret or of the operators", () => {
  const settings: Record<string, string>[] = [
    {},
    { DIT_ADMIN_TOKEN_SHA256: DIGEST },
    { DIT_READER_TOKEN_SHA256: DIGEST },
    { DIT_ADMIN_TOKEN_SHA256: OTHER },
    PROVIDER,
    { ...PROVIDER, DIT_OIDC_ADMINS: "email:alice@example.com" },
    { ...PROVIDER, DIT_OIDC_READERS: "email:alice@example.com" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "sub:alice@example.com" },
    { ...PROVIDER, DIT_OIDC_ADMINS: "sub:alice@example.com for notes" },
    { DIT_ADMIN_TOKEN_SHA256: `${DIGEST} for notes` },
    { ...PROVIDER, DIT_OIDC_CLIENT_ID: "other" },
  ];
  const keys = settings.map((values) => consoleKey(new Uint8Array(32), read(values).operators).toHex());
  assertEquals(new Set(keys).size, settings.length);
  assertEquals(keys[4], consoleKey(new Uint8Array(32), read(PROVIDER).operators).toHex());
  assertEquals(keys.includes(consoleKey(new Uint8Array(32).fill(1), read({}).operators).toHex()), false);
});

Deno.test("a bare value of a list is a mistake, whose sentence says what to write and where", () => {
  const { mistakes } = read({ ...PROVIDER, DIT_OIDC_READERS: "sub:7, alice@example.com, group:x, 7" });
  assertEquals(mistakes, [
    "Write email: before an e-mail address, sub: before a subject and group: before a group's name in " +
    "DIT_OIDC_READERS: entries 2, 4 have none of them, or no such value behind it.",
  ]);
});

Deno.test("entries and tokens hold for the applications behind ` for `, and for all without", () => {
  const { mistakes, operators } = read({
    ...PROVIDER,
    DIT_READER_TOKEN_SHA256: `${DIGEST} for notes`,
    DIT_OIDC_READERS: "group:staff for notes+vault, sub:auth0|7 8 for vault, sub:waits, *  for  notes",
  });
  assertEquals(mistakes, []);
  assertEquals(operators.tokenScopes, { reader: new Set(["notes"]) });
  assertEquals(operators.oidc?.entries.slice(2), [
    { role: "reader", claim: "group", value: "staff", apps: new Set(["notes", "vault"]) },
    { role: "reader", claim: "sub", value: "auth0|7 8", apps: new Set(["vault"]) },
    { role: "reader", claim: "sub", value: "waits", apps: undefined },
    { role: "reader", claim: "*", value: "", apps: new Set(["notes"]) },
  ]);
  assertEquals(scopeMistakes(operators, new Map([["notes", 1], ["vault", 1]])), []);
  const unknown = scopeMistakes(operators, new Map([["vault", 1]]));
  assertEquals(unknown.length, 2);
  assertEquals(unknown[0]?.includes("DIT_READER_TOKEN_SHA256"), true);
  assertEquals(unknown[1]?.includes("DIT_OIDC_READERS"), true);
});
