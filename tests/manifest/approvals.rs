//! What a manifest with approvals and refresh tokens may not say.

use agent_bridge::adapter::{Outcome, parse};

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

/// The document names none of these statuses: the words count where there are any.
#[test]
fn whoever_is_not_let_in_is_told_why_whatever_the_status() {
    let manifest = parse("speakeasy.yaml", include_str!("../../adapters/speakeasy.yaml")).expect("it is sound");
    let steps = &manifest.join.ways.get("request").expect("the way").steps;
    let means = |step: usize, status: u16, body: &str| {
        let call = &steps[step].dialects[0].call;
        match call.outcome(&manifest, status, body.as_bytes()) {
            Outcome::Named { is, message: Some(_), .. } => is,
            other => format!("{other:?}"),
        }
    };
    for status in [400, 403, 404, 422] {
        assert_eq!(means(0, status, r#"{"error":"Agent Discovery is not enabled"}"#), "discovery_off", "{status}");
    }
    for status in [400, 404, 422] {
        assert_eq!(means(0, status, r#"{"error":"unknown handle"}"#), "handle_unknown", "{status}");
    }
    for body in [r#"{"status":"denied"}"#, r#"{ "state": "rejected" }"#, r#"{"status":"Declined"}"#] {
        assert_eq!(means(1, 200, body), "denied", "{body}");
    }
    assert_eq!((means(1, 403, ""), means(1, 410, "")), ("denied".to_owned(), "request_expired".to_owned()));
    assert_eq!(means(1, 200, r#"{"status":"expired"}"#), "request_expired");
    assert_eq!(means(1, 200, r#"{"status":"pending","denied":null,"rejected":false,"expired":false}"#), "Ok");
    for status in [400, 401, 403, 404] {
        assert_eq!(means(2, status, ""), "code_spent", "{status}");
    }
}
