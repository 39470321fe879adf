/** Reads the one file of a `multipart/form-data` request. */
import type { IncomingMessage } from 'node:http'
import busboy from 'busboy'
import { UploadError } from './image.ts'

/** An uploaded file. */
export interface Upload {
  /** As the sender named it; for people only. */
  readonly fileName: string
  readonly bytes: Buffer
}

/** The largest file that is taken, bytes. */
export const MAX_UPLOAD_BYTES = 20 * 1024 * 1024
/** The form's field. */
const FIELD = 'file'

/**
 * Reads the field `file`. Other fields are ignored.
 *
 * @throws {UploadError} `no_file` when the request is no form or has no such field, `too_large`.
 */
export function readUpload(request: IncomingMessage): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const noFile = (found: string, cause?: unknown): UploadError =>
      new UploadError(
        'no_file',
        `${found}; send multipart/form-data with the photograph in the field "${FIELD}"`,
        cause,
      )
    let form: busboy.Busboy
    try {
      form = busboy({ headers: request.headers, limits: { fileSize: MAX_UPLOAD_BYTES, files: 4, fields: 16 } })
    } catch (error) {
      request.resume()
      reject(noFile(`the request is not a form (content-type: ${request.headers['content-type'] ?? 'none'})`, error))
      return
    }
    let upload: Upload | undefined
    form.on('file', (field, stream, { filename }) => {
      if (field !== FIELD || upload) {
        stream.resume()
        return
      }
      const chunks: Buffer[] = []
      // The form's own error tells what went wrong.
      stream.on('error', () => undefined)
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('limit', () =>
        reject(new UploadError('too_large', `the file is larger than ${MAX_UPLOAD_BYTES / 1024 / 1024} MiB`)),
      )
      stream.on('close', () => {
        upload = { fileName: filename || 'unnamed', bytes: Buffer.concat(chunks) }
      })
    })
    form.on('close', () => {
      if (!upload) reject(noFile('the form has no file'))
      else if (upload.bytes.length === 0) reject(noFile('the file is empty'))
      else resolve(upload)
    })
    form.on('error', (error) => reject(noFile('the form ends too early or is malformed', error)))
    request.on('error', (error) => reject(noFile('the request was cut off', error)))
    request.pipe(form)
  })
}
