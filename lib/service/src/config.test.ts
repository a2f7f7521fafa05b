import { expect, test } from 'bun:test'
import { ConfigError, choice, configure, flag, integer, secret, settings, url } from './config.ts'

const declared = settings({
  size: integer('SIZE_BYTES', { default: 4, min: 1, max: 8, about: 'How much.' }),
  mode: choice('MODE', ['a', 'b'], { default: 'a', about: 'Which.' }),
  isOn: flag('IS_ON', { default: false, about: 'Whether.' }),
  store: url('STORE_URL', { schemes: ['redis'], about: 'Where.' }),
  token: secret('TOKEN', { about: 'What opens it.' }),
})
const noFiles = () => {
  throw new Error('no files')
}

test('defaults fill what is not set', () => {
  const config = configure(declared, { STORE_URL: 'redis://a', TOKEN: 'hush' }, noFiles)
  expect(config).toMatchObject({ size: 4, mode: 'a', isOn: false, store: 'redis://a' })
  expect(config.token?.reveal()).toBe('hush')
})

test('all errors come together, each with the variable, what was given and what is expected', () => {
  const attempt = () =>
    configure(declared, { SIZE_BYTES: '9', MODE: 'c', IS_ON: 'yes', TOKEN_FILE: '/nowhere' }, noFiles)
  expect(attempt).toThrow(ConfigError)
  try {
    attempt()
  } catch (error) {
    const text = (error as Error).message
    for (const part of [
      'SIZE_BYTES: is "9"',
      'from 1 to 8',
      'MODE: is "c"',
      'one of a, b',
      'IS_ON',
      'STORE_URL: is not set',
      'TOKEN_FILE',
    ])
      expect(text).toContain(part)
  }
})

test('a secret may come from a file, and prints as [secret] everywhere', () => {
  const config = configure(declared, { STORE_URL: 'redis://a', TOKEN_FILE: '/run/token' }, () => 'from file\n')
  expect(config.token?.reveal()).toBe('from file')
  expect([`${config.token}`, JSON.stringify(config), Bun.inspect(config)].join()).not.toContain('from file')
})

test('a secret set twice is refused', () => {
  expect(() => configure(declared, { STORE_URL: 'redis://a', TOKEN: 'a', TOKEN_FILE: '/b' }, () => 'b')).toThrow(
    'only one',
  )
})
