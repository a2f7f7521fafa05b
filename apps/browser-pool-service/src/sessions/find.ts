import { Fault } from '@santaclaude/service/faults'
import type { Session } from '../pool/session.ts'
import type { Ports } from '../ports.ts'

/** A session of this tenant. Faults: session_not_found, also when another replica holds it; session_ended, browser_crashed. */
export async function find({ pool, directory, replica }: Ports, tenant: string, id: string): Promise<Session> {
  try {
    return pool.session(tenant, id)
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'session_not_found')) throw error
    const holder = await directory.find(tenant, id).catch(() => undefined)
    if (holder === undefined || holder === replica) throw error
    throw new Fault('session_not_found', {
      detail: 'Another replica holds this session; send its requests to the replica that created it.',
    })
  }
}
