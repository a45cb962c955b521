//! What holds at the end of every story.

use crate::bench::{Story, message, text};

impl Story {
    /// Everything that was said is told (L), once (D), in order but for `late` of them (O), and so is something new (V).
    pub async fn is_sound(&mut self, late: usize) {
        let missing = |story: &Self| {
            let told: Vec<_> = story.of("message.created").iter().map(message).collect();
            story.said.iter().filter(|(_, id)| !told.contains(id)).count()
        };
        self.until("everything that was said is told", |story| missing(story) == 0).await;
        self.say("something new");
        self.pass_secs(20).await;
        assert_eq!(missing(self), 0, "what is new passes within 20 s: {:#?}", self.status());
        self.is_told_once_and_in_order(late);
    }

    fn is_told_once_and_in_order(&self, late: usize) {
        let events = self.of("message.created");
        let mut ids: Vec<_> = self.feed().iter().map(|event| text(&event["id"])).collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "ids are told once");
        assert_eq!(self.late(), late, "late ones: {events:#?}");
        let mut rooms: Vec<&String> = self.said.iter().map(|(room, _)| room).collect();
        rooms.sort_unstable();
        rooms.dedup();
        for room in rooms {
            let there = events.iter().filter(|event| event["subject"] == **room);
            let timely: Vec<_> = there.filter(|event| event["data"]["late"] != true).map(message).collect();
            let said = self.said.iter().filter(|(at, id)| at == room && timely.contains(id));
            let said: Vec<_> = said.map(|(_, id)| id.clone()).collect();
            assert_eq!(timely, said, "the order of the room, and nothing else");
        }
    }
}
