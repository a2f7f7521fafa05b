import { expect, test } from 'bun:test'
import { configure, secret, settings, url } from './config.ts'

const missing = () => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
}
const denied = () => {
  throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
}
const declared = settings({
  pepper: secret('PEPPER', { about: 'Always needed where it is named.' }),
  provider: secret('PROVIDER_KEY', { about: 'Works without.', mayBeMissing: true }),
  store: url('STORE_URL', { schemes: ['redis'], default: 'redis://a', about: 'Where.' }),
})

test('a file that is not there means absent only for a setting that may be missing', () => {
  expect(configure(declared, { PROVIDER_KEY_FILE: '/run/p' }, missing).provider).toBeUndefined()
  expect(() => configure(declared, { PEPPER_FILE: '/run/pepper' }, missing)).toThrow('PEPPER_FILE: is "/run/pepper"')
})

test('a file that is there but cannot be read is a complaint even so', () => {
  expect(() => configure(declared, { PROVIDER_KEY_FILE: '/run/p' }, denied)).toThrow('PROVIDER_KEY_FILE')
})

test('a store address may come from a file, since it may hold a password, and no complaint shows it', () => {
  expect(configure(declared, { STORE_URL_FILE: '/run/url' }, () => 'redis://:pw@b\n').store).toBe('redis://:pw@b')
  expect(() => configure(declared, { STORE_URL: 'http://u:hush@b' }, missing)).toThrow('is [secret]')
})
