//! People talk, an agent answers, and both are shown.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::echo::{Answer, Echo};
use super::stage::{Scene, Stage};
use crate::cli::show::{changes, clean, text};

/// How often somebody says something.
const TALK: Duration = Duration::from_secs(3);
/// What they say.
const SAYINGS: [&str; 4] =
    ["Good morning!", "Can you take a look at this?", "What do you think?", "Thanks, that helps."];

/// Goes on as long as it is let. A receipt is waited for so long.
pub async fn talk(stage: &Stage, wait: Duration, as_json: bool) -> anyhow::Result<()> {
    let listen = try_join_all(stage.scenes.iter().map(|scene| listen(scene, wait, as_json)));
    let speak = async {
        let mut talk = tokio::time::interval(TALK);
        let places = stage.places().map(|(place, _)| place).collect::<Vec<_>>();
        for (saying, place) in SAYINGS.iter().flat_map(|saying| places.iter().map(move |place| (saying, place))).cycle()
        {
            talk.tick().await;
            place.say(saying);
        }
    };
    tokio::select! {
        ended = listen => ended.map(drop),
        () = speak => Ok(()),
    }
}

async fn listen(scene: &Scene, wait: Duration, as_json: bool) -> anyhow::Result<()> {
    let mut echo = Echo::connect(&scene.bridge.socket()).await?;
    loop {
        let handed = echo.next().await?;
        let answers = echo.answer(&handed, Instant::now() + wait).await?;
        let event = &handed.event;
        if !as_json {
            tell(scene, event, &answers);
        } else if answers.is_empty() {
            println!("{}", json!({ "event": event, "action": null, "receipt": null }));
        }
        for Answer { action, receipt, .. } in answers.iter().filter(|_| as_json) {
            println!("{}", json!({ "event": event, "action": action, "receipt": receipt }));
        }
    }
}

fn tell(scene: &Scene, event: &Value, answers: &[Answer]) {
    let workspace = event["workspace"].as_str().unwrap_or_default();
    let place = scene.places.iter().find(|place| place.workspace == workspace);
    let title = place.map_or_else(|| workspace.to_owned(), super::place::Place::title);
    println!("{}", format!("{title:<26} {:<22} {}", text(event, "type"), clean(&what(&event["data"]))).trim_end());
    for Answer { verb, text: wrote, receipt, .. } in answers {
        println!("{title:<26} {:<22} {}  [{}]", format!("→ {verb}"), clean(wrote), text(receipt, "state"));
    }
}

/// What an event says, in a line: the words, what changed in a document, or what became of an action.
fn what(data: &Value) -> String {
    let settled = format!("{} {}", text(&data["receipt"], "verb"), text(&data["receipt"], "state"));
    let all = [text(&data["message"], "text"), changes(&text(data, "diff")), settled.trim().to_owned()];
    all.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}
