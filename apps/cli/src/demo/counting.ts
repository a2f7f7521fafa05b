import type { Caller } from './caller.ts'

/** The audit records that calls of the browser pool must leave: each successful one its own. */
const actions: [method: string, path: RegExp, action: string][] = [
  ['POST', /^\/v1\/sessions$/, 'browser.session.created'],
  ['DELETE', /^\/v1\/sessions\/[^/]+$/, 'browser.session.closed'],
  ['POST', /\/pages$/, 'browser.page.opened'],
  ['POST', /\/navigate$/, 'browser.page.navigated'],
  ['POST', /\/act$/, 'browser.page.acted'],
  ['POST', /\/wait$/, 'browser.page.waited'],
  ['GET', /\/(snapshot|screenshot|pdf)$/, 'browser.page.captured'],
]

/** A caller that remembers which records its calls are owed, so that the end of a run can wait for exactly those. */
export function countCalls(caller: Caller) {
  const owed = new Map<string, number>()
  const add = (action: string, count: number) => owed.set(action, (owed.get(action) ?? 0) + count)
  const note = (method: string, path: string) => {
    const found = actions.find(([verb, form]) => verb === method && form.test(path))
    if (found) add(found[2], 1)
  }
  const counting: Caller = {
    ...caller,
    async call<T>(method: string, path: string, body?: unknown) {
      const answer = await caller.call<T>(method, path, body)
      note(method, path)
      return answer
    },
    async bytes(path) {
      const answer = await caller.bytes(path)
      note('GET', path)
      return answer
    },
  }
  return { caller: counting, add, actions: owed as ReadonlyMap<string, number> }
}
