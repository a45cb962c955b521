//! A bridge under load: people who talk in several rooms, and an agent that acks and replies.

use std::time::Duration;

use agent_bridge_sim::agentunited::Options;
use serde_json::json;

use crate::bridge::Agent;
use crate::house::House;
use crate::ledger::Ledger;

/// A house with rooms full of people.
pub struct Load {
    pub house: House,
    rooms: Vec<String>,
    /// What was said so far.
    said: usize,
    /// Questions among it, each of which wants one answer.
    questions: usize,
}

impl Load {
    /// Joined, with the agent in every room.
    pub async fn new(dialect: Options) -> Self {
        let house = House::new(dialect).await;
        let me = house.sim.members()[0].clone();
        let mut rooms = vec![house.room.clone()];
        for name in ["kitchen", "workshop", "garden"] {
            let room = house.sim.channel(name);
            house.sim.add_member(&me, &room);
            rooms.push(room);
        }
        Self { house, rooms, said: 0, questions: 0 }
    }

    /// So many messages, each in the next room; every fifth is a question.
    pub fn says(&mut self, count: usize) {
        for _ in 0..count {
            let question = self.said % 5 == 4;
            let text = format!("{}{}", self.said, if question { "?" } else { "." });
            let room = self.rooms[self.said % self.rooms.len()].clone();
            self.house.say_in(&room, &text);
            self.said += 1;
            self.questions += usize::from(question);
        }
    }

    /// The agent works for so long while people talk.
    pub async fn works(&mut self, time: Duration) {
        let mut agent = self.house.agent().await;
        self.says(10);
        for _ in 0..4 {
            // Whatever it is doing when the time is over, it is cut off in the middle.
            let _ = tokio::time::timeout(time / 4, work(&mut agent, &mut self.house.ledger)).await;
            self.says(3);
        }
    }

    /// L D O V, and one answer to each question.
    pub async fn is_sound(&mut self) {
        let mut agent = self.house.agent().await;
        // Something new in each room; what comes before it there may be a question that comes again.
        self.says(self.rooms.len());
        while !self.house.ledger.is_settled() {
            one(&mut agent, &mut self.house.ledger).await.expect("it lives");
        }
        self.house.ledger.verify(0);
        let wanted = self.questions;
        let answered = self.house.sim.wait_for(|world| world.messages_by_agent().len() >= wanted);
        let answered = tokio::time::timeout(crate::bridge::PATIENCE, answered).await;
        let mut answers: Vec<_> = self.house.answers().into_iter().map(|answer| answer.text).collect();
        answers.sort();
        answers.dedup();
        assert!(answered.is_ok() && answers.len() == wanted, "{wanted} questions: {answers:?}");
        assert_eq!(self.house.answers().len(), wanted, "no question is answered twice: {answers:?}");
    }
}

/// Takes deliveries until the bridge has gone.
async fn work(agent: &mut Agent, ledger: &mut Ledger) {
    while one(agent, ledger).await.is_some() {}
}

/// Takes one delivery: a question is answered, anything else acked.
async fn one(agent: &mut Agent, ledger: &mut Ledger) -> Option<()> {
    let delivery = agent.try_delivery().await?;
    ledger.had(&delivery);
    let settled = if delivery.text().ends_with('?') {
        let text = format!("to {}", delivery.text());
        agent.try_call("reply", json!({ "seq": delivery.seq, "text": text })).await?
    } else {
        agent.try_call("ack", json!({ "seq": delivery.seq })).await?
    };
    settled.expect("it is settled");
    Some(())
}
