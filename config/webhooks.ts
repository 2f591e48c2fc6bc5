import { isIP } from "node:net";
import { z } from "zod";
import { TOLD_STATUSES } from "../functions/domain/events.ts";
import { text } from "./text.ts";

/** Names that only mean something within a network: https://www.iana.org/assignments/special-use-domain-names */
const NETWORK_NAMES = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa|test|invalid)$/;

/** What is wrong with the URL of a webhook; undefined for nothing. */
function urlProblem(input: string): string | undefined {
  const url = URL.parse(input);
  if (url?.protocol !== "https:") return "must be a URL that starts with https://";
  if (url.username !== "" || url.password !== "") {
    return "has credentials, which everybody who may read the settings would know. Remove them; docs/events.md says where the secret belongs";
  }
  if (url.search !== "" || url.hash !== "") {
    return "has a query or a fragment, where secrets like to be. Remove it; docs/events.md says where the secret belongs";
  }
  // EventBridge would fill in the asterisk: a path parameter.
  if (url.pathname.includes("*")) return "must not have a *";
  const host = url.hostname.replace(/\.$/, "");
  // EventBridge calls public names with certificates that everybody trusts. `URL` has each way to write an address as one of
  // these two. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
  if (isIP(host) !== 0 || host.startsWith("[")) return "names an IP address. Use a public host name";
  if (!host.includes(".") || NETWORK_NAMES.test(host)) return "names a private host. Use a public host name";
  return undefined;
}

const webhookSchema = z.strictObject({
  /** Names it in AWS and in alarms; its secret is set under this name. */
  name: text("a name for the webhook").regex(/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/, {
    error: "must have 1 to 20 characters out of a-z, 0-9 and hyphen, and no hyphen at an end",
  }),
  /** Gets each event as a POST. */
  url: text("the URL to deliver to")
    .max(2048, { error: "must have 2,048 characters at the most" })
    .superRefine((url, context) => {
      const problem = urlProblem(url);
      if (problem !== undefined) context.addIssue(problem);
    }),
  /** The statuses to deliver. Default: all. */
  statuses: z
    .array(z.enum(TOLD_STATUSES, { error: `must be one of ${TOLD_STATUSES.join(", ")}` }))
    .min(1, { error: "is empty. Name at least one status, or leave it out" })
    .default([...TOLD_STATUSES]),
});
export type WebhookSettings = z.output<typeof webhookSchema>;

export const webhooksSchema = z.array(webhookSchema).superRefine((webhooks, context) => {
  const names = webhooks.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    context.addIssue({
      code: "custom",
      path: [index, "name"],
      message: "names another webhook too. Give each its own name",
    });
  }
});
