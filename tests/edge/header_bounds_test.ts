/** Bounds of a request's header over real connections of both versions of HTTP. */
import { assertEquals } from "@std/assert";
import http2 from "node:http2";
import { Admission } from "../../edge/admission/admission.ts";
import { deidentify } from "../../edge/deidentify.ts";
import { sendRaw } from "../support/http/raw_http.ts";

const PATH = "/v1/apps/notes/keys";

/** The status over HTTP/2 without TLS, whose client sends each value of a list as a field of its own. */
function statusOverHttp2(port: number, name: string, values: string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", reject);
  const stream = session.request({ ":path": PATH, [name]: values });
  stream.on("error", reject);
  stream.on("response", (headers) => resolve(Number(headers[":status"])));
  stream.on("close", () => session.close());
  stream.resume();
  return promise.finally(() => session.destroy());
}

async function statusOverHttp1(port: number, name: string, values: string[]): Promise<number> {
  const fields = values.map((value) => `${name}: ${value}\r\n`).join("");
  return (await sendRaw(port, `GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`))
    .status;
}

Deno.test("header fields count one by one in HTTP/2 as in HTTP/1.1, whatever their names", async () => {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const handle = deidentify({ admission: new Admission(random), handle: () => new Response("{}") });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => handle(request, undefined),
  );
  try {
    for (const statusOf of [statusOverHttp1, statusOverHttp2]) {
      for (const name of ["x-a", "cookie"]) {
        const send = (count: number) =>
          statusOf(server.addr.port, name, Array.from({ length: count }, (_, index) => `a=${index}`));
        assertEquals([await send(95), await send(101)], [200, 431], `${statusOf.name} ${name}`);
      }
    }
  } finally {
    await server.shutdown();
  }
});
