import { MessageChannel } from 'node:worker_threads'
import type { TraceStore } from '../../contract.ts'
import { nodeFileSystem, type File, type FileSystem } from '../files/file-system.ts'
import type { LocalStoreOptions, LocalStoreSettings } from '../options.ts'
import { Reader } from '../read/reader.ts'
import {
  connectThread,
  systemClock,
  threadPort,
  type Clock,
  type EnginePart,
  type Host,
  type Port,
  type RunningPart,
} from '../runtime.ts'
import { Sealer } from '../seal/sealer.ts'
import { Writer } from '../write/writer.ts'
import { openStoreOn } from './local-store.ts'
import { threadHost } from './thread-host.ts'

/**
 * The program's own store on the machine's files, all of it in this thread. Starting threads is what costs most where a test opens
 * many stores for what is in their files.
 */
export function openInSameThread(options: LocalStoreOptions): Promise<TraceStore> {
  return openStoreOn(sameThread, options)
}

const sameThread: Host = {
  ...threadHost,
  start<In, Out>(name: EnginePart, settings: LocalStoreSettings): RunningPart<In, Out> {
    const { port1, port2 } = new MessageChannel()
    const ended = Promise.withResolvers<string>()
    const ends: (() => void)[] = [() => port1.close(), () => port2.close()]
    const { files, closeAll } = tracked()
    begin(name, settings, files, mortal(ends), threadPort(port2))
    return {
      port: threadPort(port1),
      ended: ended.promise,
      terminate() {
        for (const end of ends) end()
        closeAll()
        ended.resolve('it was told to')
      },
    }
  },
}

function begin(
  name: EnginePart,
  settings: LocalStoreSettings,
  files: FileSystem,
  clock: Clock,
  port: Port<never, unknown>,
): void {
  switch (name) {
    case 'writer':
      return new Writer(settings, files, clock, connectThread, port).start()
    case 'sealer':
      return new Sealer(settings, files, clock, connectThread, port, () => {}).start()
    case 'lookup_reader':
    case 'search_reader':
      return new Reader(name, settings, files, clock, connectThread, port).start()
  }
}

/** Time that does not go on for a part that has ended. */
function mortal(ends: (() => void)[]): Clock {
  let isAlive = true
  ends.push(() => (isAlive = false))
  return {
    ...systemClock,
    after: (ms, run) => systemClock.after(ms, () => isAlive && run()),
    turn: () => new Promise((resolve) => setImmediate(() => isAlive && resolve())),
  }
}

/** Files that can be closed by somebody else, as those of a thread are when it ends. */
function tracked(): { files: FileSystem; closeAll: () => void } {
  const open = new Set<File>()
  return {
    files: {
      ...nodeFileSystem,
      open(path, mode) {
        const file = nodeFileSystem.open(path, mode)
        open.add(file)
        const close = file.close.bind(file)
        file.close = () => {
          open.delete(file)
          close()
        }
        return file
      },
    },
    closeAll() {
      for (const file of open) file.close()
    },
  }
}
