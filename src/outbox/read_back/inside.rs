//! Inside the records that may be it: what a list shows of them is not enough to know them by (P6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ReadError, Reader, found, records, sent};
use crate::action::Action;
use crate::adapter::{Inside, text};
use crate::outbox::decide::Found;
use crate::outbox::likeness::{Likeness, Shown, likeness};

const TOO_MANY: &str = "too many new records look like what was sent";
const NO_LIST: &str = "what a record holds does not stand where the manifest says";

impl Reader<'_> {
    /// Opens each of these records: the one that holds what was sent, by its own id and by that of what it holds.
    pub(super) async fn look_inside(
        &self,
        action: &Action,
        rule: &Inside,
        ids: Vec<String>,
    ) -> Result<Found, ReadError> {
        if ids.len() > self.limits.pages {
            return Ok(Found::Unreached(TOO_MANY));
        }
        let (mut matches, mut unclear) = (Vec::new(), 0);
        for id in ids {
            let (question, answer) = self.ask(&rule.list, action, &[(&rule.name, &id)]).await?;
            let Some(items) = records(question.list(&answer)) else { return Ok(Found::Unreached(NO_LIST)) };
            let judged: Vec<_> = items.into_iter().map(|item| (judge(action, rule, item), item)).collect();
            if let Some((_, item)) = judged.iter().find(|(likeness, _)| *likeness == Likeness::Alike) {
                matches.push([id].into_iter().chain(rule.id.text(item)).collect());
            } else {
                // Of what shows nothing nobody can say that it is something else.
                let unsure = judged.iter().any(|(likeness, _)| *likeness == Likeness::Unclear);
                unclear += usize::from(unsure || judged.is_empty());
            }
        }
        Ok(found(matches, unclear))
    }
}

fn judge(action: &Action, rule: &Inside, item: &Value) -> Likeness {
    let same = rule.same.iter().map(|(argument, at)| same(action.args.get(argument), at.find(item)));
    let says = rule.says.as_ref().map(|says| {
        let shown = Shown { text: says.text.text(item), html: says.html.text(item), files: Vec::new() };
        said(action, &shown)
    });
    // The least sure of all decides.
    same.chain(says).fold(Likeness::Alike, |all, one| match (all, one) {
        (Likeness::Different, _) | (_, Likeness::Different) => Likeness::Different,
        (Likeness::Unclear, _) | (_, Likeness::Unclear) => Likeness::Unclear,
        _ => Likeness::Alike,
    })
}

/// What was sent as HTML alone may be shown as no text at all.
fn said(action: &Action, shown: &Shown) -> Likeness {
    let sent = sent(action);
    let silent = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    if silent(&sent.text) && silent(&shown.text) && silent(&shown.html) {
        return Likeness::Alike;
    }
    likeness(&sent, shown)
}

/// A value, or the same items in any order. What is shown with more around it may be the same.
fn same(given: Option<&Value>, shown: Option<&Value>) -> Likeness {
    let (given, shown) = (items(given), items(shown));
    if given == shown {
        return Likeness::Alike;
    }
    let related = given.iter().any(|one| shown.iter().any(|other| other.contains(one.as_str())));
    if related || (shown.is_empty() && !given.is_empty()) { Likeness::Unclear } else { Likeness::Different }
}

/// Platforms trim, and write addresses in small letters.
fn items(value: Option<&Value>) -> BTreeSet<String> {
    let all = match value {
        Some(Value::Array(items)) => items.iter().collect(),
        other => other.into_iter().collect::<Vec<_>>(),
    };
    all.into_iter().filter_map(text).map(|item| item.trim().to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn p6_the_same_items_are_the_same_and_what_may_be_is_not_different() {
        for (given, shown, wanted) in [
            (json!(["a@x.example"]), json!(["A@x.example "]), Likeness::Alike),
            (json!(["a@x.example", "b@x.example"]), json!(["b@x.example", "a@x.example"]), Likeness::Alike),
            (json!("a@x.example"), json!(["a@x.example"]), Likeness::Alike),
            (json!(["a@x.example"]), json!(["Ann <a@x.example>"]), Likeness::Unclear),
            (json!(["a@x.example"]), json!(["a@x.example", "b@x.example"]), Likeness::Unclear),
            (json!(["a@x.example"]), json!(null), Likeness::Unclear),
            (json!(["a@x.example"]), json!([{ "address": "a@x.example" }]), Likeness::Unclear),
            (json!(["a@x.example"]), json!(["b@x.example"]), Likeness::Different),
        ] {
            assert_eq!(same(Some(&given), Some(&shown)), wanted, "{given} {shown}");
        }
    }
}
