/** Every file below a folder with its bytes in hex, for proof that nothing was written. */
export async function filesIn(folder: string, below = ""): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    const path = below + name;
    if (isDirectory) Object.assign(files, { [`${path}/`]: "" }, await filesIn(folder, `${path}/`));
    else files[path] = (await Deno.readFile(`${folder}/${path}`)).toHex();
  }
  return files;
}
