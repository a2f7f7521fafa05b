import type { Static, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Fault, type FieldError } from './faults.ts'

const errorsMax = 20

/** Holds what does not come as a request body (a socket's frame) to a schema of `t`; throws `validation_failed`. */
export function checker<T extends TSchema>(schema: T): (value: unknown) => Static<T> {
  let compiled: ReturnType<typeof TypeCompiler.Compile<T>> | undefined
  return (value) => {
    compiled ??= TypeCompiler.Compile(schema)
    if (compiled.Check(value)) return value as Static<T>
    const errors: FieldError[] = []
    for (const { path, message } of compiled.Errors(value)) {
      if (errors.length === errorsMax) break
      errors.push({ path: path || '/', message })
    }
    const [first] = errors
    throw new Fault('validation_failed', { detail: `${first?.path} ${first?.message}.`, errors })
  }
}
