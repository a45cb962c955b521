//! What the agent may change in a document that people write: its own words, and what the operator lets it. The rest is
//! asked for as a suggestion, which nothing shows again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{Armed, Fault, Memory};
use serde_json::{Value, json};

use crate::bridge::{Agent, until};
use crate::house::QUICK;
use crate::studio::Studio;

const ROME: &str = "Rome is the majority of it.";
const SUGGEST: &str = "POST /api/share/{token}/suggest";

/// A person's text that is long enough to have a whole to speak of.
fn long() -> String {
    format!("{ROME} And more. ").repeat(20)
}

/// What becomes of an edit: it was made, or suggested.
async fn goes(studio: &Studio, agent: &mut Agent, what: Value, wanted: &str) {
    let receipt = studio.edit(agent, what).await;
    let told = (&receipt["state"], &receipt["went"]);
    assert_eq!(told, (&json!("confirmed"), &json!(wanted)), "{receipt:#}\n{}", studio.home.log());
}

/// What was suggested, and by what it should be replaced.
fn suggested(studio: &Studio) -> Vec<(String, String)> {
    studio.sim.look(|world| world.suggestions().map(|it| (it.search.clone(), it.replacement.clone())).collect())
}

fn replace(quote: &str, text: &str) -> Value {
    json!({ "op": "replace", "quote": quote, "text": text })
}

#[tokio::test]
async fn own_words_stay_the_agents_own_through_restarts_of_both_and_others_stay_theirs() {
    let mut studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    goes(&studio, &mut agent, json!({ "op": "append", "text": "Budget: 500" }), "edited").await;
    drop(agent);
    studio.kill().await;
    let mut agent = studio.home.agent().await;
    goes(&studio, &mut agent, json!({ "op": "append", "text": "Flights: 200" }), "edited").await;
    studio.sim.restart(Memory::Kept);
    drop(agent);
    studio.kill().await;
    // A third client of the agent: what the first and the second wrote is its own, too.
    let mut agent = studio.home.agent().await;
    goes(&studio, &mut agent, replace("500", "700"), "edited").await;
    goes(&studio, &mut agent, json!({ "op": "delete", "quote": "Flights: 200" }), "edited").await;
    goes(&studio, &mut agent, replace("the majority", "half"), "suggested").await;
    assert_eq!(suggested(&studio), [("the majority".to_owned(), "half".to_owned())]);
    assert_eq!(studio.seen().trim_end(), format!("{ROME}\n\nBudget: 700"));
    studio.end().await;
}

#[tokio::test]
async fn words_of_which_a_person_wrote_a_part_are_theirs() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    goes(&studio, &mut agent, json!({ "op": "append", "text": "Budget: 500 for all" }), "edited").await;
    // The person writes into the agent's sentence.
    let inside = studio.seen().find("500").unwrap() + 3;
    assert!(studio.sim.types(&studio.draft, inside, " euros"));
    let told = async || {
        let read = json!({ "workspace": "plans", "document": studio.draft.as_str() });
        let read = studio.home.agent().await.call("document", read).await.unwrap();
        read["item"]["content"].as_str().is_some_and(|text| text.contains("500 euros for all")).then_some(())
    };
    until(told, || studio.home.log()).await;
    let before = studio.seen();
    goes(&studio, &mut agent, replace("500 euros for", "700 euros for"), "edited").await;
    assert_eq!(studio.seen(), before.replace("500", "700"), "of a quote only what changes counts, and that is its own");
    let before = studio.seen();
    goes(&studio, &mut agent, replace("700 euros for all", "nothing"), "suggested").await;
    goes(&studio, &mut agent, replace("700 euros", "700 dollars"), "suggested").await;
    goes(&studio, &mut agent, json!({ "op": "delete", "quote": "it.\n\nBudget" }), "suggested").await;
    assert_eq!(studio.seen(), before, "nothing of it was done");
    assert_eq!(suggested(&studio).len(), 3);
    studio.end().await;
    // The operator's leave holds for words that are partly the person's, too.
    let studio = Studio::new(ROME, "[workspace.plans]\ndirect_edits = true").await;
    let mut agent = studio.home.agent().await;
    goes(&studio, &mut agent, json!({ "op": "append", "text": "Budget: 500" }), "edited").await;
    goes(&studio, &mut agent, replace("it.\n\nBudget: 500", "it, for 500."), "edited").await;
    assert_eq!((studio.seen(), suggested(&studio).len()), (format!("{}, for 500.", &ROME[..ROME.len() - 1]), 0));
    studio.end().await;
}

#[tokio::test]
async fn a_whole_document_is_rewritten_only_by_leave_and_one_leave_is_not_the_other() {
    let (whole, new) = (long(), "Naples, all of it.");
    for (config, became) in [
        ("", "refused"),
        ("direct_edits = true", "refused"),
        ("rewrites = true", "suggested"),
        ("direct_edits = true\nrewrites = true", "edited"),
    ] {
        let studio = Studio::new(&whole, &format!("[workspace.plans]\n{config}")).await;
        let mut agent = studio.home.agent().await;
        let receipt = studio.edit(&mut agent, replace(&whole, new)).await;
        let (stands, asked) = (studio.seen(), suggested(&studio).len());
        match became {
            "refused" => {
                let told = (&receipt["state"], &receipt["kind"]);
                assert_eq!(told, (&json!("failed"), &json!("rewrite")), "{config}: {receipt:#}");
                let message = receipt["message"].as_str().unwrap();
                assert!(message.contains("`rewrites`"), "it says who can allow it: {message}");
                assert_eq!((stands, asked), (whole.clone(), 0), "{config}");
                // What it may do by itself it does all the same.
                goes(&studio, &mut agent, json!({ "op": "append", "text": "More." }), "edited").await;
            }
            "suggested" => {
                assert_eq!(receipt["went"], "suggested", "{config}: {receipt:#}");
                assert_eq!((stands, asked), (whole.clone(), 1), "{config}");
            }
            _ => {
                assert_eq!(
                    (&receipt["state"], &receipt["went"]),
                    (&json!("confirmed"), &json!("edited")),
                    "{receipt:#}"
                );
                assert_eq!((stands.as_str(), asked), (new, 0), "{config}");
            }
        }
        studio.end().await;
    }
}

/// P6: a suggestion is shown nowhere again, so nobody can tell whether one whose reply was lost is there.
#[tokio::test]
async fn p6_a_suggestion_whose_reply_is_lost_stays_unknown_and_stands_there_once() {
    let mut studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    let as_verb = |word: &str| json!({ "conversation": studio.draft.as_str(), "search": "the majority", "text": word });
    let mut settled = Vec::new();
    for (n, fault) in [Fault::ReplyLost, Fault::StoredThen500, Fault::HalfBody].into_iter().enumerate() {
        for verb in ["document.edit", "suggest"] {
            studio.sim.arm(Armed { route: SUGGEST.to_owned(), after: 0, count: 1, fault: fault.clone() });
            let word = format!("{verb}{n}");
            let mut args = if verb == "suggest" { as_verb(&word) } else { replace("the majority", &word) };
            args["conversation"] = studio.draft.as_str().into();
            let act = json!({ "workspace": "plans", "verb": verb, "args": args, "wait": "60s" });
            let receipt = agent.call("act", act).await.unwrap();
            assert_eq!(receipt["state"], "unknown", "{verb} {fault:?}: {receipt:#}\n{}", studio.home.log());
            settled.push((receipt["id"].clone(), word));
        }
    }
    drop(agent);
    // Nor does a restart try it again.
    studio.kill().await;
    let mut agent = studio.home.agent().await;
    goes(&studio, &mut agent, replace("the majority", "the last"), "suggested").await;
    for (id, word) in settled {
        let receipt = agent.call("receipt", json!({ "id": id })).await.unwrap();
        assert_eq!(receipt["state"], "unknown", "{receipt:#}");
        let times = suggested(&studio).iter().filter(|(_, by)| *by == word).count();
        assert_eq!(times, 1, "{word}: {:?}", suggested(&studio));
    }
    studio.end().await;
}

#[tokio::test]
async fn p6_a_suggestion_that_a_kill_cut_off_is_made_once_at_most_and_never_said_to_be_missing() {
    let mut studio = Studio::new(ROME, "").await;
    // Nothing else is asked for meanwhile.
    studio.home.configure(&QUICK.replace("[lines]", "[lines]\nevery = \"10m\"\nbeside = \"10m\""));
    let (mut killed, mut open) = (0, 0);
    // Which request is the suggestion's own differs from start to start: a walk that has missed it is gone again.
    for round in 0..3 {
        if open > 0 {
            break;
        }
        for time in 1..=12 {
            let word = format!("word {round} {time}");
            let mut args = replace("the majority", &word);
            args["conversation"] = studio.draft.as_str().into();
            let act =
                json!({ "workspace": "plans", "verb": "document.edit", "args": args, "key": word, "wait": "45s" });
            let cut = format!("http.request.after@{time}");
            if studio.outlives(&cut, act.clone()).await {
                break;
            }
            killed += 1;
            let times = |studio: &Studio| suggested(studio).iter().filter(|(_, by)| *by == word).count();
            let left = times(&studio);
            studio.starts().await;
            let receipt = studio.home.agent().await.call("act", act).await.expect("nobody kills this one");
            match receipt["state"].as_str().unwrap() {
                "unknown" => {
                    assert_eq!((left, times(&studio)), (1, 1), "{cut}: it left, and is not sent again: {receipt:#}");
                    open += 1;
                }
                "confirmed" => assert_eq!((left, times(&studio)), (0, 1), "{cut}: it had not left: {receipt:#}"),
                state => panic!("{cut}: {state}: {receipt:#}"),
            }
        }
    }
    assert!(killed > 1 && open > 0, "{killed} kills, {open} of them behind the suggestion");
    studio.end().await;
}
