/** One element of a page that the memory driver reads: enough for links, fields, buttons and headings. */
export interface MemoryElement {
  ref: string
  tag: string
  role: string
  attributes: Record<string, string>
  text: string
  /** The element it lies in, for options and fields of a form. */
  parent?: MemoryElement
}

const roles: Record<string, string> = {
  a: 'link',
  button: 'button',
  input: 'textbox',
  select: 'combobox',
  option: 'option',
  h1: 'heading',
  form: 'form',
}

/** Title and elements of a simple HTML page. */
export async function readHtml(html: string): Promise<{ title: string; elements: MemoryElement[] }> {
  const elements: MemoryElement[] = []
  const open: MemoryElement[] = []
  let title = ''
  const rewriter = new HTMLRewriter()
    .on('title', {
      text: ({ text }) => {
        title += text
      },
    })
    .on(Object.keys(roles).join(', '), {
      element: (found) => {
        const element: MemoryElement = {
          ref: `e${elements.length + 1}`,
          tag: found.tagName,
          role: roles[found.tagName] ?? found.tagName,
          attributes: Object.fromEntries(found.attributes),
          text: '',
        }
        const parent = open.at(-1)
        if (parent) element.parent = parent
        elements.push(element)
        if (found.tagName === 'input') return
        open.push(element)
        found.onEndTag(() => {
          open.pop()
        })
      },
      text: ({ text }) => {
        const last = open.at(-1)
        if (last) last.text += text
      },
    })
  await rewriter.transform(new Response(html)).text()
  return { title, elements }
}

export const nameOf = ({ attributes, text }: MemoryElement) => (attributes['aria-label'] ?? text).trim()
