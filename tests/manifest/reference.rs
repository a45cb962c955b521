//! `adapters/README.md` documents every key that the reader knows, and no other.

use std::collections::{BTreeMap, BTreeSet};

use agent_bridge::adapter::parse;
use serde_yaml::Value;

const README: &str = include_str!("../../adapters/README.md");

/// A heading of the reference, where such a table stands in the manifest of agentunited, and whether it is a call.
const TABLES: &[(&str, &str, bool)] = &[
    ("manifest", "", false),
    ("ask", "ask", false),
    ("ask.probe", "ask probe", true),
    ("ask.settings.NAME", "ask settings url", false),
    ("ask.secrets.NAME", "ask secrets password", false),
    ("ask.link", "ask link", false),
    ("http", "http", false),
    ("outcomes", "outcomes 0", false),
    ("issues", "issues", false),
    ("sessions.NAME", "sessions member", false),
    ("sessions.NAME.expires", "sessions member expires", false),
    ("call", "sessions member login", false),
    ("join", "join", false),
    ("join.ways.NAME", "join ways invite", false),
    ("join.ways.NAME.steps", "join ways invite steps 1", true),
    ("join.ways.NAME.steps.once", "join ways invite steps 0 once", false),
    ("join.ways.NAME.steps.wait", "join ways invite steps 0 wait", false),
    ("join.ways.NAME.steps.wait.claim", "join ways invite steps 0 wait claim", false),
    ("join.ways.NAME.steps.dialects", "join ways invite steps 1 dialects 0", true),
    ("join.ways.NAME.steps.dialects.next_on", "join ways invite steps 1 dialects 0 next_on", false),
    ("join.learn", "join learn 0", true),
    ("join.learn.first", "join learn 0 first", false),
    ("registered", "registered", true),
    ("me", "me", false),
    ("documents", "documents", true),
    ("documents.live", "documents live", true),
    ("documents.own", "documents own", true),
    ("receive", "receive", true),
    ("receive.waiting", "receive waiting", false),
    ("receive.also", "receive also 0", true),
    ("receive.also.messages", "receive also 0 messages", true),
    ("receive.cursor_refused", "receive cursor_refused", false),
    ("receive.history", "receive history", true),
    ("receive.history.rooms", "receive history rooms", true),
    ("receive.history.rooms.kind", "receive history rooms kind", false),
    ("receive.members", "receive members", true),
    ("receive.presence", "receive presence", false),
    ("receive.push", "receive push 0", true),
    ("receive.push.about", "receive push 1 about", false),
    ("receive.push.signature", "receive push 1 signature", false),
    ("events.NAME", "events message.created", false),
    ("events.NAME.author", "events message.created author", false),
    ("events.NAME.topic", "events message.created topic", false),
    ("events.NAME.attachment", "events message.created attachment", false),
    ("actions.VERB", "actions send", true),
    ("actions.VERB.idempotency", "actions send idempotency", false),
    ("actions.VERB.uploads", "actions send uploads", false),
    ("actions.VERB.uploads.take", "actions send uploads take", false),
    ("actions.VERB.rewrites", "actions send rewrites", false),
    ("actions.VERB.places.ARGUMENT", "actions send places reply_to", true),
    ("actions.VERB.files", "actions send files", false),
    ("actions.VERB.split", "actions send split", false),
    ("actions.VERB.check.ARGUMENT", "actions send check text", false),
    ("actions.VERB.check.ARGUMENT.is_by", "actions send check text is_by", false),
    ("actions.VERB.check.ARGUMENT.stands", "actions send check text stands", false),
    ("actions.VERB.read_back", "actions send read_back", false),
    ("actions.VERB.read_back.inside", "actions send read_back inside", false),
    ("actions.VERB.read_back.messages", "actions send read_back messages", false),
    ("actions.VERB.read_back.messages.next", "actions send read_back messages next", false),
    ("actions.VERB.read_back.messages.place", "actions send read_back messages place", false),
    ("actions.VERB.read_back.messages.files", "actions send read_back messages files", false),
    ("actions.VERB.read_back.among", "actions send read_back among", false),
    ("actions.VERB.read_back.says", "actions send read_back says", false),
    ("actions.VERB.pace", "actions send pace", false),
    ("asks.NAME", "asks people", true),
    ("asks.NAME.beside", "asks people beside", false),
    ("asks.NAME.beside.only", "asks people beside only", false),
];

/// The keys of each table of the reference, by heading.
fn documented() -> BTreeMap<&'static str, BTreeSet<String>> {
    let sections = README.split("\n### ").skip(1);
    let tables = sections.map(|section| {
        let heading = section.lines().next().unwrap_or_default();
        let keys = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        (heading, keys.map(str::to_owned).collect())
    });
    tables.filter(|(heading, _)| *heading != "References").collect()
}

/// Ways of pushing, which the manifest of agentunited has none of.
const PUSH: &str = "[{ flavour: action_cable, get: /cable, identifier: { channel: C } }, \
                    { flavour: webhook, signature: { header: x-signature, secret: password }, about: { conversation: /c, object: /o } }]";

/// Lists beside the line, which it has none of either.
const ALSO: &str =
    "[{ flavour: threads, get: /t, items: /t, id: /id, moved: /at, event: e, messages: { get: /m, items: /m } }]";

/// The keys that the reader knows in a table: it names them when it meets a stranger.
fn known(place: &str) -> BTreeSet<String> {
    let mut manifest: Value = serde_yaml::from_str(super::AGENTUNITED).expect("YAML");
    manifest["receive"]["push"] = serde_yaml::from_str(PUSH).expect("YAML");
    manifest["receive"]["also"] = serde_yaml::from_str(ALSO).expect("YAML");
    let mut table = &mut manifest;
    for part in place.split_whitespace() {
        if table.is_null() {
            *table = Value::Mapping(serde_yaml::Mapping::new());
        }
        table = match part.parse::<usize>() {
            Ok(index) => &mut table[index],
            Err(_) => &mut table[part],
        };
        if table.is_null() {
            // Agent United has no such table: an empty one has the same keys.
            *table = Value::Mapping(serde_yaml::Mapping::new());
        }
    }
    table.as_mapping_mut().expect(place).insert("stranger".into(), 1.into());
    let said = parse("x", &serde_yaml::to_string(&manifest).expect("YAML")).expect_err(place).to_string();
    let (_, expected) = said.split_once("unknown field `stranger`, expected ").expect(&said);
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_reference_has_every_key_and_no_other() {
    let documented = documented();
    let call = known("sessions member login");
    for (heading, place, is_call) in TABLES {
        let mut known = known(place);
        if *is_call {
            known = known.difference(&call).cloned().collect();
        }
        assert_eq!(documented.get(heading), Some(&known), "{heading}");
    }
    let headings: BTreeSet<_> = TABLES.iter().map(|(heading, ..)| *heading).collect();
    assert_eq!(documented.keys().copied().collect::<BTreeSet<_>>(), headings);
}
