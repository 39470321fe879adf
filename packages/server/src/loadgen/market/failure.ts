import type { Random } from '../random.ts'
import type { Attributes } from './draft.ts'
import type { Language } from './services.ts'
import { fill, type Subject } from './subject.ts'

/** What goes wrong in an operation or a step of it. */
export type Failure = 'timeout' | 'refused' | 'constraint' | 'declined' | 'overloaded' | 'bug'

interface Words {
  readonly type: Readonly<Partial<Record<Language, string>>> & { readonly go: string }
  readonly message: string
  readonly httpStatus: number
  readonly rpcStatus: number
}

const WORDS: Readonly<Record<Failure, Words>> = {
  timeout: {
    type: {
      go: 'context.deadlineExceededError',
      java: 'java.net.http.HttpTimeoutException',
      python: 'httpx.ReadTimeout',
      nodejs: 'TimeoutError',
      dotnet: 'System.Threading.Tasks.TaskCanceledException',
    },
    message: 'request timed out after 3000 ms (attempt id {number})',
    httpStatus: 504,
    rpcStatus: 4,
  },
  refused: {
    type: {
      go: '*net.OpError',
      java: 'java.net.ConnectException',
      python: 'ConnectionRefusedError',
      nodejs: 'Error',
      dotnet: 'System.Net.Http.HttpRequestException',
    },
    message: 'connect ECONNREFUSED 10.43.17.201:{number}',
    httpStatus: 502,
    rpcStatus: 14,
  },
  constraint: {
    type: {
      go: '*pgconn.PgError',
      java: 'org.springframework.dao.DataIntegrityViolationException',
      python: 'sqlalchemy.exc.IntegrityError',
      nodejs: 'DatabaseError',
      dotnet: 'MySqlConnector.MySqlException',
    },
    message: 'duplicate key value violates unique constraint "orders_pkey": Key (id)=({order}) already exists.',
    httpStatus: 409,
    rpcStatus: 6,
  },
  declined: {
    type: {
      go: '*errors.errorString',
      java: 'com.market.payment.CardDeclinedException',
      python: 'market.payment.CardDeclined',
      nodejs: 'CardDeclinedError',
      dotnet: 'Market.Payments.CardDeclinedException',
    },
    message: 'Karte von {user} abgelehnt: Limit überschritten (決済が拒否されました)',
    httpStatus: 402,
    rpcStatus: 9,
  },
  overloaded: {
    type: {
      go: '*status.Error',
      java: 'io.grpc.StatusRuntimeException',
      python: 'grpc.aio.AioRpcError',
      nodejs: 'ServiceUnavailableError',
      dotnet: 'Grpc.Core.RpcException',
    },
    message: 'UNAVAILABLE: upstream connect error or disconnect/reset before headers. reset reason: overflow',
    httpStatus: 503,
    rpcStatus: 14,
  },
  bug: {
    type: {
      go: 'runtime.boundsError',
      java: 'java.lang.NullPointerException',
      python: 'KeyError',
      nodejs: 'TypeError',
      dotnet: 'System.NullReferenceException',
    },
    message: "Cannot read properties of undefined (reading 'price') for {product}",
    httpStatus: 500,
    rpcStatus: 13,
  },
}

export const httpStatusOf = (failure: Failure | undefined): number => (failure ? WORDS[failure].httpStatus : 200)
export const rpcStatusOf = (failure: Failure | undefined): number => (failure ? WORDS[failure].rpcStatus : 0)
export const errorTypeOf = (language: Language, failure: Failure): string =>
  WORDS[failure].type[language] ?? WORDS[failure].type.go
export const messageOf = (failure: Failure, subject: Subject, random: Random): string =>
  fill(WORDS[failure].message, subject, random)

/** The attributes of an `exception` event, with the stack trace as that language prints it. */
export function exceptionOf(language: Language, operation: string, message: string, failure: Failure): Attributes {
  const type = errorTypeOf(language, failure)
  return {
    'exception.type': type,
    'exception.message': message,
    'exception.stacktrace': (STACKS[language] ?? nodeStack)(type, message, operation),
    ...(language === 'java' || language === 'python'
      ? { 'exception.escaped': language === 'python' ? 'False' : false }
      : {}),
  }
}

const STACKS: Partial<Record<Language, (type: string, message: string, operation: string) => string>> = {
  java: (type, message, operation) =>
    [
      `${type}: ${message}`,
      ...javaFrames(operation, 9),
      '\tat org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:258)',
      '\tat org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter.invokeHandlerMethod(RequestMappingHandlerAdapter.java:986)',
      '\tat org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)',
      '\tat org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java:195)',
      '\tat org.apache.coyote.http11.Http11Processor.service(Http11Processor.java:397)',
      '\tat java.base/java.lang.VirtualThread.run(VirtualThread.java:329)',
      `Caused by: java.io.IOException: ${message}`,
      ...javaFrames(operation, 4),
      '\t... 27 more',
    ].join('\n'),
  python: (type, message, operation) =>
    [
      'Traceback (most recent call last):',
      '  File "/usr/local/lib/python3.13/site-packages/starlette/middleware/errors.py", line 164, in __call__',
      '    await self.app(scope, receive, _send)',
      '  File "/usr/local/lib/python3.13/site-packages/fastapi/routing.py", line 301, in app',
      '    raw_response = await run_endpoint_function(dependant=dependant, values=values)',
      `  File "/app/market/handlers.py", line ${40 + operation.length}, in ${identifier(operation)}`,
      '    return await service.execute(command)',
      `  File "/app/market/service.py", line ${120 + operation.length}, in execute`,
      '    raise self._translate(error) from error',
      `${type}: ${message}`,
    ].join('\n'),
  go: (type, message, operation) =>
    [
      `${type}: ${message}`,
      'goroutine 8127 [running]:',
      'runtime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:26 +0x5e',
      `market/internal/server.(*Server).${identifier(operation)}(0xc0004a2000, {0x1a3f0e8, 0xc000b1c3f0})\n\t/src/internal/server/server.go:${88 + operation.length} +0x2c5`,
      'google.golang.org/grpc.(*Server).processUnaryRPC(0xc0001fe200)\n\t/go/pkg/mod/google.golang.org/grpc@v1.75.1/server.go:1405 +0x1036',
    ].join('\n'),
  dotnet: (type, message, operation) =>
    [
      `${type}: ${message}`,
      `   at Market.Handlers.${identifier(operation)}Handler.HandleAsync(HttpContext context) in /src/Handlers.cs:line ${30 + operation.length}`,
      '   at Microsoft.AspNetCore.Routing.EndpointMiddleware.<Invoke>g__AwaitRequestTask|7_0(Endpoint endpoint, Task requestTask, ILogger logger)',
      '   at Microsoft.AspNetCore.Diagnostics.ExceptionHandlerMiddlewareImpl.<Invoke>g__Awaited|10_0(ExceptionHandlerMiddlewareImpl middleware, HttpContext context, Task task)',
    ].join('\n'),
}

function nodeStack(type: string, message: string, operation: string): string {
  return [
    `${type}: ${message}`,
    `    at ${identifier(operation)} (/app/dist/handlers/${identifier(operation)}.js:${20 + operation.length}:17)`,
    '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
    '    at async /app/node_modules/koa-router/lib/router.js:372:16',
    '    at async dispatch (/app/node_modules/koa-compose/index.js:42:32)',
  ].join('\n')
}

const javaFrames = (operation: string, count: number): string[] =>
  Array.from(
    { length: count },
    (_, i) =>
      `\tat com.market.${identifier(operation).toLowerCase()}.${['Controller', 'Service', 'Repository'][i % 3]}.${identifier(operation)}$${i}(${identifier(operation)}.java:${31 + i * 17 + operation.length})`,
  )

const identifier = (operation: string): string => operation.replaceAll(/[^A-Za-z]/g, '').slice(0, 24)
