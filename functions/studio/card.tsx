import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RequestView } from "../api/request-view.ts";
import type { Wish } from "./api.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Picture } from "./picture.tsx";
import { isOpen, type Sending } from "./studio.ts";
import { causeOf, formatSeconds, formatUsd, words } from "./words.ts";

/** What can be done with a request. */
export interface Deeds {
  readonly onEdit: (wish: Wish) => void;
  readonly onRepeat: (wish: Wish) => void;
  readonly onDiscard: (key: string) => void;
  readonly onHurry: () => void;
  readonly onCancel: (requestId: string) => void;
  readonly onRemove: (requestId: string) => void;
  readonly onCopy: (url: string) => void;
  /** Gets a new link to the picture; false where there is none to be had. */
  readonly onRefresh: (requestId: string) => Promise<boolean>;
}

/** A prompt that is on its way to the API, or that the API did not accept. */
export function SendingCard({ sending, deeds }: { readonly sending: Sending; readonly deeds: Deeds }): VNode {
  const { key, wish, trouble } = sending;
  const status =
    trouble === undefined ? (
      <Status text={words.sending} busy />
    ) : trouble.kind === "refused" ? (
      <Status
        text={trouble.status === 409 ? words.keyTaken : words.refused}
        detail={trouble.problems.map(({ field, message }) => `${field}: ${message}`).join("; ")}
      />
    ) : (
      <Status text={words.keptToSend} detail={words.trouble[trouble.kind]} busy />
    );
  return (
    <Frame prompt={wish.prompt} status={status}>
      {trouble?.kind === "refused" && (
        <Deed
          icon="change"
          label={words.change}
          onClick={() => {
            deeds.onEdit(wish);
            deeds.onDiscard(key);
          }}
        />
      )}
      {trouble !== undefined && trouble.kind !== "refused" && (
        <Deed icon="again" label={words.tryNow} onClick={deeds.onHurry} />
      )}
      {trouble !== undefined && (
        <Deed icon="stop" label={words.discard} onClick={() => deeds.onDiscard(key)} />
      )}
    </Frame>
  );
}

/** A request as the API knows it. */
export function RequestCard({ view, deeds }: { readonly view: RequestView; readonly deeds: Deeds }): VNode {
  const wish = wishOf(view);
  if (view.status !== "succeeded") {
    return (
      <Frame prompt={wish.prompt} status={<RequestStatus view={view} />}>
        <RequestDeeds view={view} deeds={deeds} />
      </Frame>
    );
  }
  return (
    <li class="card">
      <a class="mat" href={`#${view.requestId}`}>
        <Picture view={view} onRefresh={deeds.onRefresh} />
      </a>
      <p class="prompt" dir="auto">
        {view.prompt}
      </p>
      <p class="facts">{factsOf(view)}</p>
      <div class="deeds">
        <RequestDeeds view={view} deeds={deeds} />
      </div>
    </li>
  );
}

/** What can be done with a request in its status. */
export function RequestDeeds({ view, deeds }: { readonly view: RequestView; readonly deeds: Deeds }): VNode {
  const wish = wishOf(view);
  const [link, file] = view.status === "succeeded" ? [view.imageUrl, view.downloadUrl] : [];
  return (
    <>
      {view.status === "succeeded" && (
        <Deed icon="again" label={words.again} onClick={() => deeds.onEdit({ ...wish, seed: view.seed })} />
      )}
      {view.status === "failed" && (
        <Deed icon="again" label={words.repeat} onClick={() => deeds.onRepeat(wish)} />
      )}
      {!isOpen(view.status) && <Deed icon="change" label={words.change} onClick={() => deeds.onEdit(wish)} />}
      {link !== undefined && file !== undefined && (
        <>
          <a class="deed" href={file} title={words.download}>
            <Icon name="download" />
            <span>{words.download}</span>
          </a>
          <Deed icon="link" label={words.copyLink} onClick={() => deeds.onCopy(link)} />
        </>
      )}
      {isWaiting(view) ? (
        <Deed icon="stop" label={words.cancel} onClick={() => deeds.onCancel(view.requestId)} />
      ) : (
        !isOpen(view.status) && (
          <Deed icon="remove" label={words.remove} onClick={() => deeds.onRemove(view.requestId)} />
        )
      )}
    </>
  );
}

/** In the queue, or between two tries: only what is being painted cannot be stopped. */
function isWaiting(view: RequestView): boolean {
  return view.status === "queued" || (view.status === "generating" && view.reason !== undefined);
}

interface DeedProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
}

function Deed({ icon, label, onClick }: DeedProps): VNode {
  return (
    <button type="button" class="deed" title={label} onClick={onClick}>
      <Icon name={icon} />
      <span>{label}</span>
    </button>
  );
}

interface FrameProps {
  readonly prompt: string;
  readonly status: VNode;
  readonly children: ComponentChildren;
}

/** A card without a picture. */
function Frame({ prompt, status, children }: FrameProps): VNode {
  return (
    <li class="card">
      <div class="mat">{status}</div>
      <p class="prompt" dir="auto">
        {prompt}
      </p>
      <div class="deeds">{children}</div>
    </li>
  );
}

interface StatusProps {
  readonly text: string;
  readonly detail?: string | undefined;
  /** Whether something is going on. */
  readonly busy?: boolean;
}

function Status({ text, detail, busy = false }: StatusProps): VNode {
  return (
    <div class={busy ? "status busy" : "status"}>
      <p>{text}</p>
      {detail && <p class="detail">{detail}</p>}
    </div>
  );
}

function RequestStatus({ view }: { readonly view: RequestView }): VNode {
  switch (view.status) {
    case "queued":
      return (
        <Status
          text={view.queuePosition === 1 ? words.next : words.queued(view.queuePosition)}
          detail={words.wait(formatSeconds(view.estimatedWaitSeconds))}
          busy
        />
      );
    case "generating":
      return view.reason === undefined ? (
        <div class="status busy">
          <p>{words.generating}</p>
          <Elapsed since={view.timings.startedAt} />
        </div>
      ) : (
        <Status text={words.tryingAgain(words.cause[causeOf(view.reason.code)])} busy />
      );
    case "rejected":
      return view.reason.code === "ContentFilter" ? (
        <Status text={words.filtered} />
      ) : (
        <Status text={words.rejected} detail={view.reason.message} />
      );
    case "failed":
      return <Status text={words.failed(words.cause[causeOf(view.reason.code)])} />;
    case "cancelled":
      return <Status text={words.cancelled} />;
    case "expired":
      return <Status text={words.expired} />;
    case "succeeded":
      return <Status text="" />;
  }
}

/** How long something has been going on, every second. */
function Elapsed({ since }: { readonly since: string }): VNode {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  // The clocks of two machines differ.
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  return <p class="detail">{formatSeconds(seconds)}</p>;
}

/** What it cost and took. */
export function factsOf(view: Extract<RequestView, { status: "succeeded" }>): string {
  const { queuedAt, finishedAt } = view.timings;
  const seconds = (Date.parse(finishedAt) - Date.parse(queuedAt)) / 1000;
  return `${formatUsd(view.costUsd)} · ${formatSeconds(seconds)} · ${view.aspectRatio}`;
}

/** What was asked for, so that it can be asked for again; without a seed, which gives another picture. */
function wishOf(view: RequestView): Wish {
  // What the API refused as a whole it has as text.
  if (view.status === "rejected") return { prompt: promptIn(view.body) };
  const { prompt = "", negativePrompt, aspectRatio = "1:1", outputFormat = "png" } = view;
  return { prompt, aspectRatio, outputFormat, ...(negativePrompt !== undefined && { negativePrompt }) };
}

/** The prompt in the body of a message, which may be any text. */
function promptIn(body: string): string {
  try {
    const { prompt }: { prompt?: unknown } = JSON.parse(body);
    return typeof prompt === "string" ? prompt : body;
  } catch {
    return body;
  }
}
