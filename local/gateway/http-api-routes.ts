import type { RouteSpec } from "../stack/http-api-spec.ts";

export interface Match {
  readonly route: RouteSpec;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * The route that API Gateway would take: a full match before a greedy one, a method before `ANY`, `$default` last.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 * @throws URIError where the path is not percent-encoded as it should be
 */
export function matchRoute(routes: readonly RouteSpec[], method: string, path: string): Match | undefined {
  const matches = routes.flatMap((route) => {
    const [wantedMethod = "", template] = route.routeKey.split(" ");
    if (template === undefined) return { rank: 4, match: { route, pathParameters: {} } };
    if (wantedMethod !== method && wantedMethod !== "ANY") return [];
    const found = toPattern(template).exec(path);
    if (found === null) return [];
    const rank = (template.includes("+}") ? 2 : 0) + (wantedMethod === "ANY" ? 1 : 0);
    const decoded = Object.entries(found.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ]);
    return { rank, match: { route, pathParameters: Object.fromEntries(decoded) } };
  });
  return matches.toSorted((a, b) => a.rank - b.rank)[0]?.match;
}

function toPattern(template: string): RegExp {
  const pattern = template.replaceAll(/\{(\w+)(\+?)\}/g, (_, name: string, greedy: string) =>
    greedy === "+" ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  return new RegExp(`^${pattern}$`);
}
