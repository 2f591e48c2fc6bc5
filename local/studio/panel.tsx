import { render, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LocalState } from "../gateway/local-pages.ts";
import type { Trouble } from "../model/trouble.ts";

/** How the stand-in model can be told to be. */
const MOODS: readonly (readonly [name: string, trouble: Trouble])[] = [
  ["works", {}],
  ["is slow", { latencyMs: 8_000 }],
  ["is too busy", { every: "ThrottlingException" }],
  ["is down", { every: "ServiceUnavailableException" }],
  ["gives no picture", { every: "InferenceError" }],
  ["blocks every prompt", { every: "FilteredPrompt" }],
  ["blocks every picture", { every: "FilteredImage" }],
  ["denies access", { every: "AccessDeniedException" }],
  ["never answers", { every: "hang" }],
];

/** How often to look at the local cloud, in milliseconds. */
const LOOK_MS = 1_000;

/** What only the local cloud can show and do. It is no part of the page that is deployed. */
function Panel(): VNode | null {
  const [state, setState] = useState<LocalState>();
  useEffect(() => {
    const look = async () => {
      if (document.visibilityState !== "visible") return;
      const response = await fetch("/_local/state").catch(() => undefined);
      if (response?.ok) setState(await response.json());
    };
    void look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  if (state === undefined) return null;
  const facts: readonly (readonly [string, number])[] = [
    ["in the queue", state.waiting],
    ["under way", state.hidden],
    ["dead letters", state.deadLetters],
  ];
  return (
    <aside class="panel" lang="en" aria-label="Local cloud">
      <p>
        <strong>Local cloud.</strong>{" "}
        {state.trouble === undefined
          ? "The real model paints, and is paid for."
          : "A stand-in on this machine paints, not the model. Nothing is paid."}
      </p>
      {state.trouble !== undefined && <Mood trouble={state.trouble} onChange={setTrouble} />}
      <dl>
        {facts.map(([name, count]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count}</dd>
          </div>
        ))}
      </dl>
      <p class="alarms">
        {state.alarms.length === 0 ? "No alarm is on." : `Alarms: ${state.alarms.join(", ")}`}
      </p>
    </aside>
  );

  async function setTrouble(trouble: Trouble): Promise<void> {
    const response = await fetch("/_local/trouble", { method: "PUT", body: JSON.stringify(trouble) });
    if (response.ok && state !== undefined) setState({ ...state, trouble });
  }
}

interface MoodProps {
  readonly trouble: Trouble;
  readonly onChange: (trouble: Trouble) => void;
}

function Mood({ trouble, onChange }: MoodProps): VNode {
  const current = MOODS.findIndex(([, mood]) => JSON.stringify(mood) === JSON.stringify(trouble));
  return (
    <label>
      The model{" "}
      <select
        value={current}
        onChange={({ currentTarget }) => {
          const [, mood] = MOODS[Number(currentTarget.value)] ?? [];
          if (mood !== undefined) onChange(mood);
        }}
      >
        {current === -1 && <option value={-1}>does as it was told elsewhere</option>}
        {MOODS.map(([name], index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = "/_local/panel.css";
document.head.append(style);
const place = document.createElement("div");
document.body.append(place);
render(<Panel />, place);
