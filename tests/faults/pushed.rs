//! Rows about grants, cables, webhooks and idempotency keys, on the platform that has them.

mod stopped;

use std::time::Duration;

use agent_bridge_sim::speakeasy::{Armed, CableFault, Delays, Fault, HookFault, Options, Reason, Sim, World};
use serde_json::json;

use crate::bridge::until;
use crate::lounge::{Lounge, hospitable, ingress};
use crate::matrix;

const REFRESH: &str = "POST /agent_sessions/refresh";
const CHATS: &str = "POST /agent/topics/{topic_id}/chats";
/// Beside a live cable the log is read at its welcome and its gaps alone: what comes in between came by the cable.
const SELDOM: &str = "every = \"1s\"\nbeside = \"10m\"\noverlap = \"10m\"";
const OFTEN: &str = "every = \"200ms\"";
const CABLE: &str = "[lines.cable]\nresend = \"100ms\"\nsubscribe = \"500ms\"\nsettle = \"300ms\"\nrarely = \"500ms\"";

/// Whatever becomes of the cable by this: what is said then is told, and the cable is subscribed again.
async fn comes_back(lounge: &mut Lounge, fault: CableFault, drop: bool) {
    let (dials, word) = (lounge.sim.look(World::cable_dials), format!("{fault:?}"));
    lounge.sim.cable_fault(fault);
    if drop {
        lounge.sim.cable_fault(CableFault::Drop);
    }
    lounge.say(&word);
    lounge.is_dialled(dials + 1).await;
    lounge.is_subscribed().await;
}

#[tokio::test]
async fn row_23_a_gap_on_the_cable_is_polled_over_and_it_subscribes_again() {
    matrix::row(23, async {
        let mut lounge = Lounge::new(SELDOM, CABLE).await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        for fault in [CableFault::CursorGap, CableFault::InvalidCursor, CableFault::RejectSilently] {
            comes_back(&mut lounge, fault, true).await;
        }
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_24_a_subscription_that_is_never_answered_costs_a_reconnect() {
    matrix::row(24, async {
        let mut lounge = Lounge::new(SELDOM, CABLE).await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        comes_back(&mut lounge, CableFault::NeverConfirm, true).await;
        comes_back(&mut lounge, CableFault::NoWelcome, true).await;
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_25_each_disconnect_is_answered_as_it_asks() {
    matrix::row(25, async {
        let mut lounge = Lounge::new(SELDOM, CABLE).await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        for reason in [Reason::ServerRestart, Reason::Remote] {
            comes_back(&mut lounge, CableFault::Disconnect { reason, reconnect: true }, false).await;
        }
        // The session is renewed once, and the cable comes back with the new token.
        comes_back(&mut lounge, CableFault::Disconnect { reason: Reason::Unauthorized, reconnect: false }, false).await;
        lounge.is_sound(&mut agent, 0).await;
        // This one asks not to come again: the log is read all the same.
        lounge.sim.cable_fault(CableFault::Disconnect { reason: Reason::InvalidRequest, reconnect: false });
        lounge.is_sound(&mut agent, 0).await;
        assert_eq!(lounge.sim.look(World::subscribed), 0);
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_26_a_cable_that_has_stopped_is_dialled_again() {
    matrix::row(26, async {
        let mut lounge = Lounge::new(SELDOM, "[lines.cable]\nstale = \"1s\"").await;
        lounge.sim.set_push(|push| push.ping = Duration::from_millis(300));
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        comes_back(&mut lounge, CableFault::Mute, false).await;
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_27_what_webhook_cable_and_poll_bring_at_once_is_told_once() {
    matrix::row(27, async {
        let mut lounge = Lounge::new(OFTEN, &ingress()).await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        for n in 0..matrix::cycles(30) {
            lounge.say(&n.to_string());
            if n % 7 == 0 {
                lounge.sim.hook_fault(HookFault::Duplicate { times: 2 });
                lounge.sim.cable_fault(CableFault::Duplicate);
            }
        }
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_28_webhooks_out_of_order_leave_the_order_to_the_poll() {
    matrix::row(28, async {
        let seldom = "every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"";
        let mut lounge = Lounge::without_cable(seldom, &ingress()).await;
        let mut agent = lounge.agent().await;
        for round in 0..matrix::cycles(3) {
            lounge.sim.hook_fault(HookFault::Shuffle { events: 5 });
            for n in 0..5 {
                lounge.say(&format!("{round}: {n}"));
            }
        }
        lounge.is_sound(&mut agent, 0).await;
        assert!(lounge.sim.served().contains("hook.out_of_order"), "they came out of order");
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_28_frames_out_of_order_are_marked_late_within_one_second() {
    matrix::row(28, async {
        let mut lounge = Lounge::new(SELDOM, CABLE).await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        let rounds = matrix::cycles(3);
        for round in 0..rounds {
            lounge.sim.cable_fault(CableFault::Reorder { events: 5 });
            for n in 0..5 {
                lounge.say(&format!("{round}: {n}"));
            }
        }
        // All but the first of each five that were turned round.
        lounge.is_sound(&mut agent, 4 * rounds).await;
        let cables = lounge.sim.cables();
        let mut sent = cables.iter().flat_map(|cable| cable.subscriptions.values());
        assert!(sent.any(|subscription| !subscription.sent.is_sorted()), "they came out of order");
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_28_an_entry_is_late_whose_follower_came_by_the_cable_and_stands_on_no_page_yet() {
    matrix::row(28, async {
        let mut lounge = Lounge::new("every = \"1s\"\nbeside = \"100ms\"", CABLE).await;
        let mut agent = lounge.agent().await;
        lounge.is_subscribed().await;
        let rounds = matrix::cycles(3);
        for round in 0..rounds {
            lounge.sim.cable_fault(CableFault::Lose);
            for n in 1..=3 {
                let polling = Duration::from_millis(300 * n);
                lounge.sim.set_delays(Delays { polling, ..Delays::default() });
                lounge.say(&format!("{round}: {n}"));
            }
        }
        lounge.is_sound(&mut agent, rounds).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn attack_a_webhook_that_is_sent_again_after_a_restart_is_told_once() {
    let mut lounge = Lounge::without_cable(OFTEN, &ingress()).await;
    let mut agent = lounge.agent().await;
    lounge.say("once");
    lounge.is_sound(&mut agent, 0).await;
    let old = lounge.sim.deliveries().last().expect("a delivery").event;
    lounge.kill().await;
    lounge.is_live().await;
    drop(agent);
    agent = lounge.agent().await;
    assert!(lounge.sim.replay_hook(old));
    let again = || async {
        let sent = lounge.sim.deliveries().into_iter().find(|sent| sent.event == old)?;
        sent.attempts.iter().any(|attempt| attempt.replayed && attempt.status == Some(204)).then_some(())
    };
    until(again, || format!("{:#?}", lounge.sim.deliveries())).await;
    lounge.is_sound(&mut agent, 0).await;
    lounge.end().await;
}

#[tokio::test]
async fn row_29_a_lost_reply_to_a_refresh_is_followed_by_the_same_token_once_more() {
    matrix::row(29, async {
        // A platform that takes the spent token once more: the workspace recovers alone.
        let sim = Sim::new(Options { grace: 1, ..hospitable() });
        let mut lounge = Lounge::of(sim, OFTEN, "").await;
        let mut agent = lounge.agent().await;
        lounge.sim.fault(REFRESH, Fault::ReplyLost);
        expire(&lounge);
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;

        // One that does not: a person must act, and the seat says by which command.
        let lounge = Lounge::new(OFTEN, "").await;
        lounge.sim.fault(REFRESH, Fault::ReplyLost);
        expire(&lounge);
        until(|| async { (lounge.status().await["seat"] == "needs_action").then_some(()) }, || lounge.home.log()).await;
        let command = lounge.status().await["command"].to_string();
        assert!(command.contains("agent-bridge join speakeasy") && command.contains("--as lounge"), "{command}");
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_30_a_crash_before_the_new_tokens_are_stored_counts_as_a_lost_reply() {
    matrix::row(30, async {
        let sim = Sim::new(Options { grace: 1, ..hospitable() });
        let mut lounge = Lounge::of(sim, OFTEN, "").await;
        let mut agent = lounge.agent().await;
        lounge.sim.fault(REFRESH, Fault::NeverAnswers { applied: true });
        expire(&lounge);
        lounge.is_asked(REFRESH, 1).await;
        lounge.kill().await;
        drop(agent);
        agent = lounge.agent().await;
        lounge.is_sound(&mut agent, 0).await;
        assert_eq!(lounge.asked(REFRESH).len(), 2, "the same token once more, and no third time");
        lounge.end().await;

        // Twice in a row: that token is never sent again, and a person must act.
        let lounge = crashes_twice(&[]).await;
        until(|| async { (lounge.status().await["seat"] == "needs_action").then_some(()) }, || lounge.home.log()).await;
        assert_eq!(lounge.asked(REFRESH).len(), 2, "no third time");
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_30_control_without_the_write_ahead_the_token_is_sent_a_third_time() {
    matrix::row(30, async {
        let lounge = crashes_twice(&[("AGENT_BRIDGE_WITHOUT", "write-ahead")]).await;
        lounge.is_asked(REFRESH, 3).await;
        lounge.end().await;
    })
    .await;
}

/// The daemon dies at two refreshes in a row, each taken by the platform and answered by nothing, and starts again.
async fn crashes_twice(env: &[(&str, &str)]) -> Lounge {
    let mut lounge = Lounge::new(OFTEN, "").await;
    lounge.kill_under(env).await;
    lounge.is_live().await;
    let lost = Fault::NeverAnswers { applied: true };
    lounge.sim.arm(Armed { route: REFRESH.into(), after: 0, count: 2, fault: lost });
    expire(&lounge);
    for sent in 1..=2 {
        lounge.is_asked(REFRESH, sent).await;
        lounge.kill_under(env).await;
    }
    lounge
}

#[tokio::test]
async fn row_34_a_conflict_on_an_idempotency_key_is_surfaced_and_never_retried() {
    matrix::row(34, async {
        let mut lounge = Lounge::new(OFTEN, "").await;
        let mut agent = lounge.agent().await;
        lounge.sim.fault(CHATS, Fault::Status { status: 409 });
        let args = json!({ "conversation": lounge.topic.to_string(), "text": "twice?" });
        let act = json!({ "workspace": "lounge", "verb": "send", "args": args });
        let accepted = agent.call("act", act).await.expect("it is taken");
        let receipt = lounge.receipt(&mut agent, accepted["id"].as_str().expect("an id")).await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("conflict")), "{receipt:#}");
        assert_eq!(receipt["tries"], 1);
        lounge.is_sound(&mut agent, 0).await;
        assert!(lounge.sim.chats_by_agents().is_empty(), "nothing was sent again");
        lounge.end().await;
    })
    .await;
}

fn expire(lounge: &Lounge) {
    lounge.sim.expire_access(lounge.sim.newest_grant().expect("a grant"));
}
