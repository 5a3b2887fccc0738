/**
 * A browser reduced to what the console's rules are about: it keeps cookies by path, says which site a request comes
 * from, and fills in forms as they are on the page.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import type { TestService, TestServiceOptions } from "../service/service.ts";

/** The admin token of tests. */
export const ADMIN_TOKEN = "admin-token-of-the-tests-of-the-console";
/** The reader token of tests. */
export const READER_TOKEN = "reader-token-of-the-tests-of-the-console";
/** The analyst token of tests. */
export const ANALYST_TOKEN = "analyst-token-of-the-tests-of-the-console";
/** A service with all of them. */
export const OPERATED: TestServiceOptions = {
  operators: {
    adminTokenSha256: tokenDigest(ADMIN_TOKEN),
    readerTokenSha256: tokenDigest(READER_TOKEN),
    analystTokenSha256: tokenDigest(ANALYST_TOKEN),
  },
};

const HOST = "telemetry.example";

/** What a browser reaches. */
export type BrowsedService = Pick<TestService, "handle">;

/** One browser with its cookies. */
export class ConsoleBrowser {
  readonly cookies = new Map<string, { value: string; path: string }>();
  readonly #test: BrowsedService;
  readonly #address: string;

  /** Sends to a service of a test, from an address. */
  constructor(test: BrowsedService, address = "192.0.2.1") {
    this.#test = test;
    this.#address = address;
  }

  /** Asks for a path. Headers replace those that the browser would send. */
  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return await this.#send(new Request(`https://${HOST}${path}`), headers);
  }

  /** The HTML of a page that answers 200. */
  async page(path: string): Promise<string> {
    const response = await this.get(path);
    const text = await response.text();
    assertEquals(response.status, 200, text);
    return text;
  }

  /** Sends a form as a page of the console would. */
  async post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return await this.#send(
      new Request(`https://${HOST}${path}`, { method: "POST", body: new URLSearchParams(fields).toString() }),
      {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
        origin: `https://${HOST}`,
        ...headers,
      },
    );
  }

  /** Signs in and asserts that it worked. */
  async signIn(token = ADMIN_TOKEN): Promise<this> {
    const response = await this.post("/console/sign-in", { token });
    assertEquals([response.status, response.headers.get("location")], [303, "/console"]);
    return this;
  }

  /** The form token that stands on a page. */
  async formToken(path = "/console"): Promise<string> {
    const token = /name="form-token" value="([^"]+)"/.exec(await this.page(path))?.[1];
    assert(token !== undefined, "no form token on the page");
    return token!;
  }

  async #send(request: Request, given: Record<string, string>): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.set("host", HOST);
    const { pathname } = new URL(request.url);
    const cookies = [...this.cookies].filter(([, { path }]) =>
      pathname === path || pathname.startsWith(path.replace(/\/?$/, "/"))
    );
    if (cookies.length > 0) {
      headers.set(
        "cookie",
        cookies.map(([name, { value }]) => `${name}=${value}`).join("; "),
      );
    }
    for (const [name, value] of Object.entries(given)) {
      if (value === "") headers.delete(name);
      else headers.set(name, value);
    }
    const response = await this.#test.handle(new Request(request, { headers }), this.#address);
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    return response;
  }

  #keep(cookie: string): void {
    const [pair, ...attributes] = cookie.split("; ");
    const [name, value] = pair!.split(/=(.*)/s) as [string, string];
    const path = attributes.find((attribute) => attribute.startsWith("Path="))?.slice(5) ?? "/";
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, { value, path });
  }
}
