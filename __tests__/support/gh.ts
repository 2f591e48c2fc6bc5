// Stands in for GitHub's command-line client, as far as .ci/github.ts calls it. What it keeps is in GH_STATE, a JSON file.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const file = process.env.GH_STATE ?? "";
const state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { comments: {}, issues: [] };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    "body-file": { type: "string" },
    "create-if-none": { type: "boolean" },
    "edit-last": { type: "boolean" },
    json: { type: "string" },
    search: { type: "string" },
    state: { type: "string" },
    title: { type: "string" },
  },
});
const body = values["body-file"] === undefined ? "" : readFileSync(values["body-file"], "utf8");
const [noun, verb, subject = ""] = positionals;

switch (`${noun} ${verb}`) {
  case "pr comment": {
    const there: string[] = state.comments[subject] ?? [];
    if (there.length === 0 && values["edit-last"] && !values["create-if-none"]) {
      throw new Error("no comments found for current user");
    }
    state.comments[subject] = values["edit-last"] ? [...there.slice(0, -1), body] : [...there, body];
    break;
  }
  case "issue list":
    console.log(JSON.stringify(state.issues));
    break;
  case "issue create":
    state.issues.push({ number: state.issues.length + 1, title: values.title, body });
    break;
  case "issue edit":
    state.issues[Number(subject) - 1].body = body;
    break;
  default:
    if (noun !== "api") throw new Error(`unknown command ${positionals.join(" ")}`);
    console.log(JSON.stringify(state.api?.[verb ?? ""] ?? []));
}
writeFileSync(file, JSON.stringify(state));
