/** What the services that are built on Express share. */
import express from 'express'
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express'
import type { ErrorAnswer } from './prediction.ts'

/** An application whose answers say nothing of what it is built on. */
export function createApp(): Express {
  const app = express()
  app.disable('x-powered-by')
  return app
}

/** A handler whose rejection becomes the error answer. */
export function handler(handle: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => {
    handle(request, response).catch(next)
  }
}

/** Answers what went wrong as JSON; bodies that are too large or cut off come from Express with their status. */
export const answerErrors: ErrorRequestHandler = (error: unknown, _request, response: Response<ErrorAnswer>, next) => {
  if (response.headersSent) {
    next(error)
    return
  }
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500
  const message = error instanceof Error ? error.message : String(error)
  response.status(status).json({ error: { code: status < 500 ? 'bad_request' : 'failed', message } })
}
