/**
 * A service of a test behind TLS, where clients that can speak HTTP/2 do so.
 *
 * @module
 */
import { makeCertificates } from "../../deploy/certificates.ts";
import type { TestService } from "./service.ts";

/** A listening service; it stops on disposal. */
export interface TlsSocket extends AsyncDisposable {
  /** `localhost` and the port. */
  readonly host: string;
  /** The certificate of the authority, in PEM. */
  readonly authority: string;
}

/** Listens with a certificate for localhost. */
export async function serveOverTls({ handle }: Pick<TestService, "handle">): Promise<TlsSocket> {
  const folder = await Deno.makeTempDir();
  try {
    const { authority } = await makeCertificates(folder, { console: "localhost" });
    const cert = await Deno.readTextFile(`${folder}/tls/console.pem`);
    const key = cert.slice(cert.indexOf("-----BEGIN PRIVATE"));
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", cert, key, onListen: () => {} },
      (request, { remoteAddr }) => handle(request, remoteAddr.hostname),
    );
    return {
      host: `localhost:${server.addr.port}`,
      authority,
      [Symbol.asyncDispose]: () => server.shutdown(),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
