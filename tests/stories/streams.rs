//! What a stream does to its listener.

use std::time::Duration;

use agent_bridge_sim::agentunited::{Armed, Cut, Fault, Options, StreamFault};

use crate::house::{House, QUICK, ack, documented, observed};

#[tokio::test]
async fn p7_a_token_that_expires_in_mid_stream_costs_logins_and_no_event() {
    for options in [documented(), observed()] {
        let mut house = House::new(Options { token_lifetime: Duration::from_secs(4), ..options }).await;
        let mut agent = house.agent().await;
        for round in 1..=2 {
            house.say(&format!("{round}"));
            house.seen("POST /auth/login", round).await;
        }
        house.say("after two more tokens");
        house.is_sound(&mut agent, 0).await;
    }
}

#[tokio::test]
async fn p1_a_drop_in_mid_event_costs_nothing() {
    for options in [documented(), observed()] {
        let mut house = House::new(options).await;
        let mut agent = house.agent().await;
        house.sim.stream_fault(&StreamFault::DropAfter { events: 1, bytes: Some(40) });
        for text in ["1", "2", "3"] {
            house.say(text);
        }
        house.is_sound(&mut agent, 0).await;
    }
}

#[tokio::test]
async fn p2_old_ids_that_are_replayed_and_new_ones_that_come_twice_are_told_once() {
    for options in [documented(), observed()] {
        let mut house = House::new(options).await;
        let mut agent = house.agent().await;
        for text in ["1", "2", "3", "4"] {
            house.say(text);
        }
        house.hears_all(&mut agent).await;
        house.sim.stream_fault(&StreamFault::ReplayOld { events: 4 });
        house.sim.stream_fault(&StreamFault::Duplicate { events: 2 });
        house.say("5");
        house.say("6");
        house.is_sound(&mut agent, 0).await;
    }
}

#[tokio::test]
async fn p1_a_platform_without_ids_loses_nothing_over_drops() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    for round in 0..4 {
        house.listens().await;
        house.say(&format!("{round} before"));
        house.sim.cut_streams();
        house.say(&format!("{round} while it is down"));
    }
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn p3_a_stream_that_is_cut_every_second_loses_nothing() {
    for cut in [Cut::AtDeadline, Cut::AtNextWrite] {
        let options = Options { stream_lifetime: Some(Duration::from_secs(1)), cut, ..observed() };
        // The platform cuts earlier than its manifest says: the bridge must find out by itself.
        let mut house = House::new(options).await;
        let mut agent = house.agent().await;
        let mut n = 0;
        while house.sim.look(agent_bridge_sim::agentunited::World::streams_opened) < 6 {
            house.say(&n.to_string());
            house.hears_all(&mut agent).await;
            n += 1;
            if n % 50 == 0 {
                house.listens().await;
            }
        }
        house.is_sound(&mut agent, 0).await;
    }
}

#[tokio::test]
async fn p3_what_the_stream_lost_before_what_it_told_comes_late() {
    let mut house = House::with(documented(), &QUICK.replace("500ms", "1h")).await;
    let mut agent = house.agent().await;
    house.say("1");
    house.say("2");
    house.hears_all(&mut agent).await;
    house.sim.stream_fault(&StreamFault::HoldBack { events: 2 });
    house.say("3");
    house.say("4");
    house.say("5");
    let five = house.next(&mut agent, "message.created").await;
    assert_eq!(five.text(), "5");
    ack(&mut agent, &five).await;
    house.sim.cut_streams();
    house.is_sound(&mut agent, 2).await;
}

#[tokio::test]
async fn p2_the_last_known_message_is_deleted_while_the_bridge_is_down() {
    for options in [documented(), observed()] {
        let mut house = House::new(options).await;
        let mut agent = house.agent().await;
        house.say("1");
        let last = house.say("2");
        house.hears_all(&mut agent).await;
        house.is_read().await;
        drop(agent);
        house.stop().await;
        assert!(house.sim.delete(&last));
        house.say("3 while it is down");
        house.say("4 while it is down");
        house.start().await;
        let mut agent = house.agent().await;
        let room = house.room.clone();
        house.ledger.owes("message.deleted", &room, &last, None);
        house.is_sound(&mut agent, 0).await;
    }
}

#[tokio::test]
async fn p2_two_edits_of_one_message_are_two_events() {
    for options in [documented(), observed()] {
        let mut house = House::new(options).await;
        let mut agent = house.agent().await;
        let message = house.say("one");
        house.hears_all(&mut agent).await;
        house.edit(&message, "two");
        house.edit(&message, "three");
        house.hears_all(&mut agent).await;
        house.stop().await;
        house.edit(&message, "four, while it is down");
        house.start().await;
        let mut agent = house.agent().await;
        house.is_sound(&mut agent, 0).await;
        let edits: Vec<_> = house.ledger.firsts("message.updated").iter().map(|it| it.text().to_owned()).collect();
        assert_eq!(edits, ["two", "three", "four, while it is down"]);
    }
}

#[tokio::test]
async fn p3_edits_that_a_history_told_first_make_the_older_ones_late() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    let message = house.say("one");
    house.hears_all(&mut agent).await;
    // The read begins, the edits come by the stream, and the answer has only the last of them.
    // One of the two reads is the room's: the other conversation's is held up, and not asked again meanwhile.
    let route = "GET /channels/{id}/messages".to_owned();
    house.sim.arm(Armed { route, after: 0, count: 2, fault: Fault::DelayRequest { millis: 1_000 } });
    house.sim.wait_for(|world| world.faults_left() == 0).await;
    assert!(house.sim.edit(&message, "two"));
    house.edit(&message, "three");
    house.hears_all(&mut agent).await;
    house.say("behind them");
    house.hears_all(&mut agent).await;
    let edits = house.ledger.firsts("message.updated").into_iter();
    let edits: Vec<_> = edits.map(|it| (it.text(), it.event["data"]["late"] == true)).collect();
    assert_eq!(edits, [("three", false), ("two", true)], "what is out of order says so");
}

#[tokio::test]
async fn p1_direct_messages_which_the_stream_leaves_out_arrive() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    let (primary, member) = (house.sim.primary(), house.sim.members()[0].clone());
    let joined_with = house.sim.dm(&primary, &member);
    let ann = house.ann.clone();
    let new = house.sim.dm(&ann, &member);
    house.says(&primary, &joined_with, "in the conversation of the join");
    house.say_in(&new, "in a conversation that is new");
    house.say("and in the room");
    house.is_sound(&mut agent, 0).await;
    let direct = house.ledger.firsts("message.created").into_iter().find(|it| it.event["subject"] == *new);
    let direct = direct.expect("it came");
    assert_eq!(direct.event["data"]["conversation"]["kind"], "direct");
    assert_eq!(direct.event["data"]["mentions_me"], true);
}
