//! Joining and leaving with the real commands.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use agent_bridge_sim::agentunited::Options;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::house::{House, QUICK, accepted, documented, observed};

#[tokio::test]
async fn a_workspace_joined_while_the_daemon_runs_is_live_without_a_restart() {
    for options in [documented(), observed()] {
        let mut house = House::empty(options, QUICK).await;
        let mut agent = house.agent().await;
        let room = house.room.clone();
        house.sim.say(&house.ann.clone(), &room, "before the join: not told");
        house.join().await;
        // At once: whether the line is up yet is not the agent's affair.
        house.say("welcome");
        let connected = house.next(&mut agent, "workspace.connected").await;
        crate::house::ack(&mut agent, &connected).await;
        house.is_sound(&mut agent, 0).await;
        assert_eq!(house.status().await["seat"], "signed_in");
    }
}

#[tokio::test]
async fn a_workspace_joined_while_no_daemon_runs_loses_nothing_until_it_does() {
    let mut house = House::empty(observed(), QUICK).await;
    house.stop().await;
    house.join().await;
    house.say("said while no daemon runs");
    house.start().await;
    let mut agent = house.agent().await;
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn a_platform_whose_clock_is_an_hour_behind_loses_nothing() {
    let behind = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() - 3_600_000);
    let wall = Arc::new(move || u64::try_from(behind()).unwrap_or_default());
    let mut house = House::empty(Options { wall, ..observed() }, QUICK).await;
    house.join().await;
    let mut agent = house.agent().await;
    let (primary, member) = (house.sim.primary(), house.sim.members()[0].clone());
    let direct = house.sim.dm(&primary, &member);
    house.says(&primary, &direct, "in a conversation that was empty");
    house.say("in a room that was empty");
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn one_joins_by_email_and_password_from_a_file_and_by_key_from_standard_input() {
    let only = "[[consumer]]\nname = \"main\"\n[consumer.only]\nworkspaces = [\"acme\"]\n";
    let mut house = House::empty(documented(), &format!("{QUICK}{only}")).await;
    let url = house.url();
    let password = house.home.path("password");
    std::fs::write(&password, "a password of my own\n").unwrap();
    let secret = format!("password=@{}", password.display());
    let link = house.sim.invite(Some("me@workspace.test"));
    house.home.ok(&["join", "agentunited", &link, "--as", "first", "--secret", &secret]).await;
    house.home.ok(&["leave", "first", "--yes"]).await;

    let email = ["join", "agentunited", &url, "--as", "acme", "--email", "me@workspace.test", "--secret", &secret];
    house.home.ok(&email).await;
    let key = house.sim.api_key(&house.sim.primary());
    let args = ["join", "agentunited", &url, "--as", "keyed", "--secret", "api_key=-"];
    let mut child = house.home.command(&args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{key}\n").as_bytes()).await.unwrap();
    assert!(child.wait().await.unwrap().success());

    let mut agent = house.agent().await;
    house.say("hello, both");
    let asked = house.next(&mut agent, "message.created").await;
    let reply = agent.call("reply", json!({ "seq": asked.seq, "text": "hello, Ann" })).await.unwrap();
    let receipt = house.receipt(&mut agent, &accepted(&reply)[0]).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let sent = house.home.ok(&["send", "keyed", &house.room, "and by key", "--json"]).await;
    let sent: Value = serde_json::from_str(&sent).unwrap();
    let (room, by_key) = (house.room.clone(), sent["remote_ids"][0].as_str().unwrap().to_owned());
    // To the other account that is somebody else's message.
    house.ledger.owes("message.created", &room, &by_key, Some("and by key"));
    house.is_sound(&mut agent, 0).await;
    for secret in ["a password of my own", key.as_str()] {
        assert!(!house.home.log().contains(secret), "no secret in the log");
    }
}

#[tokio::test]
async fn a_secret_as_an_argument_a_used_link_and_a_stranger_are_refused_in_one_line() {
    let house = House::new(documented()).await;
    let url = house.url();
    let used = house.sim.invite(None);
    house.home.ok(&["join", "agentunited", &used, "--as", "other"]).await;
    let wrong = format!("{url}/invite?token=inv_unknown");
    let no_token = format!("{url}/invite");
    for (args, word) in [
        (vec!["join", "agentunited", &url, "--as", "x", "--secret", "api_key=au_plain"], "never an argument"),
        (vec!["join", "agentunited", &used, "--as", "x"], "already been used"),
        (vec!["join", "agentunited", &wrong, "--as", "x"], "--instance"),
        (vec!["join", "agentunited", &no_token, "--as", "x"], "token"),
        (vec!["join", "nowhere", &url, "--as", "x"], "agentunited"),
    ] {
        let output = house.home.cli(&args).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let errors: Vec<_> = said.lines().filter(|line| !line.starts_with("note:")).collect();
        assert!(!output.status.success() && said.contains(word), "{args:?}: {said}");
        assert_eq!(errors.len(), 1, "one clear line: {said}");
        assert!(!said.contains("au_plain"));
    }
    let status = house.home.ok(&["status", "--json"]).await;
    assert!(!status.contains("\"x\""), "nothing is half-written: {status}");
}

#[tokio::test]
async fn who_leaves_hears_nothing_more_and_acts_no_more() {
    let mut house = House::new(documented()).await;
    let mut agent = house.agent().await;
    house.say("the last word");
    house.hears_all(&mut agent).await;
    let unasked = house.home.cli(&["leave", "acme"]).await;
    assert!(!unasked.status.success(), "it asks first, and there is no terminal");
    house.home.ok(&["leave", "acme", "--yes"]).await;
    house.sim.wait_for(|world| world.stream_count() == 0).await;
    let refused = house.home.cli(&["send", "acme", &house.room.clone(), "hello?"]).await;
    assert!(!refused.status.success());
    house.ledger.verify(0);
    house.stop().await;
    house.start().await;
    assert!(house.status().await.is_null(), "it stays gone");
}
