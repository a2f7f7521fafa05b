import type { Recorder } from '@santaclaude/audit/recorder'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Who } from '@santaclaude/service/exchange'

/** What one publish request is about to add. */
interface Publication {
  who: Who
  topic: string
  ids: string[]
}

interface Gathering {
  publications: Publication[]
  settled: { resolve(recordId: string): void; reject(error: unknown): void }[]
}

const listedMax = 100

/**
 * Puts publishes on the record, those of one key to one topic together: while one record is being written the next
 * requests gather, and share a record that counts and names them all. A lone request has a record of its own at once.
 * Without this a record per event would cost more than the event.
 */
export class PublishLedger {
  private readonly gatherings = new Map<string, Gathering>()
  private readonly writing = new Set<string>()

  constructor(private readonly audit: Recorder) {}

  /** Resolves with the id of the record once it is acknowledged; rejects for every request that shares it when it is not. */
  note(publication: Publication): Promise<string> {
    const { who, topic } = publication
    const place = `${who.tenant} ${who.actor.id} ${topic}`
    return new Promise((resolve, reject) => {
      let gathering = this.gatherings.get(place)
      if (!gathering) {
        gathering = { publications: [], settled: [] }
        this.gatherings.set(place, gathering)
      }
      gathering.publications.push(publication)
      gathering.settled.push({ resolve, reject })
      if (!this.writing.has(place)) void this.write(place)
    })
  }

  private async write(place: string): Promise<void> {
    this.writing.add(place)
    for (let gathering = this.take(place); gathering; gathering = this.take(place)) {
      const { publications, settled } = gathering
      const id = uuidv7()
      try {
        await this.audit.record({ ...entryOf(publications), id })
        for (const { resolve } of settled) resolve(id)
      } catch (error) {
        for (const { reject } of settled) reject(error)
      }
    }
    this.writing.delete(place)
  }

  private take(place: string): Gathering | undefined {
    const gathering = this.gatherings.get(place)
    this.gatherings.delete(place)
    return gathering
  }
}

/** What a record says of publishing these events. */
export const publishAct = (topic: string, ids: string[]) => ({
  action: 'mq.event.published',
  target: { type: 'topic', id: topic },
  data: { count: ids.length, ids: ids.slice(0, listedMax) },
})

function entryOf(publications: Publication[]): Parameters<Recorder['record']>[0] {
  const [{ who, topic }] = publications as [Publication]
  const { tenant, actor, requestId, traceId, ip, userAgent } = who
  const { data, ...act } = publishAct(
    topic,
    publications.flatMap(({ ids }) => ids),
  )
  const requestIds = publications.slice(0, listedMax).map((one) => one.who.requestId)
  const shared = publications.length === 1 ? {} : { requests: publications.length, requestIds }
  return {
    ...{ tenant, actor, requestId, traceId, ip, userAgent },
    ...act,
    outcome: 'success',
    data: { ...data, ...shared },
  }
}
