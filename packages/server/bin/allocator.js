import { accessSync, constants } from 'node:fs'

/**
 * For glibc, which reads them once, when a process starts: mallopt(3). Left alone, it keeps what a thread has freed for that thread, in pieces, and maps only what is larger than
 * anything that was freed before, up to 32 MiB. The program's threads make and free large buffers all the time: a third of its memory was free (docs/adr/0024-memory-of-the-allocator.md).
 */
const SETTINGS = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '2097152' }

/** Whether these arguments start the store, whose threads have most to gain, and not a collector alone, or a tool that ends by itself. */
export function startsStore(args) {
  return args.every((arg) => !/^(?:-h|-v|--help|--version)$/.test(arg)) && /^(?:-|query$|ingest$)/.test(args[0] ?? '-')
}

/** Whether it is the whole of Spoor, and its store has threads here: not one on another machine. */
export function startsLocalStore(args, env = process.env) {
  const isWhole = startsStore(args) && (args[0] ?? '-').startsWith('-')
  return isWhole && !env.SPOOR_STORE && args.every((arg) => !/^--store(?:=|$)/.test(arg))
}

/**
 * Starts the program anew in its place, with the same process id, streams and arguments, and with the settings above. Returns where that cannot be done, is not
 * worth it, or has been done: also where somebody has set something of the allocator.
 */
export function restartWithAllocator() {
  const { env, execArgv, execPath, argv } = process
  const isSet = Object.keys(env).some((name) => name.startsWith('MALLOC_') || name === 'GLIBC_TUNABLES')
  // A channel to a parent does not outlive this.
  if (process.platform !== 'linux' || !process.execve || process.channel || isSet || !startsStore(argv.slice(2))) return
  try {
    // What fails in the call itself ends the process.
    accessSync(execPath, constants.X_OK)
  } catch {
    return
  }
  // Nobody needs to hear that it is experimental, and nothing comes after it here.
  process.emitWarning = () => {}
  process.execve(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, ...SETTINGS })
}
