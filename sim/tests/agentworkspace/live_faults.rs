//! What goes wrong with a draft edited live.

use std::time::Duration;

use agent_bridge_sim::agentworkspace::{LiveFault, Options, Turn, World};
use yrs::{Text as _, Transact as _};

use crate::{
    editor::{Editor, Ended, content},
    support::{House, house},
};

/// The last one leaves: faults strike whichever line comes first.
async fn nobody(house: &House, last: Editor) {
    drop(last);
    house.sim.wait_for(|world| world.lines().all(|it| !it.open)).await;
}

#[tokio::test(start_paused = true)]
async fn updates_are_lost_doubled_and_corrupt() {
    let house = house(Options::default());
    let mut agent = house.editor().await;
    let push = |text: &'static str| move |doc: &yrs::Doc| content(doc).push(&mut doc.transact_mut(), text);
    house.sim.live_fault(LiveFault::LoseUpdate);
    agent.edit(push(" lost")).await;
    agent.edit(push(" kept")).await;
    // The second depends on the first: the server holds it back until somebody brings what is missing.
    agent.sync().await.expect("the server asks for nothing; a new line does");
    let mut agent = agent.again(&house).await;
    agent.sync().await.expect("a whole document");
    house.reads("Rome is the majority of it. lost kept").await;
    house.sim.live_fault(LiveFault::DropAfter);
    agent.edit(push(" a")).await;
    assert_eq!(agent.until(|_| false).await, Err(Ended::Dropped));
    assert!(house.sim.content(&house.draft).ends_with(" a"), "taken");
    let mut agent = agent.again(&house).await;
    agent.sync().await.expect("a whole document");
    house.sim.live_fault(LiveFault::DropBefore);
    agent.edit(push(" b")).await;
    assert_eq!(agent.until(|_| false).await, Err(Ended::Dropped));
    assert!(!house.sim.content(&house.draft).ends_with(" b"), "not taken");
    let mut agent = house.editor().await;
    house.sim.live_fault(LiveFault::CorruptUpdate);
    house.sim.appends(&house.draft, "x");
    assert_eq!(agent.until(|_| false).await, Err(Ended::Corrupt));
    nobody(&house, agent).await;
    house.sim.live_fault(LiveFault::CorruptSync);
    let mut agent = Editor::dial(&house, &house.draft_token().await).await.expect("a line");
    assert_eq!(agent.sync().await, Err(Ended::Corrupt));
    nobody(&house, agent).await;
    house.sim.live_fault(LiveFault::DropMidFrame);
    let mut agent = house.editor().await;
    house.sim.appends(&house.draft, "y");
    assert_eq!(agent.until(|_| false).await, Err(Ended::Dropped));
    assert_eq!(house.sim.look(World::faults_left), 0);
}

#[tokio::test(start_paused = true)]
async fn peers_are_slow_and_silent() {
    let house = house(Options::default());
    let mut agent = house.editor().await;
    let began = tokio::time::Instant::now();
    house.sim.live_fault(LiveFault::Slow { millis: 5_000 });
    house.sim.arm_live(Turn { after: 1, count: Some(1), fault: LiveFault::DuplicateTold });
    house.sim.types(&house.draft, 0, "a");
    house.sim.types(&house.draft, 0, "b");
    agent.until(|it| it.text().starts_with("ba")).await.expect("both, late");
    assert_eq!(began.elapsed().as_secs(), 5);
    house.sim.live_fault(LiveFault::LoseTold);
    house.sim.types(&house.draft, 0, "c");
    house.sim.live_fault(LiveFault::SayText { text: "hello".into() });
    house.sim.live_fault(LiveFault::Say { bytes: vec![7, 7] });
    agent.sync().await.expect("what was lost");
    assert!(agent.text().starts_with("cba"));
    house.sim.live_fault(LiveFault::Stall { millis: 60_000 });
    agent.edit(|doc| content(doc).insert(&mut doc.transact_mut(), 0, "d")).await;
    house.reads(&agent.text()).await;
    assert_eq!(began.elapsed().as_secs(), 65);
    house.sim.live_fault(LiveFault::NeverSync);
    agent.step1().await;
    house.sim.live_fault(LiveFault::Mute);
    house.sim.types(&house.draft, 0, "e");
    let heard = tokio::time::timeout(Duration::from_hours(1), agent.until(|it| it.text().starts_with('e'))).await;
    assert!(heard.is_err(), "an hour of silence");
}
