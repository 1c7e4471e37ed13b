// The WebSocket to the tray: calls with answers, events, and coming back by itself.

import type { Command, Fault, FromTray } from "../gen/protocol";
import { BROWSER, type Clock } from "./throttle";

/** Raised by a call: every reason that was given. */
export class CallError extends Error {
  constructor(readonly faults: readonly Fault[]) {
    super(faults.map((fault) => fault.code).join(", "));
  }
}

export type Link = "connecting" | "open" | "away";
export type Event = Exclude<FromTray, { type: "answer" } | { type: "unanswered" }>;
export type Payload = Extract<FromTray, { type: "answer" }>["payload"];

/** The part of WebSocket that is used. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
  send(data: string): void;
  close(): void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;

/** How long to wait before the nth attempt in a row. */
export function wait(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10));
}

interface Waiting {
  resolve(payload: Payload): void;
  reject(error: CallError): void;
}

export class Connection {
  private socket: Socket | null = null;
  private attempts = 0;
  private nextId = 1;
  private readonly calls = new Map<number, Waiting>();

  constructor(
    private readonly open: () => Socket,
    private readonly onEvent: (event: Event) => void,
    private readonly onLink: (link: Link) => void,
    private readonly clock: Clock = BROWSER,
  ) {}

  /** Connect, and stay connected from now on. */
  connect(): void {
    const socket = this.open();
    socket.onopen = () => {
      this.socket = socket;
      this.attempts = 0;
      this.onLink("open");
    };
    socket.onmessage = (event) => this.take(JSON.parse(event.data) as FromTray);
    socket.onclose = () => this.lost();
  }

  /** Send a command; resolves with its payload, rejects with a CallError. */
  call(command: Command): Promise<Payload> {
    const socket = this.socket;
    if (!socket) return Promise.reject(new CallError([{ code: "panel_away", details: {} }]));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject });
      socket.send(JSON.stringify({ type: "call", id, command }));
    });
  }

  private take(message: FromTray): void {
    if (message.type === "answer") this.settle(message.id)?.resolve(message.payload);
    else if (message.type === "unanswered") this.settle(message.id)?.reject(new CallError(message.faults));
    else this.onEvent(message);
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.calls.get(id);
    this.calls.delete(id);
    return waiting;
  }

  private lost(): void {
    this.socket = null;
    for (const id of [...this.calls.keys()]) {
      this.settle(id)?.reject(new CallError([{ code: "panel_away", details: {} }]));
    }
    this.onLink("away");
    this.clock.after(wait(this.attempts++), () => this.connect());
  }
}
