/**
 * One tab of a browser that does something for all of them. Over HTTP/1.1 a browser opens six connections to a server, for
 * all tabs together: with a stream in each, the seventh tab would get no answer at all.
 */

interface Options<Message> {
  /** Tabs that give the same name are one group. */
  name: string;
  /** What the leading tab does until it steps down. */
  lead: (signal: AbortSignal) => Promise<void>;
  /** What another tab told. */
  onMessage: (message: Message) => void;
}

/** A tab among those of a group. */
export interface TabGroup<Message> {
  /** Sends a message to the other tabs. */
  broadcast(message: Message): void;
  /** Stands for the lead: one tab of those that do has it, the next one when that steps down or is closed. */
  requestLead(): void;
  stepDown(): void;
  /** Steps down, and hears nothing any more. */
  leave(): void;
}

/**
 * Joins a group of tabs. Where the browser has no locks, as in a page that came without TLS from another machine, each tab
 * that stands leads itself.
 */
export function joinTabGroup<Message>({ name, lead, onMessage }: Options<Message>): TabGroup<Message> {
  const locks = navigator.locks as LockManager | undefined;
  const channel = locks && typeof BroadcastChannel !== "undefined" ? new BroadcastChannel(name) : null;
  if (channel) channel.onmessage = ({ data }: MessageEvent<Message>) => onMessage(data);
  let standing: AbortController | null = null;
  const stepDown = () => {
    standing?.abort();
    standing = null;
  };
  return {
    broadcast: message => {
      channel?.postMessage(message);
    },
    requestLead: () => {
      if (standing) return;
      standing = new AbortController();
      const { signal } = standing;
      if (!locks || !channel) {
        lead(signal);
        return;
      }
      locks
        .request(name, { signal }, () => lead(signal))
        .catch(error => {
          // It stepped down before its turn came.
          if (!signal.aborted) throw error;
        });
    },
    stepDown,
    leave: () => {
      stepDown();
      channel?.close();
    },
  };
}
