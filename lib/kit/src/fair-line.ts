interface Lane<Item> {
  items: Item[]
  /** Where the line begins; what lies before has left. */
  head: number
}

const tidyAt = 1_024

/**
 * A line in which lanes take turns: one item of each that has any, and within a lane first come, first served. However
 * long one lane is, an item of another waits for at most one of it. With one lane it is a plain line.
 */
export class FairLine<Item> {
  /** In the order of their turns. */
  private readonly lanes = new Map<string, Lane<Item>>()
  private count = 0

  get length() {
    return this.count
  }

  add(name: string, item: Item) {
    const lane = this.lanes.get(name)
    if (lane) lane.items.push(item)
    else this.lanes.set(name, { items: [item], head: 0 })
    this.count++
  }

  /** What `next` would give, left in its place. */
  peek(): Item | undefined {
    for (const { items, head } of this.lanes.values()) return items[head]
    return undefined
  }

  next(): Item | undefined {
    for (const [name, lane] of this.lanes) {
      const item = lane.items[lane.head++]
      this.count--
      this.lanes.delete(name)
      if (lane.head >= tidyAt && lane.head * 2 >= lane.items.length) {
        lane.items = lane.items.slice(lane.head)
        lane.head = 0
      }
      if (lane.head < lane.items.length) this.lanes.set(name, lane)
      return item
    }
    return undefined
  }

  /** Takes an item out of its lane, if it is still there. */
  remove(name: string, item: Item) {
    const lane = this.lanes.get(name)
    const at = lane ? lane.items.indexOf(item, lane.head) : -1
    if (!lane || at < 0) return
    lane.items.splice(at, 1)
    this.count--
    if (lane.head >= lane.items.length) this.lanes.delete(name)
  }
}
