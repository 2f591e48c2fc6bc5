// Stands in for GitHub's command-line client, as far as ops/github.ts calls it. What it keeps is in GH_STATE, a JSON file.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const file = process.env.GH_STATE ?? "";
const state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { comments: {}, issues: [] };

if (state.failure !== undefined) fail(state.failure);

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    "body-file": { type: "string" },
    comment: { type: "string" },
    field: { type: "string" },
    json: { type: "string" },
    method: { type: "string" },
    search: { type: "string" },
    silent: { type: "boolean" },
    state: { type: "string" },
    title: { type: "string" },
  },
});
const body = values["body-file"] === undefined ? "" : readFileSync(values["body-file"], "utf8");
const [noun, verb, subject = ""] = positionals;

switch (`${noun} ${verb}`) {
  case "pr view":
    console.log(JSON.stringify({ comments: (state.comments[subject] ?? []).map(describeComment) }));
    break;
  case "pr comment":
    state.comments[subject] = [...(state.comments[subject] ?? []), body];
    break;
  case "issue list":
    console.log(
      JSON.stringify(state.issues.filter(({ closed }: { closed?: string }) => closed === undefined)),
    );
    break;
  case "issue create":
    state.issues.push({ number: state.issues.length + 1, title: values.title, body });
    break;
  case "issue edit":
    state.issues[Number(subject) - 1].body = body;
    break;
  case "issue close":
    state.issues[Number(subject) - 1].closed = values.comment;
    break;
  default:
    if (noun !== "api") throw new Error(`unknown command ${positionals.join(" ")}`);
    if (values.method === "PATCH") {
      const [pull = "", index = ""] = verb?.replace(/.*\//, "").split("000") ?? [];
      state.comments[pull][Number(index)] = readFileSync(values.field?.replace("body=@", "") ?? "", "utf8");
      break;
    }
    if (state.api?.[verb ?? ""] === undefined) fail("gh: Not Found (HTTP 404)");
    console.log(JSON.stringify(state.api[verb ?? ""]));
}
writeFileSync(file, JSON.stringify(state));

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** A comment's id is its pull request's, three zeros, and its place there. */
function describeComment(body: string, index: number) {
  const url = `https://github.com/couch-explorers/couch-explorers/pull/${subject}#issuecomment-${subject}000${index}`;
  return { body, url, viewerDidAuthor: !body.startsWith("Somebody says") };
}
