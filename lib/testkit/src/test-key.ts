import { hashSecret, type Keys, makeKey, type Scope } from '@santaclaude/service/keys'

/** Puts a key with these scopes among `keys` and answers its text. The pepper is the one of `quietHost`. */
export async function testKey(keys: Keys, scopes: Scope[], tenant = 'acme'): Promise<string> {
  const { id, secret, text } = makeKey()
  const hash = hashSecret('test-pepper', secret)
  await keys.put({ id, tenant, name: 'test', scopes, limits: {}, secrets: [{ hash }], createdAtMs: Date.now() })
  return text
}
