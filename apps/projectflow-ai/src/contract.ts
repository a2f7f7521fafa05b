export type { App } from './app.ts'
export type { KeyWish } from './keys/issue.ts'
export type { PublicKey, ShownKey } from './keys/public-key.ts'
export type { KeyPage } from './keys/read.ts'
export type { FullStatus } from './status/follow.ts'

import type { PublicKey } from './keys/public-key.ts'

/** The events this service emits on the topic `projectflow`, by type: the subject is the key's id, the data the key. */
export interface ProjectflowEvents {
  'projectflow.key.created': PublicKey
  'projectflow.key.rotated': PublicKey
  'projectflow.key.revoked': PublicKey
}
