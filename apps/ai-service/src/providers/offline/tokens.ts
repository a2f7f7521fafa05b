/**
 * Cuts text into pieces about as long as the tokens of a byte-pair vocabulary: a word with the space before it, long
 * words in sevens, digits in threes, ideographs one by one, runs of signs in fours. The pieces join to the same text.
 * English prose comes to about 1.3 tokens a word, which is what such vocabularies give.
 */
export function tokens(text: string): string[] {
  return text.match(piece) ?? []
}

const piece =
  / ?(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\p{L}\p{M}]{1,7}|\p{N}{1,3}|[^\s\p{L}\p{M}\p{N}]{1,4})|\s{1,16}/gu

const countedCharsMax = 200_000

/** How many tokens a text is worth, by {@link tokens}; a very long one is judged by its beginning. */
export function tokenCount(text: string): number {
  const counted = text.slice(0, countedCharsMax)
  piece.lastIndex = 0
  let count = 0
  while (piece.exec(counted)) count++
  return counted.length === text.length ? count : Math.round((count * text.length) / counted.length)
}
