import type { FieldError } from '@santaclaude/service/faults'
import type { Schema } from './judge.ts'

/** Looks at data. The first misfit, with a JSON pointer into the data, or nothing. */
export type Check = (data: unknown) => FieldError | undefined

/** A schema that is no valid draft 2020-12, or whose pattern RE2 does not take. */
export class SchemaError extends Error {
  constructor(readonly error: FieldError) {
    super(`${error.path} ${error.message}`)
    this.name = 'SchemaError'
  }
}

/** Ajv and RE2 are loaded when the first schema is compiled: most processes never need them. */
const loading = () =>
  Promise.all([import('ajv/dist/2020.js'), import('re2js')]).then(([{ Ajv2020 }, { RE2JS }]) => {
    const regExp = Object.assign(
      (pattern: string) => {
        const compiled = RE2JS.compile(pattern)
        // Ajv takes two patterns with one text for the same.
        return { test: (text: string) => compiled.matcher(text).find(), toString: () => pattern }
      },
      // What generated code would say; nothing generates code to keep here.
      { code: 'RE2JS.compile' },
    )
    return () =>
      new Ajv2020({ strict: false, validateFormats: false, addUsedSchema: false, logger: false, code: { regExp } })
  })
let engine: ReturnType<typeof loading> | undefined

/**
 * Compiles a schema that `misfitsOf` let through; throws {@link SchemaError}. `format` is an annotation, as the draft has
 * it. It stops at the first misfit, so a hostile event costs no more than a good one.
 */
export async function compileSchema(schema: Schema): Promise<Check> {
  engine ??= loading()
  const ajv = (await engine)()
  if (!ajv.validateSchema(schema)) {
    const [found] = ajv.errors ?? []
    throw new SchemaError({ path: found?.instancePath ?? '', message: found?.message ?? 'is not a schema' })
  }
  let validate: ReturnType<typeof ajv.compile>
  try {
    validate = ajv.compile(schema)
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.slice(0, 200) : 'could not be read'
    throw new SchemaError({ path: '', message: `cannot be used: ${said}` })
  }
  return (data) => {
    if (validate(data)) return undefined
    const [found] = validate.errors ?? []
    return { path: found?.instancePath ?? '', message: found?.message ?? 'does not fit' }
  }
}
