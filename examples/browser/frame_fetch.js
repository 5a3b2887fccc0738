// For a page whose service has one host: logs go out of a sandboxed frame, tokens out of the page itself. Chromium shares
// no connection and no session of TLS between the two (docs/threat_model.md, "Connections"); others may.
//   new DitClient({ ..., fetch: frameFetch() })
// The frame takes the page's policy, which has to allow its script: script-src 'sha256-...', as the browser's error says.

const FRAME = `<!doctype html><script>
onmessage = async ({ data: { url, init }, ports: [port] }) => {
  try {
    const response = await fetch(url, init);
    port.postMessage([await response.arrayBuffer(), { status: response.status, headers: [...response.headers] }]);
  } catch {
    port.postMessage(null);
  }
};
</script>`;

/** A `fetch` for the client. */
export function frameFetch() {
  let frame;

  /** The frame, whose origin is nobody's: it can do nothing but ask for what it is told to. */
  function open() {
    const element = document.createElement("iframe");
    element.sandbox.add("allow-scripts");
    element.hidden = true;
    element.srcdoc = FRAME;
    return new Promise((resolve) => {
      element.onload = () => resolve(element.contentWindow);
      document.body.append(element);
    });
  }

  return async (url, init) => {
    if (!/\/(?:schema|logs)$/.test(url)) return await fetch(url, init);
    frame ??= open();
    const target = await frame;
    // A signal cannot be sent along; the client waits for no answer that it gave up.
    const { signal: _, ...rest } = init;
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => port1.onmessage = ({ data }) => resolve(data));
    target.postMessage({ url, init: rest }, "*", [port2]);
    const answered = await answer;
    if (answered === null) throw new TypeError("There was no answer");
    return new Response(...answered);
  };
}
