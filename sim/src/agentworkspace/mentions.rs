//! `/api/share/{token}/mentions`: what people asked, and what is done.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome},
    asked::Asked,
    check::Issues,
    record::MentionStatus,
    wire,
};

/// `GET /api/share/{token}/mentions?name=`.
pub(crate) async fn index(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.as_guest(&token, |world, id| {
        let Some(name) = asked.param("name") else {
            let mut issues = Issues::default();
            issues.add("name", "Name is required", "mentions.400_name");
            return issues.none().map(|()| Answer::ok(Value::Null, "mentions.200"));
        };
        let own = world.mentions.iter().filter(|it| it.document == id && it.name.eq_ignore_ascii_case(name));
        let statuses: Vec<MentionStatus> = own.clone().map(|it| it.status).collect();
        let mut shown: Vec<Value> = own.map(wire::mention).collect();
        if world.options.shuffled {
            let turn = world.log().count() % shown.len().max(1);
            shown.rotate_left(turn);
        }
        let answer = Answer::ok(json!({"mentions": shown}), "mentions.200");
        Ok(statuses.into_iter().fold(answer, |answer, status| answer.and([line_of(status)])))
    })
}

/// `PATCH /api/share/{token}/mentions`.
pub(crate) async fn mark(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.as_guest(&token, |world, id| {
        let body = asked.object()?;
        let mut issues = Issues::default();
        let listed = body.get("mentionIds").and_then(Value::as_array);
        let ids: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
        if ids.is_empty() || listed.is_some_and(|it| it.len() != ids.len()) {
            issues.add("mentionIds", "mentionIds must be a non-empty array of ids", "mentions.mark.400_ids");
        }
        if body.get("status").and_then(Value::as_str) != Some("done") {
            issues.add("status", "status must be \"done\"", "mentions.mark.400_status");
        }
        issues.none()?;
        let own = world.mentions.iter_mut().filter(|it| it.document == id && ids.contains(&it.id.as_str()));
        let mut updated = 0;
        for mention in own {
            mention.status = MentionStatus::Done;
            updated += 1;
        }
        Ok(Answer::ok(json!({"updated": updated}), "mentions.mark.200"))
    })
}

fn line_of(status: MentionStatus) -> &'static str {
    match status {
        MentionStatus::Pending => "mentions.pending",
        MentionStatus::Sent => "mentions.sent",
        MentionStatus::Done => "mentions.done",
    }
}
