import { z } from "zod";
import { type Predicate, rulesFor } from "./rule.ts";

const instructionsSchema = z.object({
  instructions: z.array(z.object({ name: z.string(), value: z.string() })),
});

/** Whether the values of an instruction, first to last, are as they should be. */
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
export const dockerfileRules = rulesFor("dockerfile", {
  CKV_DOCKER_1: ["not expose port 22", says("EXPOSE", never(/\b22\b/))],
  CKV_DOCKER_2: ["have a HEALTHCHECK", says("HEALTHCHECK", isThere)],
  CKV_DOCKER_3: ["set a USER", says("USER", isThere)],
  CKV_DOCKER_4: ["use COPY instead of ADD", says("ADD", never(/./))],
  CKV_DOCKER_5: [
    "not update a package list without an install in the same RUN",
    says("RUN", never(/\bupdate\b(?!.*\b(install|add)\b)/)),
  ],
  CKV_DOCKER_6: ["use a LABEL instead of MAINTAINER", says("MAINTAINER", never(/./))],
  CKV_DOCKER_7: [
    "name a tag other than latest in each FROM",
    says("FROM", (froms) =>
      froms
        .map((from) => from.replace(/^--\S+ /, "").split(" ")[0] ?? "")
        .every((image) => stagesOf(froms).includes(image) || /:(?!latest\b)[\w.-]+(@|$)/.test(image)),
    ),
  ],
  CKV_DOCKER_8: ["not end as root", says("USER", (users) => !/^(root|0)\b/.test(users.at(-1) ?? "root"))],
  CKV_DOCKER_9: ["use apt-get instead of apt", says("RUN", never(/\bapt\s/))],
  CKV_DOCKER_10: ["use absolute paths in WORKDIR", says("WORKDIR", never(/^[^/$]/))],
  CKV_DOCKER_11: [
    "give each stage a name of its own",
    says("FROM", (froms) => new Set(stagesOf(froms)).size === stagesOf(froms).length),
  ],
});
