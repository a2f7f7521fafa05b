import type { Browsing } from './browsing.ts'

/** What the model may ask for, in the form of OpenAI's function tools. */
export const tools = [
  tool('browser_navigate', 'Open a page in the browser and answer its snapshot.', {
    url: { type: 'string', description: 'The address, http or https.' },
  }),
  tool('browser_snapshot', 'Read the page that is open, as an accessibility tree with element refs.', {}),
  tool('browser_click', 'Press an element of the page that is open, and answer the snapshot afterwards.', {
    ref: { type: 'string', description: 'The ref of the element in the last snapshot.' },
    element: { type: 'string', description: 'The element in words.' },
  }),
]

function tool(name: string, description: string, properties: Record<string, { type: string; description: string }>) {
  const parameters = { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
  return { type: 'function' as const, function: { name, description, parameters } }
}

/**
 * Does what the model asked for and answers what it may read: a snapshot, or in words why there is none. A model can
 * ask for anything, so its arguments are checked here.
 */
export async function useTool(browsing: Browsing, name: string, input: Record<string, unknown>): Promise<string> {
  const text = (key: string) => (typeof input[key] === 'string' ? input[key] : '')
  try {
    if (name === 'browser_navigate') return await browsing.navigate(text('url'))
    if (name === 'browser_snapshot') return await browsing.snapshot()
    if (name === 'browser_click') return await browsing.click(text('ref'))
    return `There is no tool ${name}.`
  } catch (error) {
    return `That did not work: ${error instanceof Error ? error.message : error}`
  }
}
