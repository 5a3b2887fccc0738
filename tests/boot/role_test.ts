import { assertEquals } from "@std/assert";
import { readRole } from "../../boot/role.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210==";

function role(env: Record<string, string>) {
  const mistakes: string[] = [];
  const { role, acs } = readRole((name) => env[name], mistakes);
  return { role, acs, mistakes };
}

/** A log server with these variables besides. */
const logs = (env: Record<string, string>) =>
  role({ DIT_ROLE: "logs", DIT_ACS_URL: "https://acs.example", DIT_ACS_TOKEN: TOKEN, ...env });

const BAD_URL = "Set DIT_ACS_URL to the https:// URL of the ACS (http:// only for this machine).";

Deno.test("readRole() has a server do everything where nothing is said", () => {
  assertEquals(role({}), { role: "all", acs: undefined, mistakes: [] });
  assertEquals(role({ DIT_ROLE: "acs", DIT_ACS_URL: "nonsense" }), {
    role: "acs",
    acs: undefined,
    mistakes: [],
  });
  assertEquals(role({ DIT_ROLE: "everything" }).mistakes, [
    "Set DIT_ROLE to all, acs or logs, or leave it out for all.",
  ]);
});

Deno.test("readRole() takes an ACS over https, and over http on this machine only", () => {
  for (
    const [given, read] of [
      ["https://acs.example", "https://acs.example"],
      ["https://acs.example/", "https://acs.example"],
      ["https://acs.example:8443/dit/", "https://acs.example:8443/dit"],
      ["http://127.0.0.1:8001", "http://127.0.0.1:8001"],
      ["http://localhost:8001", "http://localhost:8001"],
      ["http://[::1]:8001", "http://[::1]:8001"],
    ] as const
  ) assertEquals(logs({ DIT_ACS_URL: given }).acs?.url, read);
  for (
    const url of [
      "",
      "acs.example",
      "http://acs.example",
      "http://127.0.0.1.example",
      "ftp://acs.example",
      "https://user:secret@acs.example",
      "https://acs.example?x=1",
      "https://acs.example#x",
    ]
  ) assertEquals(logs({ DIT_ACS_URL: url }).mistakes, [BAD_URL], url);
});

Deno.test("readRole() takes one token for all applications, or one for each", () => {
  assertEquals(logs({}).acs!.tokenOf("notes"), TOKEN);
  const { tokenOf } = logs({ DIT_ACS_TOKEN: `notes:${TOKEN}, vault:${OTHER}` }).acs!;
  assertEquals([tokenOf("notes"), tokenOf("vault"), tokenOf("other")], [TOKEN, OTHER, "none"]);
  for (
    const token of [
      "",
      "short",
      `${TOKEN} ${TOKEN}`,
      `notes:${TOKEN},notes:${OTHER}`,
      `Notes:${TOKEN}`,
      `notes:`,
    ]
  ) {
    const { acs, mistakes } = logs({ DIT_ACS_TOKEN: token });
    assertEquals([acs, mistakes.length], [undefined, 1], token);
    assertEquals(mistakes.join().includes(TOKEN), false, "a mistake repeats no secret");
  }
});
