// The check comes before anything else is loaded: on an older Node the imports themselves would fail, and not say why.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(`spoor: Node 22.15 or newer is needed; this is Node ${process.versions.node}\n`)
  process.exit(1)
}
// Without top-level await, with which the bundler may move less code to where it is needed.
void run()

async function run(): Promise<void> {
  const { tuneGarbageCollection } = await import('@spoor/collector/process')
  tuneGarbageCollection()
  const { startsLocalStore } = await import('../bin/allocator.js')
  if (startsLocalStore(process.argv.slice(2))) {
    // They load what they need while this thread does.
    const { startThreadsEarly } = await import('@spoor/storage/early')
    startThreadsEarly()
  }
  // Who reads the banner or the log may leave, as `spoor | head` does; that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const { runCli } = await import('./cli.ts')
  process.exit(await runCli(process.argv))
}
