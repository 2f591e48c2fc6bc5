const PROMPT = "Me on top of K2";

/** The body of a message that asks for a picture. */
export function requestBody(requestId: string, more: object = {}): string {
  return JSON.stringify({ requestId, prompt: PROMPT, ...more });
}

/** What every record of a request has, but for its status and what comes of that. */
export function askedRecord(requestId: string) {
  return {
    requestId,
    prompt: PROMPT,
    aspectRatio: "1:1",
    outputFormat: "png",
    seed: 7,
    attempts: 1,
    codeVersion: "test",
  } as const;
}
