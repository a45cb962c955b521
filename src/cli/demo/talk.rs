//! People talk, an agent answers, and both are shown.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::Instant;

use super::echo::{Answered, Echo};
use super::stage::{Scene, Stage};

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
        let answered = echo.turn(Instant::now() + wait).await?;
        if as_json {
            let Answered { event, action, receipt } = answered;
            println!("{}", json!({ "event": event, "action": action, "receipt": receipt }));
        } else {
            tell(scene, &answered);
        }
    }
}

fn tell(scene: &Scene, answered: &Answered) {
    let Answered { event, action, receipt } = answered;
    let workspace = event["workspace"].as_str().unwrap_or_default();
    let place = scene.places.iter().find(|place| place.dialect == workspace);
    let title = place.map_or_else(|| workspace.to_owned(), super::place::Place::title);
    let (kind, data) = (event["type"].as_str().unwrap_or_default(), &event["data"]);
    let text = data["message"]["text"].as_str().unwrap_or_default();
    println!("{}", format!("{title:<26} {kind:<22} {text}").trim_end());
    if action.is_some() {
        let state = receipt["state"].as_str().unwrap_or_default();
        println!("{title:<26} {:<22} You said: {text}  [{state}]", "→");
    }
}
