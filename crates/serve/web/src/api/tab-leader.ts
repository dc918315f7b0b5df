/**
 * Leader election among the tabs of a browser. Over HTTP/1.1 a browser opens six connections to a server for all tabs
 * together: with a stream in each tab, the seventh would get no answer.
 */

interface Options<Message> {
  /** The name of the group. */
  name: string;
  /** Run by the leading tab until it steps down. */
  lead: (signal: AbortSignal) => Promise<void>;
  /** Called with a message of another tab. */
  onMessage: (message: Message) => void;
}

/** The membership of a tab in a group. */
export interface TabGroup<Message> {
  /** Sends a message to the other tabs. */
  broadcast(message: Message): void;
  /** Requests the lead. One tab has it; the next gets it when that one steps down or is closed. */
  requestLead(): void;
  stepDown(): void;
  /** Steps down and receives no more messages. */
  leave(): void;
}

/**
 * Joins a group of tabs. Without the Web Locks API, as in pages from another host without TLS, each tab leads itself.
 */
export function joinTabGroup<Message>({ name, lead, onMessage }: Options<Message>): TabGroup<Message> {
  const locks = navigator.locks as LockManager | undefined;
  const channel = locks && typeof BroadcastChannel !== "undefined" ? new BroadcastChannel(name) : null;
  if (channel) channel.onmessage = ({ data }: MessageEvent<Message>) => onMessage(data);
  let request: AbortController | null = null;
  const stepDown = () => {
    request?.abort();
    request = null;
  };
  return {
    broadcast: message => {
      channel?.postMessage(message);
    },
    requestLead: () => {
      if (request) return;
      request = new AbortController();
      const { signal } = request;
      if (!locks || !channel) {
        lead(signal);
        return;
      }
      locks
        .request(name, { signal }, () => lead(signal))
        .catch(error => {
          // It stepped down before it got the lead.
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
