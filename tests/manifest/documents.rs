//! Documents in a manifest: what edits them live, and what changes those that are not, must stand there.

use agent_bridge::adapter::parse;

use super::refused;

const AGENTWORKSPACE: &str = include_str!("../../adapters/agentworkspace.yaml");

#[test]
fn what_edits_documents_names_what_is_there() {
    for (old, new, words) in [
        ("instead: suggest", "instead: sugest", "`sugest` is no verb"),
        ("instead: document.update", "instead: document.updat", "`document.updat` is no verb"),
        ("docs/{room.id}/draft-token", "docs/{action.id}/draft-token", "documents.own.token"),
        ("text: content }", "text: contents }", "`contents` is no argument of this action"),
        ("document: document, text", "doc: document, text", "unknown field `doc`"),
        ("    token:\n      as: key", "    tokens:\n      as: key", "unknown field `tokens`"),
        (
            "      take: { token: /token, slug: /slug, server: /serverUrl }\n    instead",
            "    instead",
            "has no `token`",
        ),
    ] {
        let said = refused(AGENTWORKSPACE, old, new).to_string();
        assert!(said.contains(words), "{new}: {said}");
    }
    // Without `live` nothing says what others see there, and no verb can edit.
    let (before, live) = AGENTWORKSPACE.split_once("\n  # A new token for every connect").expect("`live` stands there");
    let (_, own) = live.split_once("\n  # Its key opens").expect("`own` stands there");
    let alone = format!("{before}\n  # Its key opens{own}").replacen("    live: true\n", "", 1);
    let said = parse("x.yaml", &alone).expect_err("nothing is open that could be rewritten").to_string();
    assert!(said.contains("actions.document.update.rewrites") && said.contains("`documents.live`"), "{said}");
    let alone = alone.replacen("    rewrites: { document: document, text: content }\n", "", 1);
    let said = parse("x.yaml", &alone).expect_err("`own` alone").to_string();
    assert!(said.contains("`documents.live`: add that"), "{said}");
}
