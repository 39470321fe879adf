import { refusalStatus, respond, type HttpHandler } from './http.ts'
import { takeBody, type BodyOptions } from './request-body.ts'
import { takeTranslated, type Translate } from './translated.ts'

const TEXT = 'text/plain; charset=utf-8'

/**
 * Takes bodies of another format: 202 and nothing in the answer once the pipelines have them, else the status of what is wrong, in a line of text.
 * `translateOf`: what reads a content type, which is in lower case and without parameters, or empty; throws CollectorError where nothing does.
 */
export function translatedHandler(options: BodyOptions, translateOf: (contentType: string) => Translate): HttpHandler {
  const { intake } = options
  return (exchange) => {
    const { request, response, sender } = exchange
    const type = request.headers['content-type']?.split(';')[0]!.trim().toLowerCase() ?? ''
    const refuse = (thrown: unknown): void => {
      request.resume()
      const error = intake.refuse(thrown, sender)
      const status = refusalStatus(response, error)
      respond(response, status, TEXT, Buffer.from(`${status} ${error.message}\n`))
    }
    let translate: Translate
    try {
      translate = translateOf(type)
    } catch (error) {
      return refuse(error)
    }
    takeBody(
      exchange,
      options,
      (body, call) => takeTranslated(intake, translate, body.bytes, call),
      () => respond(response, 202, TEXT, new Uint8Array()),
      refuse,
    )
  }
}
