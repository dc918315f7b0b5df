export default function SqlPage() {
  return <main class="page" />;
}
