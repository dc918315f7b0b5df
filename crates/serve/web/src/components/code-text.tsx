/** Text of the server with names in backticks. */

/** Shows text in backticks as code. */
export function CodeText({ text }: { text: string }) {
  return <span>{text.split("`").map((part, n) => (n % 2 === 1 ? <code key={part}>{part}</code> : part))}</span>;
}
