//! Manifests from outside: what loads, what replaces what, and one clear line for each that cannot be used.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::fs;
use std::path::Path;

use agent_bridge::adapter::{ManifestError, Manifests, parse};

#[path = "manifest/approvals.rs"]
mod approvals;
#[path = "manifest/documents.rs"]
mod documents;
#[path = "manifest/invites.rs"]
mod invites;
#[path = "manifest/reference.rs"]
mod reference;
#[path = "manifest/refusals.rs"]
mod refusals;
#[path = "manifest/rendering.rs"]
mod rendering;

const AGENTUNITED: &str = include_str!("../adapters/agentunited.yaml");

/// A manifest with one text replaced, which must stand there.
fn replaced(manifest: &str, old: &str, new: &str) -> String {
    assert!(manifest.contains(old), "the manifest has no `{old}` any more");
    manifest.replacen(old, new, 1)
}

/// Why it cannot be used like that.
fn refused(manifest: &str, old: &str, new: &str) -> ManifestError {
    parse("x.yaml", &replaced(manifest, old, new)).expect_err(new)
}

/// The real manifest with one text replaced.
fn with(old: &str, new: &str) -> String {
    replaced(AGENTUNITED, old, new)
}

/// The line on which a text stands, from 1.
fn line(source: &str, text: &str) -> usize {
    source[..source.find(text).expect("the text stands there")].lines().count().max(1)
        + usize::from(source[..source.find(text).expect("the text stands there")].ends_with('\n'))
}

/// Each: what is replaced, by what, at which new text the error points, its key, and words of its message.
const BAD: &[(&str, &str, &str, &str, &str)] = &[
    ("title:", "titel:", "titel:", "", "unknown field `titel`"),
    ("silence: 75s", "silence: 75s\n  silense: 1s", "silense", "receive", "unknown field `silense`"),
    ("generate: 32", "generate: 8", "generate: 8", "ask.secrets.password.generate", "from 16 to 128, or `secp256k1`"),
    ("generate: 32", "generate: dice", "generate: dice", "ask.secrets.password.generate", "or `secp256k1`"),
    (
        "generate: 32,",
        "generate: 32, derive: { public: public_key },",
        "derive: { public",
        "ask.secrets.password",
        "add `generate: secp256k1`",
    ),
    ("limit: 100", "limit: many", "limit: many", "receive.history.limit", "invalid type: string \"many\""),
    ("silence: 75s", "silence: 75", "silence: 75", "receive.silence", "`75` is no length of time"),
    (
        "silence: 75s",
        "silence: 75 sec",
        "silence: 75 sec",
        "receive.silence",
        "write a whole number and ms, s, m, h or d",
    ),
    (
        "\"/messages/{action.message}\"",
        "\"/messages/{action.message\"",
        "/messages/{action.message\"",
        "actions.edit.patch",
        "does not close it",
    ),
    (
        "{action.text}\" }\n    files",
        "{acton.text}\" }\n    files",
        "{acton.text}",
        "actions.send.json.text",
        "`acton` in `{acton.text}` is no scope",
    ),
    (
        "{action.text}\" }\n    files",
        "{action.txet}\" }\n    files",
        "{action.txet}",
        "actions.send.json.text",
        "`action` has conversation, text",
    ),
    (
        "\"{action.text}\" }\n    files",
        "\"{secrets.password}\" }\n    files",
        "\"{secrets.password}\" }\n    files",
        "actions.send.json.text",
        "a secret may stand in `sessions` and `join` only",
    ),
    (
        "base: \"{settings.url}/api/v1\"",
        "base: \"{secrets.password}/api/v1\"",
        "http:",
        "http.base",
        "a secret may stand in",
    ),
    (
        "email: \"{settings.email}\"",
        "email: \"{settings.mail}\"",
        "{settings.mail}",
        "sessions.member.login.json.email",
        "`settings` has url, display_name, email",
    ),
    (
        "is: invite_used, go: login }\n            - { status: 404, is",
        "is: invite_used, go: logn }\n            - { status: 404, is",
        "go: logn",
        "join.ways.invite.steps.0.outcomes.1.go",
        "`logn` is no way of joining: there are invite, login, key",
    ),
    (
        "session: member\n      steps:",
        "session: membr\n      steps:",
        "session: membr",
        "join.ways.invite.session",
        "`membr` is no session: there are member, key",
    ),
    (
        "needs: [api_key]",
        "needs: [api_kee]",
        "needs: [api_kee]",
        "join.ways.key.needs.0",
        "`api_kee` is no setting or secret",
    ),
    (
        "message: message.created",
        "message: message.creatd",
        "message: message.creatd",
        "receive.names.message",
        "`message.creatd` is no event",
    ),
    ("claims: token", "claims: tokn", "claims: tokn", "join.learn.1.claims", "`tokn` is no token or secret"),
    ("ids: [user, agent]", "ids: [user, agnt]", "ids: [user, agnt]", "me.ids.1", "`agnt` is no fact"),
    ("more: /has_more", "more: has_more", "more: has_more", "receive.history.more", "begin with `/`"),
    ("more: /has_more", "more: /has~more", "more: /has~more", "receive.history.more", "write `~` as ~0"),
    (
        "message.updated: *message",
        "message.updted: *message",
        "message.created: &message",
        "events.message.updted",
        "`message.updted` is no event type of a platform",
    ),
    ("invite_unknown: \"", "invite_unknwn: \"", "invite_unknwn", "tell.invite_unknwn", "`invite_unknwn` is no outcome"),
    ("post: /dm\n", "post: /dm\n    get: /dm\n", "post: /dm", "actions.direct.open", "two methods stand here"),
    (
        "flavour: jwt",
        "flavour: oauth",
        "flavour: oauth",
        "sessions.member.flavour",
        "unknown variant `oauth`, expected one of `jwt`, `api_key`, `refresh_grant`",
    ),
    (
        "kind: text, default",
        "kind: number, default",
        "kind: number",
        "ask.settings.display_name.kind",
        "unknown variant `number`",
    ),
    (
        "  people:",
        "  history: { get: /x, items: /x }\n  people:",
        "  history: { get: /x",
        "asks",
        "`history` stands here twice",
    ),
    ("{settings.url}/api/v1", "{settings.url}.x.example/api", "http:", "http.base", "begin with a setting of the kind"),
    ("{settings.url}/api/v1", "https://{settings.url}/", "http:", "http.base", "begin with a setting of the kind"),
    (
        "message.updated: *message",
        "workspace.gap: *message",
        "message.created: &",
        "events.workspace.gap",
        "no event type",
    ),
    ("session: key\n      steps", "sesion: key\n      steps", "sesion", "join.ways.key", "unknown field `sesion`"),
    (
        "      take: { token: /token }",
        "      take: { tokn: /token }",
        "flavour: jwt",
        "sessions.member",
        "takes `token`",
    ),
    (
        "{ field: text, bytes: 10000 }",
        "{ field: txt, bytes: 10000 }",
        "field: txt",
        "actions.send.split.field",
        "there are conversation, text",
    ),
    ("flavour: sse\n", "", "get: /events/stream", "receive", "missing field `flavour`"),
    (
        "\"/messages/{action.message}\"",
        "\"/messages/../{action.message}\"",
        "/messages/../",
        "actions.edit.patch",
        "segment",
    ),
    ("{page.before?}", "x{page.before?}", "x{page.before?}", "receive.history.get", "must stand alone"),
    ("{room.id}/messages", "{room.id?}/messages", "{room.id?}", "receive.history.get", "not in the path"),
    ("title: Agent", "\ttitle: Agent", "", "", "found a tab character"),
    (
        "silence: 75s",
        "silence: 75s\n  push: [{ flavour: action_cable, get: \"/cable?t={session.token}\", identifier: { t: \"{session.token}\" } }]",
        "push:",
        "receive.push.0.identifier.t",
        "has no value here: there are settings, facts, line",
    ),
    (
        "silence: 75s",
        "silence: 75s\n  push: [{ flavour: webhook, signature: { header: x, secret: pasword } }]",
        "push:",
        "receive.push.0.signature.secret",
        "`pasword` is no secret",
    ),
    (
        "silence: 75s",
        "silence: 75s\n  push: [{ flavour: webhook, signature: { header: \"a b\", secret: password } }]",
        "push:",
        "receive.push.0.signature.header",
        "is no header name",
    ),
    (
        "silence: 75s",
        "silence: 75s\n  push:\n    - { flavour: webhook, signature: { header: x, secret: password } }\n    - { flavour: webhook, signature: { header: y, secret: password } }",
        "- { flavour: webhook, signature: { header: y",
        "receive.push.1.flavour",
        "`webhook` stands here twice: keep one",
    ),
    (
        "silence: 75s",
        "silence: 75s\n  push:\n    - { flavour: action_cable, get: /a, identifier: a }\n    - { flavour: action_cable, get: /b, identifier: b }",
        "- { flavour: action_cable, get: /b",
        "receive.push.1.flavour",
        "`action_cable` stands here twice: keep one",
    ),
    ("http: {", "http: []\nx: {", "http: []", "http", "expected a table of keys"),
];

#[test]
fn an_error_names_file_line_and_key_and_says_what_to_do() {
    let mut wrong = Vec::new();
    for (old, new, here, key, words) in BAD {
        let source = with(old, new);
        let error = parse("x/bad.yaml", &source).expect_err(new);
        let said = error.to_string();
        // What the YAML reader itself refuses has no key, and its line may be a later one.
        let read = *words == "found a tab character" || (error.line == line(&source, here) && error.key == *key);
        let good = said.starts_with(&format!("x/bad.yaml:{}: ", error.line)) && said.contains(words);
        if !read || !good || said.contains('\n') {
            wrong.push(format!("{new} (line {}): {said}", line(&source, here)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_manifest_cut_anywhere_is_refused_in_one_line() {
    // Cut behind `events` it may be whole: what follows is optional.
    let required = AGENTUNITED.find("\nactions:").expect("actions stand there");
    for end in (0..required - 200).step_by(41).filter(|&end| AGENTUNITED.is_char_boundary(end)) {
        let said = parse("cut.yaml", &AGENTUNITED[..end]).expect_err("a part").to_string();
        assert!(said.starts_with("cut.yaml") && !said.contains('\n'), "{end}: {said}");
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    let nested = (1..12).fold("{ a0: &a0 [x, x, x, x, x, x, x, x, x]".to_owned(), |text, level| {
        text + &format!(", a{level}: &a{level} [{}]", format!("*a{}, ", level - 1).repeat(9))
    });
    let source = with("json: { user_id: \"{action.person}\" }", &format!("json: {nested} }}"));
    let said = parse("bomb.yaml", &source).expect_err("a bomb").to_string();
    assert!(said.starts_with("bomb.yaml") && said.contains("aliases"), "{said}");
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a file in it");
    }
    dir
}

#[test]
fn a_file_of_the_same_platform_replaces_the_embedded_one_and_a_new_one_adds_a_platform() {
    let mended = with("text: /text\n", "text: [/body, /text]\n").replace("title: Agent United", "title: Mended");
    let parrot = fs::read_to_string("tests/fixtures/adapters/parrot.yaml").expect("the fixture");
    let dir = directory(&[("mine.yaml", &mended), ("parrot.yaml", &parrot), ("README.md", "not a manifest")]);
    let manifests = Manifests::load(Some(dir.path())).expect("both are sound");
    let title = |platform| manifests.get(platform).map(|manifest| manifest.title.clone());
    assert_eq!(title("agentunited").as_deref(), Some("Mended"));
    assert_eq!(title("parrot").as_deref(), Some("Parrot Perches"));
    assert!(Manifests::load(None).expect("embedded").get("parrot").is_none());
}

#[test]
fn what_describes_a_log_stands_with_a_poll_and_nowhere_else() {
    let ledger = include_str!("lines/log/ledger.yaml");
    parse("ledger.yaml", ledger).expect("it is sound");
    let bad = [
        ("?cursor={line.cursor?}", "", "names where it goes on"),
        ("{line.cursor?}", "{line.place?}", "`line` has cursor"),
        ("  items: /events\n", "", "missing field `items`"),
        ("  cursor: /next_cursor\n", "", "missing field `cursor`"),
        ("every: 5s", "silence: 5s", "are for a stream"),
    ];
    for (old, new, words) in bad {
        let said = refused(ledger, old, new).to_string();
        assert!(said.contains(words) && said.contains(": receive"), "{said}");
    }
    for (old, new, words) in [
        ("silence: 75s", "every: 5s", "are for the flavour poll"),
        ("get: /events/stream", "get: \"/events/stream?from={line.cursor?}\"", "`{line.cursor}` has no value here"),
        ("message.updated: *message", "message.updated: { type: workspace.revoked, object: /id }", "is no event type"),
    ] {
        let said = refused(AGENTUNITED, old, new).to_string();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_a_grant_governs_and_what_stands_in_for_a_question_name_what_is_there() {
    let granted = include_str!("../adapters/speakeasy.yaml");
    for (old, new, words) in [
        (
            "needs_with: { files: attachments }",
            "needs_with: { file: attachments }",
            "`file` is no argument of this action",
        ),
        ("needs_with: { parent: [", "needs_with: { files: x, parent: [", "`files` is no argument of this action"),
        ("else: { get: /api/v1/agent/topics }", "else: { get: /t, take: { grant: /g } }", "leave `take` out"),
    ] {
        let said = refused(granted, old, new).to_string();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn two_files_of_one_platform_are_refused_by_name() {
    let dir = directory(&[("a.yaml", AGENTUNITED), ("b.yaml", AGENTUNITED)]);
    let said = Manifests::load(Some(dir.path())).expect_err("a duplicate").to_string();
    assert!(said.contains("b.yaml:3: platform:") && said.contains("a.yaml"), "{said}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let said = |dir: &Path| Manifests::load(Some(dir)).expect_err("unreadable").to_string();
    let dir = directory(&[]);
    assert!(
        said(&dir.path().join("nowhere")).contains("nowhere")
            && said(&dir.path().join("nowhere")).contains("cannot be read")
    );
    fs::write(dir.path().join("bytes.yaml"), [0xff, 0xfe, 0x00]).expect("a file");
    assert!(said(dir.path()).contains("bytes.yaml"));
    fs::write(dir.path().join("bytes.yaml"), "#".repeat((1 << 20) + 1)).expect("a file");
    assert!(said(dir.path()).contains("a manifest has at most"), "{}", said(dir.path()));
    fs::write(dir.path().join("bytes.yaml"), "").expect("a file");
    assert!(said(dir.path()).contains("bytes.yaml"), "{}", said(dir.path()));
}
