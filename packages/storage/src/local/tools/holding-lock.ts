import { lockDirectory } from '../files/lock.ts'
import { storageError } from '../threads/error.ts'
import type { Work } from './work.ts'

/** Does `work` while this process has the directory. What fails comes as a StorageError in the words of `doing`. */
export async function holdingLock<T>(
  { directory }: Work,
  lock: (directory: string) => () => void = lockDirectory,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  const unlock = lock(directory)
  try {
    return await work()
  } catch (error) {
    throw storageError(error, doing)
  } finally {
    unlock()
  }
}
