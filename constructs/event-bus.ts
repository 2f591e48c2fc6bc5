import type { PolicyStatement } from "./policy.ts";

/** Lets a function tell how requests end. */
export function allowTelling(busArn: string): PolicyStatement {
  return { Sid: "Tell", Effect: "Allow", Action: "events:PutEvents", Resource: busArn };
}
