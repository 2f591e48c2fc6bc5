import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RequestView } from "../api/request-view.ts";
import { type Deeds, RequestDeeds } from "./card.tsx";
import { Icon } from "./icons.tsx";
import { Picture } from "./picture.tsx";
import { formatSeconds, formatUsd, words } from "./words.ts";

interface ViewerProps {
  readonly view: Extract<RequestView, { status: "succeeded" }>;
  readonly deeds: Deeds;
  readonly onClose: () => void;
}

/** One picture, as large as there is room, with all that is known of it. */
export function Viewer({ view, deeds, onClose }: ViewerProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  const { queuedAt, finishedAt } = view.timings;
  const facts: readonly (readonly [string, string])[] = [
    [words.cost, formatUsd(view.costUsd)],
    [words.took, formatSeconds((Date.parse(finishedAt) - Date.parse(queuedAt)) / 1000)],
    [words.seed, String(view.seed)],
    [words.ratio, view.aspectRatio],
    [words.madeBy, view.model],
  ];
  return (
    // A click outside of what is in it is one on the dialog itself. The keyboard has Escape.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={words.description}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={({ target, currentTarget }) => target === currentTarget && onClose()}
    >
      <div class="sheet">
        <button type="button" class="deed close" title={words.close} onClick={onClose}>
          <Icon name="stop" />
          <span>{words.close}</span>
        </button>
        <div class="stage">
          <Picture view={view} onRefresh={deeds.onRefresh} />
        </div>
        <div class="about">
          <p class="prompt" dir="auto">
            {view.prompt}
          </p>
          {view.negativePrompt !== undefined && (
            <p class="detail" dir="auto">{`${words.negativePrompt}: ${view.negativePrompt}`}</p>
          )}
          <dl>
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <div class="deeds">
            <RequestDeeds view={view} deeds={deeds} />
          </div>
        </div>
      </div>
    </dialog>
  );
}
