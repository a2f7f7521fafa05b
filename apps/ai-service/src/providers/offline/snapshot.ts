/** One element of an accessibility snapshot. */
export interface Node {
  role: string
  /** The accessible name, '' when it has none. */
  name: string
  /** The text that stands directly in it. */
  text: string
  ref?: string
  url?: string
  level?: number
  children: Node[]
  parent?: Node
}

const line = /^(\s*)- (.+)$/
const element = /^([a-z][\w-]*)(?: ("(?:[^"\\]|\\.)*"|\/.*\/))?((?: \[[^\]]*\])*)$/i

/**
 * Reads the indented list that `ariaSnapshot` writes (YAML in form). Lines of another form are passed over, so the
 * snapshot may stand in the midst of other text. Answers undefined when there is no snapshot in it.
 */
export function readSnapshot(text: string): Node | undefined {
  const root: Node = { role: 'document', name: '', text: '', children: [] }
  const open: { indent: number; node: Node }[] = [{ indent: -1, node: root }]
  let elements = 0
  for (const row of text.split('\n')) {
    const match = line.exec(row)
    if (!match) continue
    const indent = match[1]?.length ?? 0
    while (open.length > 1 && (open.at(-1)?.indent ?? -1) >= indent) open.pop()
    const parent = open.at(-1)?.node ?? root
    const [key, value] = split(match[2] ?? '')
    if (key === '/url') parent.url = value
    if (key.startsWith('/')) continue
    const node = nodeOf(key, value, parent)
    if (!node) continue
    elements++
    parent.children.push(node)
    open.push({ indent, node })
  }
  const isSnapshot = elements > 0 && (elements > 2 || /\[ref=|^\s*- (heading|document|main|text:)/m.test(text))
  return isSnapshot ? root : undefined
}

function nodeOf(key: string, value: string, parent: Node): Node | undefined {
  if (key === 'text') return { role: 'text', name: '', text: value, children: [], parent }
  const match = element.exec(key)
  const role = match?.[1]
  if (!match || !role || !(match[2] || match[3] || roles.has(role))) return undefined
  const attributes = match[3] ?? ''
  const ref = /\[ref=([\w-]+)\]/.exec(attributes)?.[1]
  const level = /\[level=(\d)\]/.exec(attributes)?.[1]
  return {
    role,
    name: unquoted(match[2] ?? ''),
    text: value,
    ...(ref !== undefined && { ref }),
    ...(level !== undefined && { level: Number(level) }),
    children: [],
    parent,
  }
}

const roles = new Set(
  'alert article banner blockquote button caption cell checkbox code columnheader combobox complementary contentinfo definition deletion dialog document emphasis figure form generic gridcell group heading img insertion link list listitem main menu menuitem navigation note option paragraph radio region row rowgroup rowheader search searchbox separator status strong table term textbox time'.split(
    ' ',
  ),
)

/** A row is `key`, `key:` or `key: value`; a key that holds a colon is quoted as YAML does. */
function split(row: string): [key: string, value: string] {
  if (row.startsWith("'")) {
    const quoted = /^'((?:[^']|'')*)'(?::\s*(.*))?$/.exec(row)
    if (quoted) return [(quoted[1] ?? '').replaceAll("''", "'"), unquoted(quoted[2] ?? '')]
  }
  const plain = /^((?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^":[])+?)(?::(?:\s+(.*))?)?$/.exec(row)
  return plain ? [(plain[1] ?? '').trim(), unquoted(plain[2] ?? '')] : [row, '']
}

function unquoted(text: string): string {
  if (text.startsWith("'") && text.endsWith("'") && text.length > 1) return text.slice(1, -1).replaceAll("''", "'")
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text
  try {
    return JSON.parse(text) as string
  } catch {
    return text.slice(1, -1)
  }
}

/** The node and all below it, in reading order. */
export function* walk(node: Node): Generator<Node> {
  yield node
  for (const child of node.children) yield* walk(child)
}

/** What an element says by itself: its name and the text directly in it. */
export const saying = ({ name, text }: Node) => [name, text].filter((part) => part !== '').join(' ')

/** All that an element and those in it say. */
export function wholeText(node: Node): string {
  return [...walk(node)]
    .map(saying)
    .filter((text) => text !== '')
    .join(' ')
}
