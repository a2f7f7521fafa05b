import type { Context } from './context.ts'

const providers: [name: string, variable: string][] = [
  ['OpenAI', 'OPENAI_API_KEY'],
  ['Anthropic', 'ANTHROPIC_API_KEY'],
]

/** Which models answer: those of the providers that have a key, else the built-in offline model. */
export function modelLine(env: Context['env']): string {
  const named = providers.filter(([, variable]) => env[variable] || env[`${variable}_FILE`]).map(([name]) => name)
  if (named.length > 0) return named.join(' and ')
  return `offline model - set ${providers.map(([, variable]) => variable).join(' or ')} for a real one`
}
