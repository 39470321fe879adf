import { nodeFileSystem, type File, type FileSystem } from './file-system.ts'

/** The machine's files, of which some do something else: `change` gives what a file does otherwise, or nothing. */
export function filesThat(change: (file: File, path: string) => Partial<File> | undefined): FileSystem {
  return {
    ...nodeFileSystem,
    open(path, mode) {
      const file = nodeFileSystem.open(path, mode)
      return {
        read: (...args) => file.read(...args),
        write: (...args) => file.write(...args),
        size: () => file.size(),
        identity: () => file.identity(),
        truncate: (size) => file.truncate(size),
        sync: () => file.sync(),
        dataSync: (done) => file.dataSync(done),
        close: () => file.close(),
        ...change(file, path),
      }
    },
  }
}
