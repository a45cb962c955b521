//! Groups: the canonical one that each read sets anew, and the actions.

use crate::support::{House, Served, close, error};
use agent_bridge_sim::office::{Nouns, Options};
use serde_json::json;

pub async fn canonical(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    sim.person("anna");
    let group = async || house.view("groups").await.1["groups"].clone();
    assert_eq!(group().await, json!([{"id": house.group, "name": "Headquarters", "members": ["jared", "user"]}]));
    let books = || sim.look(|world| (world.books().rewrites, world.books().membership_changes));
    assert_eq!(books(), (1, 0));
    let add = json!({"action": "add-member", "groupId": house.group, "member": "anna"});
    assert_eq!(house.act(add).await.1["group"]["members"], json!(["anna", "jared", "user"]));
    assert_eq!(group().await[0]["members"], json!(["jared", "user"]), "a person who was added is put out again");
    sim.colleague("robo");
    assert_eq!(group().await[0]["members"], json!(["jared", "robo", "user"]));
    assert!(sim.leaves("robo") && !sim.leaves("robo"));
    assert_eq!(group().await[0]["members"], json!(["jared", "user"]));
    assert_eq!(books(), (4, 2));
    let mine = json!({"action": "create-group", "name": "Lunch", "members": ["anna"]});
    assert_eq!(house.act(mine).await.0, 200);
    assert_eq!(group().await.as_array().map(Vec::len), Some(1), "the canonical group only");
    close(sim, served);
}

pub async fn actions(served: &mut Served) {
    let house = House::new(Options::default()).await;
    let sim = &house.sim;
    sim.person("anna");
    let create = json!({"action": "create-group", "name": "Lunch", "members": ["anna"], "from": "jared"});
    let made = house.act(create).await.1["group"].clone();
    assert_eq!((&made["name"], &made["members"]), (&json!("Lunch"), &json!(["anna", "jared"])));
    let rename = json!({"action": "rename-group", "groupId": made["id"], "name": "Dinner"});
    assert_eq!(house.act(rename.clone()).await.1["group"]["name"], "Dinner");
    let add = |group: &str, member: &str| json!({"action": "add-member", "groupId": group, "member": member});
    let id = made["id"].as_str().expect("an id");
    assert_eq!(house.act(add(id, "user")).await.1["group"]["members"], json!(["anna", "jared", "user"]));

    assert_eq!(error(&house.act(add(id, "nobody")).await), (404, "member not found"));
    assert_eq!(error(&house.act(add("group_0", "anna")).await), (404, "group not found"));
    assert_eq!(
        error(&house.act(json!({"action": "add-member", "groupId": id})).await),
        (400, "groupId and member are required")
    );
    assert_eq!(
        error(&house.act(json!({"action": "rename-group", "groupId": id})).await),
        (400, "groupId and name are required")
    );
    for members in [json!(null), json!("anna"), json!([1])] {
        let body = json!({"action": "create-group", "name": "x", "members": members});
        assert_eq!(error(&house.act(body).await), (400, "name and members are required"));
    }
    let mut forged = rename;
    forged["from"] = json!("anna");
    assert_eq!(error(&house.act(forged).await), (403, "from is not your agent"));
    assert!(sim.lose_chat("jared") && sim.register_chat("jared"));
    let send = json!({"action": "group-send", "groupId": id, "from": "jared", "body": "x"});
    assert_eq!(error(&house.act(send).await), (403, "not a member of this group"));
    close(sim, served);
}

#[tokio::test]
async fn the_nouns_of_group_actions_can_be_others() {
    let nouns = Nouns { members: "participants".into(), name: "title".into(), ..Nouns::default() };
    let house = House::new(Options { nouns, ..Options::default() }).await;
    let usual = json!({"action": "create-group", "name": "Lunch", "members": ["user"]});
    assert_eq!(error(&house.act(usual).await), (400, "title and participants are required"));
    let theirs = json!({"action": "create-group", "title": "Lunch", "participants": ["user"]});
    assert_eq!(house.act(theirs).await.0, 200);
}
