import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Trouble, Wish } from "./api.ts";
import { type Deeds, RequestCard, SendingCard } from "./card.tsx";
import { Composer, type Draft, draftOf, EMPTY_DRAFT } from "./composer.tsx";
import { isOpen, type State, type Studio } from "./studio.ts";
import { Viewer } from "./viewer.tsx";
import { words } from "./words.ts";

const DRAFT = "draft";

interface AppProps {
  readonly studio: Studio;
  /** Undefined where nobody has to log in. */
  readonly login: { readonly begin: () => void; readonly logOut: () => void } | undefined;
}

/** The page of somebody who may use the API. */
export function App({ studio, login }: AppProps): VNode {
  const state = useStudio(studio);
  const [draft, setDraft] = useDraft();
  const [notice, setNotice] = useState("");
  const promptBox = useRef<HTMLTextAreaElement>(null);
  const openId = useHash();

  const paint = (wish: Wish) => {
    studio.paint(wish);
    promptBox.current?.focus();
  };
  const edit = (wish: Wish) => {
    setDraft(draftOf(wish));
    closeViewer();
    promptBox.current?.focus();
    promptBox.current?.scrollIntoView({ block: "center" });
  };
  const deeds: Deeds = {
    onEdit: edit,
    onRepeat: paint,
    onDiscard: (key) => studio.discard(key),
    onHurry: () => studio.hurry(),
    onCopy: async (url) => {
      const copied = await navigator.clipboard.writeText(url).then(
        () => true,
        () => false,
      );
      setNotice(copied ? words.copied : words.notCopied);
    },
    onCancel: async (requestId) => {
      const trouble = await studio.cancel(requestId);
      if (trouble !== undefined) setNotice(noticeOf(trouble));
    },
    onRemove: async (requestId) => {
      if (!confirm(words.confirmRemove)) return;
      const trouble = await studio.remove(requestId);
      if (trouble !== undefined) return setNotice(noticeOf(trouble));
      if (openId === requestId) closeViewer();
      promptBox.current?.focus();
      setNotice(words.removed);
    },
    onRefresh: (requestId) => studio.refresh(requestId),
  };
  const { sending, requests, older, trouble, news } = state;
  const isEmpty = sending.length === 0 && requests.length === 0 && older === "none";
  const open = requests.find(({ requestId }) => requestId === openId);
  return (
    <>
      <header>
        <h1>Couch Explorers</h1>
        <p>{words.tagline}</p>
        {login !== undefined && (
          <button type="button" class="quiet" onClick={login.logOut}>
            {words.logOut}
          </button>
        )}
      </header>
      <main>
        <Composer
          draft={draft}
          onChange={setDraft}
          onPaint={(wish) => {
            paint(wish);
            setDraft({ ...EMPTY_DRAFT, aspectRatio: draft.aspectRatio, outputFormat: draft.outputFormat });
          }}
          promptBox={promptBox}
        />
        {trouble !== undefined && trouble.kind !== "refused" && (
          <div class="banner" role="alert">
            <p>{words.trouble[trouble.kind]}</p>
            {trouble.kind === "logged-out" && login !== undefined ? (
              <button type="button" onClick={login.begin}>
                {words.logIn}
              </button>
            ) : (
              <button type="button" onClick={deeds.onHurry}>
                {words.tryNow}
              </button>
            )}
          </div>
        )}
        <section aria-label={words.gallery}>
          {isEmpty ? (
            <div class="empty">
              <p class="serif">{words.empty}</p>
              <ul>
                {words.examples.map((prompt) => (
                  <li key={prompt}>
                    <button type="button" onClick={() => edit({ prompt, aspectRatio: draft.aspectRatio })}>
                      {prompt}
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          ) : (
            <ul class="gallery">
              {sending.map((each) => (
                <SendingCard key={each.key} sending={each} deeds={deeds} />
              ))}
              {requests.map((view) => (
                <RequestCard key={view.requestId} view={view} deeds={deeds} />
              ))}
            </ul>
          )}
          {older === "loading" && <p class="loading busy">{words.loading}</p>}
          {older === "some" && trouble === undefined && <Older onReach={() => void studio.loadOlder()} />}
        </section>
      </main>
      <footer>
        <p>{words.machine}</p>
      </footer>
      <p class="visually-hidden" role="status">
        {newsOf(news)}
      </p>
      <p
        class={notice === "" ? "visually-hidden" : "notice"}
        role="status"
        onAnimationEnd={() => setNotice("")}
      >
        {notice}
      </p>
      {open?.status === "succeeded" && (
        <Viewer key={open.requestId} view={open} deeds={deeds} onClose={closeViewer} />
      )}
    </>
  );
}

/** A button at the end of the gallery, which presses itself when one scrolls to it. */
function Older({ onReach }: { readonly onReach: () => void }): VNode {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) onReach();
      },
      // Before one gets there.
      { rootMargin: "400px" },
    );
    if (button.current !== null) observer.observe(button.current);
    return () => observer.disconnect();
  }, [onReach]);
  return (
    <button type="button" class="older" ref={button} onClick={onReach}>
      {words.older}
    </button>
  );
}

/** Why a request was neither cancelled nor deleted. */
function noticeOf(trouble: Trouble): string {
  if (trouble.kind !== "refused") return words.trouble[trouble.kind];
  return trouble.status === 409 ? words.tooLate : words.refused;
}

/** What a screen reader says when a request changes. */
function newsOf(news: State["news"]): string {
  if (news === undefined) return "";
  if (news.status === "succeeded") return words.ready(news.prompt);
  if (isOpen(news.status)) return words.accepted(("prompt" in news && news.prompt) || "");
  return words.failed("");
}

/** Goes back to the gallery, as the browser's own button does. */
function closeViewer(): void {
  if (location.hash !== "") history.back();
}

function useStudio(studio: Studio): State {
  const [state, setState] = useState(studio.state);
  useEffect(() => studio.subscribe(setState), [studio]);
  return state;
}

/** What is being typed: kept for this tab, so that neither loading the page again nor a login loses it. */
function useDraft(): [Draft, (draft: Draft) => void] {
  const [draft, setDraft] = useState<Draft>(() => ({
    ...EMPTY_DRAFT,
    ...JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}"),
  }));
  const keep = (next: Draft) => {
    sessionStorage.setItem(DRAFT, JSON.stringify(next));
    setDraft(next);
  };
  return [draft, keep];
}

/** The id in the address: of the picture that is open. */
function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = () => setHash(location.hash);
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return hash.slice(1);
}
