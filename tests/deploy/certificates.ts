/**
 * Certificates of a tests' own authority, made by OpenSSL.
 *
 * @module
 */
import { assert } from "@std/assert";

/** Where the certificates are. */
export interface Certificates {
  /** The authority's certificate, in PEM. */
  readonly authority: string;
  /** The same as a file. */
  readonly authorityFile: string;
  /** The folder of one file for each host, `<name>.pem`: certificate and key. */
  readonly folder: string;
}

async function openssl(folder: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder, stdout: "null" })
    .output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Makes a certificate of its own for each host. `hosts` gives them by the name of their file. */
export async function makeCertificates(
  folder: string,
  hosts: Readonly<Record<string, string>>,
): Promise<Certificates> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authorityFile = `${folder}/authority.crt`;
  await openssl(
    folder,
    ...["req", "-x509", ...key, "-keyout", "authority.key", "-out", authorityFile],
    ...["-days", "2", "-subj", "/CN=authority of tests"],
  );
  await Deno.mkdir(`${folder}/tls`);
  for (const [name, host] of Object.entries(hosts)) {
    await openssl(
      folder,
      "req",
      ...key,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
    );
    await Deno.writeTextFile(
      `${folder}/${name}.ext`,
      `subjectAltName=DNS:${host}\nbasicConstraints=CA:FALSE\n`,
    );
    await openssl(
      folder,
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", authorityFile, "-CAkey", "authority.key"],
      ...["-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.crt`],
    );
    const parts = [`${name}.crt`, `${name}.key`].map((file) => Deno.readTextFile(`${folder}/${file}`));
    // Keys of tests, for proxies that run as nobody.
    await Deno.writeTextFile(`${folder}/tls/${name}.pem`, (await Promise.all(parts)).join(""), {
      mode: 0o644,
    });
  }
  return { authority: await Deno.readTextFile(authorityFile), authorityFile, folder: `${folder}/tls` };
}
