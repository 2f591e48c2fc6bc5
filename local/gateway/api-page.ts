import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Couch Explorers: HTTP API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script>SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", tryItOutEnabled: true });</script>
  </body>
</html>
`;

interface Page {
  readonly contentType: string;
  readonly read: () => Promise<string | Uint8Array> | string;
}

const swaggerUi = (file: string) => () => readFile(new URL(import.meta.resolve(`swagger-ui-dist/${file}`)));

/** What this machine serves beside the API itself. */
const pages: Readonly<Record<string, Page>> = {
  "/docs": { contentType: "text/html; charset=utf-8", read: () => PAGE },
  "/docs/swagger-ui.css": { contentType: "text/css", read: swaggerUi("swagger-ui.css") },
  "/docs/swagger-ui-bundle.js": { contentType: "text/javascript", read: swaggerUi("swagger-ui-bundle.js") },
  "/openapi.json": {
    contentType: "application/json",
    read: () => readFile(new URL("../../docs/openapi.json", import.meta.url)),
  },
};

/** Serves the API's description and a page to try it. Answers whether the request was for one of them. */
export async function servePage(
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const page = method === "GET" ? pages[url ?? ""] : undefined;
  if (page === undefined) return false;
  response.writeHead(200, { "content-type": page.contentType }).end(await page.read());
  return true;
}
