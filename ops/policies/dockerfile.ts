import { z } from "zod";
import type { PolicyRule, Predicate } from "./rule.ts";

const instructionsSchema = z.object({
  instructions: z.array(z.object({ name: z.string(), value: z.string() })),
});

/** Whether what a Dockerfile says with an instruction is all right, first to last. */
function says(name: string, isRight: (values: readonly string[]) => boolean): Predicate {
  return (attributes) => {
    const { instructions } = instructionsSchema.parse(attributes);
    return isRight(instructions.filter((each) => each.name === name).map(({ value }) => value));
  };
}

const never = (like: RegExp) => (values: readonly string[]) => !values.some((value) => like.test(value));
const isThere = (values: readonly string[]) => values.length > 0;
const stagesOf = (froms: readonly string[]) => froms.flatMap((from) => / as (\S+)$/i.exec(from)?.[1] ?? []);

/** Rules for Dockerfiles, each a resource of the type `dockerfile` with its `instructions`. */
export const dockerfileRules: readonly PolicyRule[] = [
  {
    id: "CKV_DOCKER_1",
    type: "dockerfile",
    demand: "does not open port 22",
    holds: says("EXPOSE", never(/\b22\b/)),
  },
  {
    id: "CKV_DOCKER_2",
    type: "dockerfile",
    demand: "has a HEALTHCHECK",
    holds: says("HEALTHCHECK", isThere),
  },
  { id: "CKV_DOCKER_3", type: "dockerfile", demand: "has a user of its own", holds: says("USER", isThere) },
  {
    id: "CKV_DOCKER_4",
    type: "dockerfile",
    demand: "copies, and does not ADD",
    holds: says("ADD", (values) => values.length === 0),
  },
  {
    id: "CKV_DOCKER_5",
    type: "dockerfile",
    demand: "does not update a list of packages by itself",
    holds: says("RUN", never(/\bupdate\b(?!.*\b(install|add)\b)/)),
  },
  {
    id: "CKV_DOCKER_6",
    type: "dockerfile",
    demand: "names its maintainer in a LABEL, if at all",
    holds: says("MAINTAINER", (values) => values.length === 0),
  },
  {
    id: "CKV_DOCKER_7",
    type: "dockerfile",
    demand: "is built on images with a tag other than latest",
    holds: says("FROM", (froms) =>
      froms
        .map((from) => from.replace(/^--\S+ /, "").split(" ")[0] ?? "")
        .every((image) => stagesOf(froms).includes(image) || /:(?!latest\b)[\w.-]+(@|$)/.test(image)),
    ),
  },
  {
    id: "CKV_DOCKER_8",
    type: "dockerfile",
    demand: "does not end as root",
    holds: says("USER", (users) => !/^(root|0)\b/.test(users.at(-1) ?? "root")),
  },
  {
    id: "CKV_DOCKER_9",
    type: "dockerfile",
    demand: "does not use apt, which is for people",
    holds: says("RUN", never(/\bapt\s/)),
  },
  {
    id: "CKV_DOCKER_10",
    type: "dockerfile",
    demand: "names folders from the root on",
    holds: says("WORKDIR", never(/^[^/$]/)),
  },
  {
    id: "CKV_DOCKER_11",
    type: "dockerfile",
    demand: "gives each stage a name of its own",
    holds: says("FROM", (froms) => new Set(stagesOf(froms)).size === stagesOf(froms).length),
  },
];
