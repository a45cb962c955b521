// A real Yjs client that edits where chance says and speaks only when it is asked: commands on standard input, one JSON a line.
// node editor.mjs URL ROOM text|fragment
import * as readline from 'node:readline'
import ws from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'

const [url, room, kind] = process.argv.slice(2)
const doc = new Y.Doc()
const shared = kind === 'text' ? doc.getText('content') : doc.getXmlFragment('default')
const provider = new WebsocketProvider(url, room, doc, { WebSocketPolyfill: ws, disableBc: true, maxBackoffTime: 200 })

// What the agent writes stands between these two, and nobody else writes in there or takes it out: so it is known of
// each of the agent's words whether it must be there.
const OPEN = '⟦'
const CLOSE = '⟧'
// What people write, and take out again.
const THEIRS = /[a-z0-9 🙂]/u

const texts = () => kind === 'text' ? [shared] : shared.toArray().flatMap((node) => node.toArray())
const plain = (text) => text.toDelta().map((part) => part.insert).join('')

// Every place in every text: how far it is in UTF-16 units, the letter behind it, whether it lies within the agent's words.
const places = () => texts().flatMap((text) => {
  const found = []
  let [at, within] = [0, false]
  for (const letter of plain(text)) {
    found.push({ text, at, letter, within })
    at += letter.length
    within = letter === OPEN || (within && letter !== CLOSE)
  }
  return [...found, { text, at, letter: '', within }]
})
const one = (of, number) => of[number % of.length]

const block = ([number, words]) => {
  if (kind === 'text') return write([number, `\n${words}`])
  const node = new Y.XmlElement('paragraph')
  node.insert(0, [new Y.XmlText(words)])
  shared.insert(number % (shared.length + 1), [node])
}
const write = ([number, words]) => {
  const place = one(places().filter((place) => !place.within), number)
  if (!place) return block([number, words])
  place.text.insert(place.at, words)
}
// Up to so many letters on from somewhere, as long as they are people's.
const erase = ([number, most]) => {
  const all = places()
  const theirs = (place) => place && !place.within && THEIRS.test(place.letter)
  const first = one(all.filter(theirs), number)
  if (!first) return
  const from = all.indexOf(first)
  let end = from
  while (end < from + most && theirs(all[end]) && all[end].text === first.text) end++
  first.text.delete(first.at, all[end].at - first.at)
}
// As the bridge reads it to its agent.
const lead = (node) => node.nodeName === 'heading' ? '#'.repeat(node.getAttribute('level')) + ' ' : ''
const lines = (node) => lead(node) + node.toArray().map(plain).join('')
const look = () => process.stdout.write(JSON.stringify({
  text: kind === 'text' ? plain(shared) : shared.toArray().map(lines).join('\n\n'),
  whole: shared.toJSON(),
  clocks: Object.fromEntries(Y.decodeStateVector(Y.encodeStateVector(doc))),
  connected: provider.wsconnected && provider.synced
}) + '\n')

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line)
  if (command.look) return look()
  doc.transact(() => {
    if (command.write) write(command.write)
    if (command.block) block(command.block)
    if (command.erase) erase(command.erase)
  })
}).on('close', () => process.exit(0))
