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
  /** Why the page does not know the news; undefined while it does. */
  readonly trouble: Trouble | undefined;
  /** The requests whose status has changed since the last call: for whoever does not see the page. */
  readonly news: RequestView | undefined;
}

/** How often to see what is due, in milliseconds. */
const TICK_MS = 250;
/** The most calls at once. */
const MOST_CALLS = 4;
/** Limits of the time between two looks at a request, in milliseconds: somebody is watching. */
const [SHORTEST_MS, LONGEST_MS] = [1_000, 5_000];
/** The first wait before something is sent again, and the longest, in milliseconds. */
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [1_000, 30_000];

const OUTBOX = "outbox";

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
  #state: State;

  constructor(api: Api) {
    this.#api = api;
    this.#state = { sending: readOutbox(), requests: [], trouble: undefined, news: undefined };
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
    setInterval(() => this.#work(), TICK_MS);
    this.#others.onmessage = ({ data }) => void (typeof data === "string" && this.#look(data));
    // Whoever comes back does not wait for the next turn.
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

  /** Gets a request as it is now, with a new link to its picture. */
  async refresh(requestId: string): Promise<boolean> {
    return (await this.#look(requestId)).ok;
  }

  #work(): void {
    if (document.visibilityState !== "visible") return;
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
      const told = { key, wish, trouble: answer.trouble };
      this.#setSending(this.#state.sending.map((each) => (each.key === key ? told : each)));
      return;
    }
    this.discard(key);
    this.#take(answer);
    this.#others.postMessage(answer.value.requestId);
  }

  async #look(requestId: string): Promise<Answer<RequestView>> {
    const answer = await this.#api.look(requestId);
    if (answer.ok) this.#take(answer);
    else {
      this.#postpone(requestId);
      this.#set({ trouble: answer.trouble });
    }
    return answer;
  }

  #take({ value, retryMs }: Extract<Answer<RequestView>, { ok: true }>): void {
    const { requestId } = value;
    this.#tries.delete(requestId);
    this.#due.set(requestId, Date.now() + Math.min(Math.max(retryMs, SHORTEST_MS), LONGEST_MS));
    const before = this.#state.requests.find((each) => each.requestId === requestId);
    const requests =
      before === undefined
        ? [value, ...this.#state.requests]
        : this.#state.requests.map((each) => (each === before ? value : each));
    const isNews = before?.status !== value.status;
    this.#set({ requests, trouble: undefined, ...(isNews && { news: value }) });
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

function readOutbox(): Sending[] {
  return JSON.parse(sessionStorage.getItem(OUTBOX) ?? "[]");
}
