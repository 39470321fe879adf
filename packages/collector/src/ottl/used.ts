/** What statements make use of. */
import { wordOf, type ContextName, type Used } from './contexts.ts'
import type { CallSyntax, ConditionSyntax, KeySyntax, PathSyntax, StatementSyntax, ValueSyntax } from './syntax.ts'

export function usedBy(all: readonly (StatementSyntax | ConditionSyntax)[]): Used {
  const paths: PathSyntax[] = []
  const functions = new Set<string>()
  const enums = new Set<string>()
  /** The parameters of the lambda expressions around. */
  let locals: readonly string[] = []

  function keys(all: readonly KeySyntax[]): void {
    for (const key of all) value(key.value)
  }
  function call(syntax: CallSyntax): void {
    functions.add(syntax.name)
    for (const argument of syntax.arguments) value(argument.value)
    keys(syntax.keys)
  }
  function value(syntax: ValueSyntax): void {
    switch (syntax.kind) {
      case 'path':
        if (!locals.includes(syntax.fields[0]!.name)) paths.push(syntax)
        for (const field of syntax.fields) keys(field.keys)
        return
      case 'enum':
        enums.add(syntax.name)
        return
      case 'call':
        return call(syntax)
      case 'lambda': {
        const around = locals
        locals = [...around, ...syntax.parameters]
        if (syntax.body.kind === 'value') value(syntax.body.value)
        else condition(syntax.body.condition)
        locals = around
        return
      }
      case 'list':
        return syntax.values.forEach(value)
      case 'map':
        return syntax.entries.forEach(([, inner]) => value(inner))
      case 'negation':
        return value(syntax.value)
      case 'arithmetic':
        value(syntax.left)
        return value(syntax.right)
    }
  }
  function condition(syntax: ConditionSyntax): void {
    switch (syntax.kind) {
      case 'and':
      case 'or':
        return syntax.parts.forEach(condition)
      case 'not':
        return condition(syntax.condition)
      case 'test':
        return call(syntax.call)
      case 'comparison':
        value(syntax.left)
        return value(syntax.right)
    }
  }
  for (const syntax of all) {
    if ('kind' in syntax) condition(syntax)
    else {
      call(syntax.editor)
      if (syntax.where) condition(syntax.where)
    }
  }
  return { paths, functions, enums }
}

/** Whether what the editor changes, its target, is not the context's own. */
export function isAbove({ arguments: given }: CallSyntax, context: ContextName): boolean {
  const target = given.find(({ name }, index) => name === 'target' || (index === 0 && name === undefined))
  const owner = target?.value.kind === 'path' ? wordOf(target.value) : undefined
  return owner !== undefined && owner !== context
}
