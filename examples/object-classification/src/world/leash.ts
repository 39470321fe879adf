/**
 * Ends this process when the one that started it is gone, even when that was killed and could not say so: the channel
 * between the two closes then. Preloaded by the world into its children with `--import`, so that the services know
 * nothing of it. Does nothing in a process that was started without a channel.
 */

/** Time that an orderly stop may take before the process is killed, ms. */
const GRACE_MS = 8000

if (process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  // The listener alone would keep the process alive.
  process.channel.unref()
}
