/**
 * Who may operate the service, as the environment says it.
 *
 * @module
 */
import { entriesOf, type OidcSettings, type OperatorSettings } from "../edge/auth/operator_settings.ts";
import {
  hasBrokenScope,
  type OperatorEntry,
  type OperatorRole,
  parseEntry,
  splitScope,
} from "../edge/auth/operator_entries.ts";

type Get = (name: string) => string | undefined;

/** Reads `DIT_ADMIN_TOKEN_SHA256` and its kind, and `DIT_OIDC_*`; mistakes are added to the list. */
export function readOperators(get: Get, development: boolean, mistakes: string[]): OperatorSettings {
  const tokenScopes: Partial<Record<OperatorRole, ReadonlySet<string>>> = {};
  const digest = (role: OperatorRole) => {
    const name = TOKENS[role];
    const value = get(name);
    if (value === undefined || value === "") return undefined;
    const { who, apps } = splitScope(value);
    if (apps !== undefined) tokenScopes[role] = apps;
    if (/^[0-9a-f]{64}$/i.test(who)) return Uint8Array.fromHex(who);
    mistakes.push(`Set ${name} to the SHA-256 of your ${role} token: 64 hexadecimal digits.`);
    return undefined;
  };
  const [adminTokenSha256, readerTokenSha256, analystTokenSha256] = [
    digest("admin"),
    digest("reader"),
    digest("analyst"),
  ];
  const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined) =>
    a !== undefined && a.toHex() === b?.toHex();
  if (isSame(readerTokenSha256, adminTokenSha256)) {
    mistakes.push("Set DIT_READER_TOKEN_SHA256 to another token's than DIT_ADMIN_TOKEN_SHA256.");
  }
  if (isSame(analystTokenSha256, adminTokenSha256) || isSame(analystTokenSha256, readerTokenSha256)) {
    mistakes.push(
      "Set DIT_ANALYST_TOKEN_SHA256 to a token's of its own: whoever has it sees releases alone.",
    );
  }
  const oidc = readOidc(get, development, mistakes);
  return { adminTokenSha256, readerTokenSha256, analystTokenSha256, tokenScopes, oidc };
}

/** The mistakes of operators that are meant for an application that there is not: such an entry would mean nobody. */
export function scopeMistakes(
  operators: Partial<OperatorSettings>,
  applications: ReadonlyMap<string, unknown>,
): string[] {
  const mistakes = entriesOf(operators).flatMap(({ role, claim, apps }) => {
    const name = (claim === "token" ? TOKENS : LISTS)[role];
    return [...apps ?? []].filter((app) => !applications.has(app)).map((app) =>
      `Write ids of applications of dit.config.ts behind " for " in ${name}, such as " for notes+vault": there is no ${app}.`
    );
  });
  return [...new Set(mistakes)];
}

/** The digest of each role's token. */
const TOKENS: Readonly<Record<OperatorRole, string>> = {
  admin: "DIT_ADMIN_TOKEN_SHA256",
  reader: "DIT_READER_TOKEN_SHA256",
  analyst: "DIT_ANALYST_TOKEN_SHA256",
};
/** The list of each role. */
const LISTS: Readonly<Record<OperatorRole, string>> = {
  admin: "DIT_OIDC_ADMINS",
  reader: "DIT_OIDC_READERS",
  analyst: "DIT_OIDC_ANALYSTS",
};

function readOidc(get: Get, development: boolean, mistakes: string[]): OidcSettings | undefined {
  const issuer = get("DIT_OIDC_ISSUER");
  const clientId = get("DIT_OIDC_CLIENT_ID");
  if (issuer === undefined && clientId === undefined) {
    const named = Object.values(LISTS).filter((name) => (get(name) ?? "").trim() !== "");
    if (named.length > 0) {
      mistakes.push(
        `Set DIT_OIDC_ISSUER and DIT_OIDC_CLIENT_ID, or take ${
          named.join(" and ")
        } out: without an identity provider ` +
          "nobody whom it names can sign in.",
      );
    }
    return undefined;
  }
  const url = URL.parse(issuer ?? "");
  const local = development && url?.protocol === "http:" && ["localhost", "127.0.0.1"].includes(url.hostname);
  if (url === null || (url.protocol !== "https:" && !local) || url.search !== "" || url.hash !== "") {
    mistakes.push("Set DIT_OIDC_ISSUER to the https:// URL of the identity provider.");
  }
  if (clientId === undefined || clientId === "") {
    mistakes.push("Set DIT_OIDC_CLIENT_ID to the name under which the identity provider knows the console.");
  }
  const before = mistakes.length;
  const entries = (["admin", "reader", "analyst"] as const).flatMap((role) => readList(get, role, mistakes));
  if (entries.length === 0 && mistakes.length === before) {
    mistakes.push(
      "Set DIT_OIDC_ADMINS, DIT_OIDC_READERS or DIT_OIDC_ANALYSTS to email:, sub: or group: and a name: nobody may " +
        "sign in.",
    );
  }
  return {
    issuer: issuer ?? "",
    clientId: clientId ?? "",
    clientSecret: get("DIT_OIDC_CLIENT_SECRET"),
    entries,
  };
}

/** Reads the list of a role. */
function readList(get: Get, role: OperatorRole, mistakes: string[]): OperatorEntry[] {
  const name = LISTS[role];
  const texts = (get(name) ?? "").split(",").map((text) => text.trim()).filter((text) => text !== "");
  const entries = texts.map((text) => parseEntry(text, role));
  const broken = texts.flatMap((text, index) => hasBrokenScope(text) ? [index + 1] : []);
  if (broken.length > 0) {
    mistakes.push(
      `Write ids of applications behind " for ", joined by +, without spaces and capitals, in ${name}: ` +
        `${broken.length === 1 ? "entry" : "entries"} ${broken.join(", ")} would mean somebody else.`,
    );
  }
  const bare = entries.flatMap((entry, index) =>
    entry === undefined && !broken.includes(index + 1) ? [index + 1] : []
  );
  if (bare.length > 0) {
    // Without the claim's name whoever may choose one claim could take what another one says for themselves.
    mistakes.push(
      `Write email: before an e-mail address, sub: before a subject and group: before a group's name in ${name}: ` +
        `${bare.length === 1 ? "entry" : "entries"} ${bare.join(", ")} ${
          bare.length === 1 ? "has" : "have"
        } none ` +
        "of them, or no such value behind it.",
    );
  }
  const known = entries.filter((entry) => entry !== undefined);
  if (role === "admin" && known.some(({ claim }) => claim === "*")) {
    mistakes.push("Name the operators in DIT_OIDC_ADMINS: not everybody may act.");
  }
  return known;
}
