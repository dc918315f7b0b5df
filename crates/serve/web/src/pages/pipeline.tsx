export default function PipelinePage() {
  return <main class="page" />;
}
