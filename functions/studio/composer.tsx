import type { RefObject, VNode } from "preact";
import { useId, useState } from "preact/hooks";
import { ASPECT_RATIOS, MAX_PROMPT_LENGTH, MAX_SEED, OUTPUT_FORMATS } from "../domain/request-limits.ts";
import type { Wish } from "./api.ts";
import { formatNumber, words } from "./words.ts";

/** The fields as they are typed. */
export interface Draft {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly aspectRatio: NonNullable<Wish["aspectRatio"]>;
  readonly outputFormat: NonNullable<Wish["outputFormat"]>;
  /** Empty: the API draws one. */
  readonly seed: string;
}

/** The fields that ask for something. */
export function draftOf({
  prompt,
  negativePrompt = "",
  aspectRatio = "1:1",
  outputFormat = "png",
  seed,
}: Wish): Draft {
  return { prompt, negativePrompt, aspectRatio, outputFormat, seed: seed === undefined ? "" : String(seed) };
}

export const EMPTY_DRAFT = draftOf({ prompt: "" });

interface ComposerProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly onPaint: (wish: Wish) => void;
  readonly promptBox: RefObject<HTMLTextAreaElement | null>;
}

/** Where one types what to paint. */
export function Composer({ draft, onChange, onPaint, promptBox }: ComposerProps): VNode {
  const id = useId();
  const [isTried, setTried] = useState(false);
  const mistakes = mistakesOf(draft);
  const shown = isTried ? mistakes : { ...mistakes, seed: undefined };
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change });
  const submit = () => {
    const wish = wishOf(draft);
    setTried(true);
    if (mistakes.prompt || mistakes.negativePrompt || mistakes.seed || wish.prompt === "") return;
    setTried(false);
    onPaint(wish);
  };
  const isMoreUsed = draft.negativePrompt !== "" || draft.seed !== "" || draft.outputFormat !== "png";
  return (
    <form
      class="composer"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="question serif" for={`${id}prompt`}>
        {words.promptLabel}
      </label>
      <textarea
        id={`${id}prompt`}
        ref={promptBox}
        value={draft.prompt}
        placeholder={words.promptPlaceholder}
        rows={2}
        autofocus
        enterkeyhint="send"
        aria-invalid={shown.prompt !== undefined}
        aria-describedby={`${id}hint ${id}problem`}
        onInput={({ currentTarget }) => set({ prompt: currentTarget.value })}
        onKeyDown={(event) => {
          // In the middle of composing a character, Enter ends the character.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <p class="problem" id={`${id}problem`} role="alert">
        {shown.prompt}
      </p>
      <div class="bar">
        <label class="inline">
          <span>{words.ratio}</span>
          <select
            aria-label={words.ratio}
            value={draft.aspectRatio}
            onChange={({ currentTarget }) =>
              set({ aspectRatio: ASPECT_RATIOS.find((ratio) => ratio === currentTarget.value) ?? "1:1" })
            }
          >
            {ASPECT_RATIOS.map((ratio) => (
              <option key={ratio} value={ratio}>
                {`${ratio} ${words.ratioNames[shapeOf(ratio)]}`}
              </option>
            ))}
          </select>
        </label>
        <span class="hint" id={`${id}hint`}>
          {words.hint}
        </span>
        <button type="submit" class="primary">
          {words.paint}
        </button>
      </div>
      <details class="more" open={isMoreUsed}>
        <summary>{words.more}</summary>
        <div class="fields">
          <label class="wide">
            <span>{words.negativePrompt}</span>
            <input
              type="text"
              value={draft.negativePrompt}
              placeholder={words.negativePromptHint}
              aria-invalid={shown.negativePrompt !== undefined}
              aria-describedby={`${id}negative`}
              onInput={({ currentTarget }) => set({ negativePrompt: currentTarget.value })}
            />
            <span class="problem" id={`${id}negative`} role="alert">
              {shown.negativePrompt}
            </span>
          </label>
          <label>
            <span>{words.seed}</span>
            <input
              type="text"
              inputMode="numeric"
              autocomplete="off"
              value={draft.seed}
              aria-invalid={shown.seed !== undefined}
              aria-describedby={`${id}seed`}
              onInput={({ currentTarget }) => set({ seed: currentTarget.value })}
            />
            <span class={shown.seed === undefined ? "note" : "problem"} id={`${id}seed`} role="alert">
              {shown.seed ?? words.seedHint}
            </span>
          </label>
          <label>
            <span>{words.format}</span>
            <select
              value={draft.outputFormat}
              onChange={({ currentTarget }) =>
                set({
                  outputFormat: OUTPUT_FORMATS.find((format) => format === currentTarget.value) ?? "png",
                })
              }
            >
              {OUTPUT_FORMATS.map((format) => (
                <option key={format} value={format}>
                  {format.toUpperCase()}
                </option>
              ))}
            </select>
          </label>
        </div>
      </details>
    </form>
  );
}

function shapeOf(ratio: string): "square" | "wide" | "tall" {
  const [width = 1, height = 1] = ratio.split(":").map(Number);
  if (width === height) return "square";
  return width > height ? "wide" : "tall";
}

function wishOf({ prompt, negativePrompt, aspectRatio, outputFormat, seed }: Draft): Wish {
  return {
    prompt: prompt.trim(),
    ...{ aspectRatio, outputFormat },
    ...(negativePrompt.trim() !== "" && { negativePrompt: negativePrompt.trim() }),
    ...(seed.trim() !== "" && { seed: Number(seed) }),
  };
}

type Mistakes = Readonly<Record<"prompt" | "negativePrompt" | "seed", string | undefined>>;

/** What the API would refuse. Everything else it refuses with its own words. */
function mistakesOf({ prompt, negativePrompt, seed }: Draft): Mistakes {
  const tooLong = (text: string) => {
    const { length } = text.trim();
    if (length <= MAX_PROMPT_LENGTH) return undefined;
    return words.tooLong(formatNumber(length), formatNumber(MAX_PROMPT_LENGTH));
  };
  const isSeed = /^\s*\d*\s*$/.test(seed) && Number(seed) <= MAX_SEED;
  return {
    prompt: tooLong(prompt),
    negativePrompt: tooLong(negativePrompt),
    seed: isSeed ? undefined : words.badSeed(formatNumber(MAX_SEED)),
  };
}
