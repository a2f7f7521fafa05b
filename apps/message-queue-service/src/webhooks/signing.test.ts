import { describe, expect, test } from 'bun:test'
import { verify } from 'node:crypto'
import { Webhook as Standard } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'
import { makeSigningKeys, publicKeyOf, readPublicKey, signerOf, webhookId } from './signing.ts'

const body = Buffer.from('{"type":"a","data":{"text":"ü€𝄞"}}')
const id = 'msg_1'
const timestampSeconds = Math.floor(Date.now() / 1000)
const headersOf = (signature: string, timestamp = timestampSeconds) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
})
const verifiesV1a = (whpk: string, signature: string, content: string) =>
  signature
    .split(' ')
    .filter((one) => one.startsWith('v1a,'))
    .some((one) => verify(null, Buffer.from(content), readPublicKey(whpk), Buffer.from(one.slice(4), 'base64')))

describe('the vectors others publish', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampSeconds: 1614265330 }
  const whsk = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
  const keys = { whsec: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', whsk }
  const signature = signerOf([keys])({ ...message, body: Buffer.from('{"test": 2432232314}') })

  test('v1 and v1a come out as in the reference implementations', () => {
    expect(signature).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    )
  })
  test('the public key is the second half of the secret one', () => {
    expect(publicKeyOf(keys)).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=')
  })
})

describe.each([
  ['standardwebhooks', Standard],
  ['svix', Svix],
])('%s', (_, Webhook) => {
  const keys = makeSigningKeys()
  const signature = signerOf([keys])({ id, timestampSeconds, body })

  test('verifies what we sign', () => {
    expect(() => new Webhook(keys.whsec).verify(body, headersOf(signature))).not.toThrow()
  })
  test('refuses another body, id, time or secret', () => {
    const webhook = new Webhook(keys.whsec)
    expect(() => webhook.verify(Buffer.from('{}'), headersOf(signature))).toThrow()
    expect(() => webhook.verify(body, { ...headersOf(signature), 'webhook-id': 'msg_2' })).toThrow()
    expect(() => webhook.verify(body, headersOf(signature, timestampSeconds - 1))).toThrow()
    expect(() => new Webhook(makeSigningKeys().whsec).verify(body, headersOf(signature))).toThrow()
  })
  test('verifies with the old secret and with the new one while both sign', () => {
    const next = makeSigningKeys()
    const both = headersOf(signerOf([next, keys])({ id, timestampSeconds, body }))
    for (const { whsec } of [next, keys]) expect(() => new Webhook(whsec).verify(body, both)).not.toThrow()
  })
})

test('a v1a signature verifies with the public key alone, during a rotation with either one', () => {
  const [old, next] = [makeSigningKeys(), makeSigningKeys()]
  const signature = signerOf([next, old])({ id, timestampSeconds, body })
  const content = `${id}.${timestampSeconds}.${body}`
  for (const keys of [old, next]) expect(verifiesV1a(publicKeyOf(keys), signature, content)).toBe(true)
  expect(verifiesV1a(publicKeyOf(makeSigningKeys()), signature, content)).toBe(false)
  expect(verifiesV1a(publicKeyOf(old), signature, `${content} `)).toBe(false)
})

test('keys have the form the specification asks for, and no two are alike', () => {
  const [a, b] = [makeSigningKeys(), makeSigningKeys()]
  expect(Buffer.from(a.whsec.slice(6), 'base64')).toHaveLength(32)
  expect(Buffer.from(a.whsk.slice(5), 'base64')).toHaveLength(64)
  expect(Buffer.from(publicKeyOf(a).slice(5), 'base64')).toHaveLength(32)
  expect(a.whsec).not.toBe(b.whsec)
  expect(a.whsk).not.toBe(b.whsk)
})

test('the id of a message is stable, safe in a header, and another for another subscription, source or event', () => {
  const event = { source: '/a b.c', id: 'ä.\r\nx: y' }
  expect(webhookId('s', event)).toBe(webhookId('s', { ...event }))
  expect(webhookId('s', event)).toMatch(/^msg_[A-Za-z0-9_-]{27}$/)
  const ids = [
    webhookId('s', event),
    webhookId('t', event),
    webhookId('s', { ...event, id: 'b' }),
    webhookId('s', { ...event, source: 'b' }),
  ]
  expect(new Set(ids).size).toBe(4)
})
