import { OtlpError } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import type { ErrorMessage } from './protocol.ts'

/** The error as a StorageError: what the file system says becomes `disk_full` or `io`, in the words of the operation that failed. */
export function storageError(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error
  const text = error instanceof Error ? error.message : String(error)
  if (error instanceof OtlpError)
    return new StorageError('corrupt', `${doing}: not valid OTLP: ${text}`, { cause: error })
  const code = (error as { code?: unknown } | undefined)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new StorageError('disk_full', `${doing}: ${text}; free some space, or lower the limit of the store`, {
      cause: error,
    })
  }
  return new StorageError('io', `${doing}: ${text}`, { cause: error })
}

export function toMessage(error: unknown, doing: string): ErrorMessage {
  const { code, message } = storageError(error, doing)
  return { code, message }
}

export function fromMessage({ code, message }: ErrorMessage): StorageError {
  return new StorageError(code, message)
}

export function readOnlyError(directory: string): StorageError {
  return new StorageError(
    'read_only',
    `the store in ${directory} is open to be read only; open it without readOnly to append to it`,
  )
}
