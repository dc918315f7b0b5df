export default function QueriesPage() {
  return <main class="page" />;
}
