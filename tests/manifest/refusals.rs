//! Refusals of a join that a platform documents, each with words of its own.

use std::collections::BTreeSet;

use agent_bridge::adapter::{Manifests, Outcome};
use serde_json::json;

#[test]
fn each_error_of_a_join_by_code_is_known_by_name_and_has_words_of_its_own() {
    let manifest = Manifests::load(None).unwrap().get("office").unwrap();
    let step = &manifest.join.ways.get("code").unwrap().steps[0];
    let documented = [
        (400, "invalid_json", "invalid_json"),
        (400, "code and agent_name are required", "fields_missing"),
        (400, "invalid_code", "invalid_code"),
        (400, "wrong_invite_type", "wrong_invite_type"),
        (400, "no_office", "no_office"),
        (410, "code_used", "code_used"),
        (410, "code_expired", "code_expired"),
        (500, "server_error", "server_error"),
    ];
    let mut told = BTreeSet::new();
    for (status, error, name) in documented {
        let body = json!({ "error": error }).to_string();
        let Outcome::Named { is, message, after_loss, .. } =
            step.dialects[0].call.outcome(&manifest, status, body.as_bytes())
        else {
            panic!("{error} has no name")
        };
        assert_eq!((is.as_str(), after_loss.is_some()), (name, error == "code_used"));
        assert!(told.insert(message.expect(error)), "{error} has the words of another");
    }
    assert!(told.insert(manifest.words("key_lost").unwrap().to_owned()));
}

#[test]
fn a_setting_stands_in_the_place_of_a_fact_that_there_is() {
    let office = include_str!("../../adapters/office.yaml");
    let strange = office.replace("instead_of: office_id", "instead_of: colony");
    assert_ne!(strange, office);
    let refused = agent_bridge::adapter::parse("office.yaml", &strange).unwrap_err().to_string();
    assert!(refused.contains("instead_of") && refused.contains("`colony` is no fact: there are"), "{refused}");
}
