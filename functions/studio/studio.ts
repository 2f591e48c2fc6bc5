import type { RequestView } from "../api/request-view.ts";
import type { Answer, Api, Trouble, Wish } from "./api.ts";

/** A prompt that the API has not accepted yet. */
export interface Sending {
  readonly key: string;
  readonly wish: Wish;
  /** Why the last try to send it did not work. */
  readonly trouble?: Trouble;
}

/** Everything that the page shows. */
export interface State {
  /** Newest first. */
  readonly sending: readonly Sending[];
  /** Newest first. */
  readonly requests: readonly RequestView[];
  /** Older requests: being loaded, to be loaded, or none. */
  readonly older: "loading" | "some" | "none";
  /** Why the page does not know the news; undefined while it does. */
  readonly trouble: Trouble | undefined;
  /** The requests whose status has changed since the last call: for screen readers. */
  readonly news: RequestView | undefined;
}

/** How often to see what is due, in milliseconds. */
const TICK_MS = 250;
/** The most calls at once. */
const MOST_CALLS = 4;
/** Limits of the time between two looks at a request, in milliseconds: somebody is watching. */
const [SHORTEST_MS, LONGEST_MS] = [1_000, 2_000];
/** The first wait before something is sent again, and the longest, in milliseconds. */
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [1_000, 30_000];

const OUTBOX = "outbox";
/** What is due where it is no request: the next page of them. */
const OLDER = "older";
/** The ids of this browser's requests, newest first: where everybody may call the API, it keeps no list of anybody's. */
const OWN_IDS = "requests";
/** The most ids that are kept. */
const MOST_OWN_IDS = 50;

/** Keeps the requests of the page up to date, and sends what is to be sent until it is accepted. */
export class Studio {
  readonly #api: Api;
  readonly #listeners = new Set<(state: State) => void>();
  /** The other pages of this browser. */
  readonly #others = new BroadcastChannel("studio");
  /** When to look at a request or to send a prompt again, by its id or key; in milliseconds since the epoch. */
  readonly #due = new Map<string, number>();
  readonly #tries = new Map<string, number>();
  #calls = 0;
  #cursor: string | undefined;
  #keepsIds = false;
  #state: State;

  constructor(api: Api) {
    this.#api = api;
    this.#state = { sending: readOutbox(), requests: [], older: "some", trouble: undefined, news: undefined };
  }

  get state(): State {
    return this.#state;
  }

  subscribe(listener: (state: State) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Begins to work, for as long as the page is there. */
  start(): void {
    void this.loadOlder();
    setInterval(() => this.#work(), TICK_MS);
    this.#others.onmessage = ({ data }) => void (typeof data === "string" && this.#look(data));
    // A person who comes back does not wait for the next turn, and may have painted elsewhere.
    for (const event of ["online", "focus", "pageshow"]) {
      addEventListener(event, () => this.hurry());
    }
  }

  /** Takes a prompt: it is sent until the API has accepted it, also after the page was loaded again. */
  paint(wish: Wish): void {
    this.#setSending([{ key: crypto.randomUUID(), wish }, ...this.#state.sending]);
    this.#work();
  }

  /** Gives up a prompt that is not accepted. */
  discard(key: string): void {
    this.#setSending(this.#state.sending.filter((each) => each.key !== key));
  }

  /** Does at once what is to be done later. */
  hurry(): void {
    this.#due.clear();
    this.#work();
  }

  /** Loads the next page of requests. */
  async loadOlder(): Promise<void> {
    if (this.#state.older !== "some") return;
    this.#set({ older: "loading" });
    const answer = await this.#api.list(this.#cursor);
    if (answer.ok) {
      this.#cursor = answer.value.next;
      this.#add(answer.value.requests);
      this.#set({ older: this.#cursor === undefined ? "none" : "some", trouble: undefined });
    } else if (answer.trouble.kind === "refused") {
      this.#keepsIds = true;
      const looked = await Promise.all(ownIds().map((id) => this.#look(id)));
      const isDone = looked.every((each) => each.ok || each.trouble.kind === "refused");
      this.#set({ older: isDone ? "none" : "some" });
    } else {
      this.#postpone(OLDER);
      this.#set({ older: "some", trouble: answer.trouble });
    }
  }

  /** Cancels a request. Undefined where that was possible. */
  async cancel(requestId: string): Promise<Trouble | undefined> {
    return this.#withdraw(requestId, await this.#api.cancel(requestId));
  }

  /** Erases a request and its picture. Undefined where that was possible. */
  async remove(requestId: string): Promise<Trouble | undefined> {
    return this.#withdraw(requestId, await this.#api.remove(requestId));
  }

  #withdraw(requestId: string, answer: Answer<RequestView | undefined>): Trouble | undefined {
    if (!answer.ok) return answer.trouble;
    if (answer.value === undefined) this.#forget(requestId);
    else this.#add([answer.value]);
    this.#others.postMessage(requestId);
    return undefined;
  }

  /** Gets a request as it is now, with a new link to its picture. */
  async refresh(requestId: string): Promise<boolean> {
    return (await this.#look(requestId)).ok;
  }

  #work(): void {
    const { trouble, older } = this.#state;
    // Without a login nothing works until the page is loaded again.
    if (document.visibilityState !== "visible" || trouble?.kind === "logged-out") return;
    if (trouble !== undefined && older === "some") this.#attempt(OLDER, () => this.loadOlder());
    for (const each of this.#state.sending) {
      if (each.trouble?.kind !== "refused") this.#attempt(each.key, () => this.#send(each));
    }
    for (const { requestId, status } of this.#state.requests) {
      if (isOpen(status)) this.#attempt(requestId, () => this.#look(requestId));
    }
  }

  /** Makes a call if it is due and there is room for it. */
  #attempt(id: string, call: () => Promise<unknown>): void {
    if (this.#calls >= MOST_CALLS || (this.#due.get(id) ?? 0) > Date.now()) return;
    this.#calls += 1;
    this.#due.set(id, Number.POSITIVE_INFINITY);
    void call().finally(() => {
      this.#calls -= 1;
      if (this.#due.get(id) === Number.POSITIVE_INFINITY) this.#due.delete(id);
    });
  }

  async #send(sending: Sending): Promise<void> {
    const { key, wish } = sending;
    const answer = await this.#api.send(key, wish);
    if (!answer.ok) {
      this.#postpone(key);
      const { trouble } = answer;
      const told = { key, wish, trouble };
      // To log in is for the page, not for the card.
      if (trouble.kind === "logged-out") this.#set({ trouble });
      this.#setSending(this.#state.sending.map((each) => (each.key === key ? told : each)));
      return;
    }
    this.discard(key);
    this.#take(answer);
    const { requestId } = answer.value;
    if (this.#keepsIds) keepOwnIds([requestId, ...ownIds().filter((each) => each !== requestId)]);
    this.#others.postMessage(requestId);
  }

  async #look(requestId: string): Promise<Answer<RequestView>> {
    const answer = await this.#api.look(requestId);
    if (answer.ok) this.#take(answer);
    else if (answer.trouble.kind === "refused") this.#forget(requestId);
    else {
      this.#postpone(requestId);
      const isWaitedFor = this.#state.requests.some(
        (each) => each.requestId === requestId && isOpen(each.status),
      );
      if (isWaitedFor || answer.trouble.kind === "logged-out") this.#set({ trouble: answer.trouble });
    }
    return answer;
  }

  #take({ value, retryMs }: Extract<Answer<RequestView>, { ok: true }>): void {
    const { requestId } = value;
    this.#tries.delete(requestId);
    this.#due.set(requestId, Date.now() + Math.min(Math.max(retryMs, SHORTEST_MS), LONGEST_MS));
    const before = this.#state.requests.find((each) => each.requestId === requestId);
    this.#add([value]);
    this.#set({ trouble: undefined, ...(before?.status !== value.status && { news: value }) });
  }

  /** Takes requests as they are now in between the others. */
  #add(changed: readonly RequestView[]): void {
    const byId = new Map(this.#state.requests.map((each) => [each.requestId, each]));
    for (const each of changed) byId.set(each.requestId, each);
    const requests = [...byId.values()].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
    this.#set({ requests });
  }

  /** The request is deleted, here or elsewhere. */
  #forget(requestId: string): void {
    if (this.#keepsIds) keepOwnIds(ownIds().filter((each) => each !== requestId));
    this.#set({ requests: this.#state.requests.filter((each) => each.requestId !== requestId) });
  }

  /** Exponential back-off, half of it at random. */
  #postpone(id: string): void {
    const tries = this.#tries.get(id) ?? 0;
    this.#tries.set(id, tries + 1);
    const longest = Math.min(FIRST_RETRY_MS * 2 ** tries, LAST_RETRY_MS);
    this.#due.set(id, Date.now() + longest * (0.5 + Math.random() / 2));
  }

  #setSending(sending: readonly Sending[]): void {
    // Of this tab alone, so that two tabs do not send it both.
    sessionStorage.setItem(OUTBOX, JSON.stringify(sending.map(({ key, wish }) => ({ key, wish }))));
    this.#set({ sending });
  }

  #set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener(this.#state);
  }
}

/** Whether a request may still change by itself. */
export function isOpen(status: RequestView["status"]): boolean {
  return status === "queued" || status === "generating";
}

/** When a request was sent for the first time. */
function bornAt({ createdAt, timings }: RequestView): string {
  return createdAt ?? timings.queuedAt ?? "";
}

function ownIds(): string[] {
  return JSON.parse(localStorage.getItem(OWN_IDS) ?? "[]");
}

function keepOwnIds(ids: readonly string[]): void {
  localStorage.setItem(OWN_IDS, JSON.stringify(ids.slice(0, MOST_OWN_IDS)));
}

function readOutbox(): Sending[] {
  return JSON.parse(sessionStorage.getItem(OUTBOX) ?? "[]");
}
