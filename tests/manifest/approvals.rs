//! What a manifest with approvals and refresh tokens may not say.

use agent_bridge::adapter::parse;

use super::refused;

const BURROW: &str = include_str!("../fixtures/adapters/burrow.yaml");

/// What stands there, what is put in its place, the key that is named, and words of the error.
const BAD: &[(&str, &str, &str, &str)] = &[
    ("renewal: { taken: true }", "renewal: { taken: true, generate: 32 }", "ask.secrets.renewal", "keep one"),
    ("needs: [owner]", "needs: [code]", "join.ways.knock.needs.0", "`code` is no setting or secret"),
    ("renew_before: 60s", "renew_before: 29s", "sessions.grant.expires.renew_before", "30s before its end"),
    (
        "token: /pass, renewal: /renewal, who: /who } }\njoin",
        "renewal: /renewal } }\njoin",
        "sessions.grant",
        "takes `token`",
    ),
    ("json: { renewal: \"{secrets.renewal}\" }", "json: { renewal: x }", "sessions.grant", "names one secret"),
    (
        "json: { renewal: \"{secrets.renewal}\" }",
        "json: { renewal: \"{secrets.renewal}\", more: \"{secrets.code}\" }",
        "sessions.grant",
        "names one secret",
    ),
    ("for: code", "for: cod", "join.ways.knock.steps.1.wait.for", "`cod` is no name that `take` finds"),
    ("expired: nobody", "expired: nobdy", "join.ways.knock.steps.1.wait.expired", "`nobdy` is no outcome of this step"),
    ("every: 5s", "every: 500ms", "join.ways.knock.steps.1.wait.every", "once a second at most"),
    ("- get: \"/knocks/", "- post: \"/knocks/", "join.ways.knock.steps.1", "`wait` stands beside a get"),
    ("take: { code: /code }", "take: { code: /code, token: /t }", "join.ways.knock.steps.1", "exchanges for a `token`"),
    ("flavour: refresh_grant", "flavour: jwt", "sessions.grant", "needs `expires`"),
    ("get: /halls, items", "get: \"/halls?u={ingress.url}\", items", "asks.conversations.get", "has no value here"),
    ("{ingress.url?}", "{ingress.uri?}", "join.ways.knock.steps.0.json.back", "`ingress` has url"),
];

#[test]
fn what_cannot_work_is_refused_with_its_key() {
    parse("burrow.yaml", BURROW).expect("it is sound as it stands");
    for (old, new, key, words) in BAD {
        let error = refused(BURROW, old, new);
        assert!(error.key == *key && error.to_string().contains(words), "{new}: {error}");
    }
}
