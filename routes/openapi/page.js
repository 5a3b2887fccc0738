// Stands behind Swagger UI in the same file.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followScheme);
followScheme();

const nothing = () => () => null;
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  defaultModelRendering: "model",
  defaultModelsExpandDepth: -1,
  defaultModelExpandDepth: 4,
  syntaxHighlight: false,
  validatorUrl: null,
  // The page is to be read: it sends nothing, and so has nothing to sign in with.
  supportedSubmitMethods: [],
  plugins: [() => ({ wrapComponents: { authorizeBtn: nothing, authorizeOperationBtn: nothing } })],
});
