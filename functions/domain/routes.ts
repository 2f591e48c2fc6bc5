/** What the HTTP API answers, in API Gateway's notation. */
export const ROUTES = [
  "POST /generate",
  "GET /requests",
  "GET /requests/{id}",
  "POST /requests/{id}/cancel",
  "DELETE /requests/{id}",
  "GET /requests/{id}/image",
  "GET /health",
] as const;
export type Route = (typeof ROUTES)[number];

/** Where the studio is: a page and its files, which hold nothing of anybody. */
export const PAGE_ROUTES = ["GET /", "GET /studio/{file}"] as const;

export function isRoute(key: string): key is Route {
  return ROUTES.some((route) => route === key);
}

/** The methods that a path takes; none where there is no such path. */
export function methodsOf(path: string): string[] {
  return [...ROUTES, ...PAGE_ROUTES].flatMap((route) => {
    const [method = "", template = ""] = route.split(" ");
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return pattern.test(path) ? [method] : [];
  });
}
