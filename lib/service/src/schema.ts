import { type ObjectOptions, type TObject, type TProperties, type TUnsafe, Type } from '@sinclair/typebox'
import { t as elysia } from 'elysia'

/**
 * The one schema dialect of our HTTP surfaces: Elysia's `t` with three of its habits mended. Objects are closed (an
 * unknown field is a 422, not silence), `Integer` and `Number` in a body do not accept text, and `UnionEnum`, which
 * fills in a value nobody sent, is not there: use `oneOf`.
 */
export const t = {
  ...elysia,
  UnionEnum: undefined as never,
  Object: <P extends TProperties>(properties: P, options?: ObjectOptions): TObject<P> =>
    Type.Object(properties, { additionalProperties: false, ...options }),
  Integer: Type.Integer,
  Number: Type.Number,
  Boolean: Type.Boolean,
}

/** One of these texts. Elysia's own kind without its default: what is missing stays missing. */
export const oneOf = <const V extends readonly string[]>(values: V, options: Record<string, unknown> = {}) => {
  const { default: _first, ...schema } = elysia.UnionEnum(values as unknown as [string, ...string[]], options)
  return schema as unknown as TUnsafe<V[number]>
}

/** A whole number in a query or a path, where everything arrives as text. */
export const queryInteger = (
  options: { minimum?: number; maximum?: number; default?: number; description?: string } = {},
) => elysia.Integer(options)

/** true or false in a query. */
export const queryBoolean = (options: { default?: boolean; description?: string } = {}) => elysia.BooleanString(options)
