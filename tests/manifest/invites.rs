//! What a manifest of invites may not say.

use agent_bridge::adapter::parse;

use super::refused;

const THINKWORK: &str = include_str!("../../adapters/thinkwork.yaml");

const STEPS: &str = "join.ways.invite.steps";

/// What stands there, what is put in its place, the end of the key that is named, and words of the error.
const BAD: &[(&str, &str, &str, &str)] = &[
    ("by: used", "by: usde", "2.once.by", "`usde` is no fact that a get before takes"),
    ("lost: accept_lost", "lost: accept_gone", "2.once.lost", "`accept_gone` is no word of `tell`"),
    ("pending: not_approved", "pending: not_yet", "3.wait.claim.pending", "`not_yet` is no outcome of this step"),
    ("spent: [claim_used,", "spent: [claim_sued,", "3.wait.claim.spent", "`claim_sued` is no outcome of this step"),
    ("lost: key_lost", "lost: key_gone", "3.wait.claim.lost", "`key_gone` is no word of `tell`"),
    ("most: 10100", "most: 0", "3.wait.claim.most", "1 or more"),
    ("within: 7d, ", "", "[3].wait.claim", "missing field `within`"),
    ("for: api_key", "for: key", "3.wait.for", "`key` is no name that `take` finds"),
    (
        "- { name: link, get: \"/invite/{secrets.invite_token}\"",
        "- { get: \"/invite/{secrets.invite_token}\"",
        "0",
        "needs a `name`",
    ),
    ("- { name: link, post: \"/join-requests", "- { name: page, post: \"/join-requests", "3", "`link` is missing here"),
];

#[test]
fn what_cannot_work_is_refused_with_its_key() {
    parse("thinkwork.yaml", THINKWORK).expect("it is sound as it stands");
    for (old, new, key, words) in BAD {
        let error = refused(THINKWORK, old, new);
        let at = error.key.strip_prefix(STEPS).unwrap_or(&error.key).trim_start_matches('.');
        assert!(at == *key && error.to_string().contains(words), "{new}: {error}");
    }
}

#[test]
fn that_there_is_no_work_channel_is_said_and_not_left_out() {
    let refused = |new: &str| refused(THINKWORK, "registered: {}", new).to_string();
    assert!(refused("").contains("or `registered: {}`"));
    assert!(refused("registered: { post: /ping }").contains("use a get"));
    let both = "receive: { flavour: sse, get: /s }\nevents: { message.created: { object: /id } }\nregistered: {}";
    assert!(refused(both).contains("keep one"));
    assert!(refused("receive: { flavour: sse, get: /s }").contains("what arrives is missing"));
}
