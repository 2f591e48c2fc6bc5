import { FORBIDDEN_WORD } from "../model/bedrock.ts";
import type { PlannedPrompt } from "./plan.ts";

/** What every prompt begins with. */
export const WORDS = "Me on top of K2";

const EXTRA_FIELDS: Partial<Record<PlannedPrompt["body"], object>> = {
  jpeg: { outputFormat: "jpeg" },
  invalid: { steps: 30 },
};

/** What is sent for a planned prompt. No two prompts have the same text, so that a call of the model tells which it is for. */
export function message(planned: PlannedPrompt, name: string, copy: number) {
  switch (planned.body) {
    case "text": {
      const prompt = `${WORDS}, as ${name}, ${copy}`;
      return { planned, prompt, body: prompt, chosenId: undefined };
    }
    case "request":
    case "jpeg":
    case "forbidden":
    case "invalid": {
      const prompt = `${WORDS}, as ${name}${planned.body === "forbidden" ? `, ${FORBIDDEN_WORD}` : ""}`;
      const body = {
        requestId: name,
        prompt,
        expiresInSeconds: planned.expiresInSeconds,
        ...EXTRA_FIELDS[planned.body],
      };
      return { planned, prompt, body: JSON.stringify(body), chosenId: name };
    }
  }
}
