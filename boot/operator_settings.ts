/**
 * Who may operate the service, as the environment says it.
 *
 * @module
 */
import type { OidcSettings, OperatorSettings } from "../edge/auth/operator_settings.ts";

/** Reads `DIT_ADMIN_TOKEN_SHA256` and its kind, and `DIT_OIDC_*`; mistakes are added to the list. */
export function readOperators(
  get: (name: string) => string | undefined,
  development: boolean,
  mistakes: string[],
): OperatorSettings {
  const digest = (name: string, whose: string) => {
    const value = get(name);
    if (value === undefined || value === "") return undefined;
    if (/^[0-9a-f]{64}$/i.test(value)) return Uint8Array.fromHex(value);
    mistakes.push(`Set ${name} to the SHA-256 of your ${whose} token: 64 hexadecimal digits.`);
    return undefined;
  };
  const adminTokenSha256 = digest("DIT_ADMIN_TOKEN_SHA256", "admin");
  const readerTokenSha256 = digest("DIT_READER_TOKEN_SHA256", "reader");
  const analystTokenSha256 = digest("DIT_ANALYST_TOKEN_SHA256", "analyst");
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
  return { adminTokenSha256, readerTokenSha256, analystTokenSha256, oidc };
}

function readOidc(
  get: (name: string) => string | undefined,
  development: boolean,
  mistakes: string[],
): OidcSettings | undefined {
  const issuer = get("DIT_OIDC_ISSUER");
  const clientId = get("DIT_OIDC_CLIENT_ID");
  if (issuer === undefined && clientId === undefined) return undefined;
  const url = URL.parse(issuer ?? "");
  const local = development && url?.protocol === "http:" && ["localhost", "127.0.0.1"].includes(url.hostname);
  if (url === null || (url.protocol !== "https:" && !local) || url.search !== "" || url.hash !== "") {
    mistakes.push("Set DIT_OIDC_ISSUER to the https:// URL of the identity provider.");
  }
  if (clientId === undefined || clientId === "") {
    mistakes.push("Set DIT_OIDC_CLIENT_ID to the name under which the identity provider knows the console.");
  }
  const list = (name: string) =>
    new Set((get(name) ?? "").split(",").map((entry) => entry.trim()).filter((entry) => entry !== ""));
  const admins = list("DIT_OIDC_ADMINS");
  const readers = list("DIT_OIDC_READERS");
  const analysts = list("DIT_OIDC_ANALYSTS");
  if (admins.has("*")) mistakes.push("Name the operators in DIT_OIDC_ADMINS: not everybody may act.");
  if (admins.size + readers.size + analysts.size === 0) {
    mistakes.push(
      "Set DIT_OIDC_ADMINS, DIT_OIDC_READERS or DIT_OIDC_ANALYSTS to e-mail addresses, subjects or group:names: " +
        "nobody may sign in.",
    );
  }
  return {
    issuer: issuer ?? "",
    clientId: clientId ?? "",
    clientSecret: get("DIT_OIDC_CLIENT_SECRET"),
    admins,
    readers,
    analysts,
  };
}
