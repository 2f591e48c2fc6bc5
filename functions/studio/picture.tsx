import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { RequestView } from "../api/request-view.ts";
import { words } from "./words.ts";

interface PictureProps {
  readonly view: Extract<RequestView, { status: "succeeded" }>;
  readonly onRefresh: (requestId: string) => Promise<boolean>;
}

/** A picture. Its link expires: the first that does not load is replaced by a new one. */
export function Picture({ view, onRefresh }: PictureProps): VNode {
  const [state, setState] = useState<"fine" | "refreshing" | "refreshed" | "gone">(
    view.imageUrl === undefined ? "gone" : "fine",
  );
  if (state === "gone" || state === "refreshing") {
    return <p class="status">{state === "gone" ? words.noPicture : words.newLink}</p>;
  }
  return (
    <img
      src={view.imageUrl}
      alt={view.prompt}
      loading="lazy"
      decoding="async"
      onLoad={() => setState("fine")}
      onError={async () => {
        if (state === "refreshed") return setState("gone");
        setState("refreshing");
        setState((await onRefresh(view.requestId)) ? "refreshed" : "gone");
      }}
    />
  );
}
