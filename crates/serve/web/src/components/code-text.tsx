/** Text of the server, which puts names in backticks. */

/** The same with the names as code. */
export function CodeText({ text }: { text: string }) {
  return <span>{text.split("`").map((part, n) => (n % 2 === 1 ? <code key={part}>{part}</code> : part))}</span>;
}
