import { Fault } from '@santaclaude/service/faults'
import type { Action, Target, Wait } from '../driver/page.ts'
import type { ActWanted, WaitWanted } from '../schemas.ts'

type GivenTarget = NonNullable<ActWanted['target']>

/** What a body asks for as an action. Fault: validation_failed, naming the field that is missing or too much. */
export function actionOf(wanted: ActWanted): Action {
  const { action, clicks = 1, append = false, submit = false } = wanted
  refuseStrangers(wanted, action)
  if (action === 'press')
    return { action, key: needed(wanted.key, 'key', action), ...(wanted.target && { target: targetOf(wanted.target) }) }
  const target = targetOf(needed(wanted.target, 'target', action))
  if (action === 'click') return { action, target, clicks }
  if (action === 'type') return { action, target, text: needed(wanted.text, 'text', action), append, submit }
  return { action, target, values: needed(wanted.values, 'values', action) }
}

/** What a body asks to wait for. Fault: validation_failed. */
export function waitOf(wanted: WaitWanted): Wait {
  const what = wanted.for
  if (what === 'text' || what === 'textGone')
    return { for: 'text', text: needed(wanted.text, 'text', what), isGone: what === 'textGone' }
  if (what === 'visible' || what === 'hidden')
    return { for: 'element', target: targetOf(needed(wanted.target, 'target', what)), state: what }
  if (what === 'url') return { for: 'url', contains: needed(wanted.contains, 'contains', what) }
  return { for: what }
}

/** Exactly one way to name an element. */
function targetOf({ ref, role, name, selector }: GivenTarget): Target {
  const ways = [ref, role, selector].filter((way) => way !== undefined)
  if (ways.length !== 1 || (name !== undefined && role === undefined))
    throw misfit('target', 'must have exactly one of ref, role (with name) and selector')
  if (ref !== undefined) return { ref }
  if (selector !== undefined) return { selector }
  return { role: role ?? '', ...(name !== undefined && { name }) }
}

/** The element a query asks for, if any. Fault: validation_failed when it names two. */
export function queryTarget({ ref, selector }: { ref?: string; selector?: string }): Target | undefined {
  if (ref !== undefined && selector !== undefined) {
    const errors = [{ path: '/query/selector', message: 'cannot be given together with ref' }]
    throw new Fault('validation_failed', { detail: '/query/selector: cannot be given together with ref.', errors })
  }
  return ref !== undefined ? { ref } : selector !== undefined ? { selector } : undefined
}

const fieldsOf: Record<Action['action'], (keyof ActWanted)[]> = {
  click: ['clicks'],
  type: ['text', 'append', 'submit'],
  select: ['values'],
  press: ['key'],
}

/** A field of another action is a mistake of the caller: told, not dropped. */
function refuseStrangers(wanted: ActWanted, action: Action['action']): void {
  const known = new Set(Object.values(fieldsOf).flat())
  for (const field of fieldsOf[action]) known.delete(field)
  for (const field of known)
    if (wanted[field] !== undefined) throw misfit(field, `does not belong to the action ${action}`)
}

function needed<T>(value: T | undefined, field: string, by: string): T {
  if (value === undefined) throw misfit(field, `is needed for ${by}`)
  return value
}

const misfit = (field: string, message: string) =>
  new Fault('validation_failed', {
    detail: `/body/${field}: ${message}.`,
    errors: [{ path: `/body/${field}`, message }],
  })
