//! Links and URLs without a platform's name: known by their form, or by what their host answers to strangers.

use std::sync::Arc;

use agent_bridge::adapter::{Manifest, Manifests};
use agent_bridge::join::recognise::{by_answer, by_form, of_instance};
use agent_bridge_sim::{agentunited, agentworkspace, office, speakeasy};
use axum::Router;
use axum::routing::any;
use http::StatusCode;

use crate::memory_network::MemoryNetwork;

fn manifests() -> Manifests {
    Manifests::load(None).unwrap()
}

fn names(of: &[Arc<Manifest>]) -> Vec<&str> {
    of.iter().map(|manifest| manifest.platform.as_str()).collect()
}

#[test]
fn a_link_is_known_by_its_form() {
    let form = |text: &str| by_form(&manifests(), text);
    assert_eq!(names(&form("https://h.example/invite?token=inv_1")), ["agentunited"]);
    assert_eq!(names(&form("https://h.example/share/abc")), ["agentworkspace"]);
    for plain in
        ["https://h.example", "https://h.example/invite", "https://h.example/else/abc", "http://h.example/share/abc"]
    {
        assert!(form(plain).is_empty(), "{plain}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_known_by_what_it_answers_to_a_get() {
    let network = MemoryNetwork::default();
    let hosts =
        ["agentunited", "agentworkspace", "office", "speakeasy"].map(|name| (name, format!("https://{name}.test")));
    let (united, space) = (
        agentunited::Sim::new(agentunited::Options::default()),
        agentworkspace::Sim::new(agentworkspace::Options::default()),
    );
    let (desk, lounge) =
        (office::Sim::new(office::Options::default()), speakeasy::Sim::new(speakeasy::Options::default()));
    let routers = [united.router(), space.router(), desk.router(), lounge.router()];
    for ((_, origin), router) in hosts.iter().zip(routers) {
        network.serve(origin, router);
    }
    for (name, origin) in &hosts {
        let may_be = of_instance(&manifests(), origin);
        assert!(may_be.len() >= hosts.len(), "a plain URL may be anybody's: {:?}", names(&may_be));
        assert_eq!(names(&by_answer(&may_be, origin, &network).await), [*name]);
    }
    // Gets alone, and none that changed anything.
    assert!(
        united.log().iter().all(|entry| entry.method == "GET")
            && lounge.log().iter().all(|entry| entry.method == "GET")
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_a_wall_and_nobody_are_no_platform_in_particular() {
    let network = MemoryNetwork::default();
    let page = "<html><body>Welcome to invite and share anything</body></html>";
    network.serve("https://page.test", Router::new().fallback(any(move || async move { page })));
    network.serve(
        "https://wall.test",
        Router::new().fallback(any(|| async { (StatusCode::UNAUTHORIZED, "Unauthorized") })),
    );
    let known = |origin: &'static str| {
        let network = network.clone();
        async move { by_answer(&of_instance(&manifests(), origin), origin, &network).await.len() }
    };
    assert_eq!((known("https://page.test").await, known("https://nobody.test").await), (0, 0));
    assert!(known("https://wall.test").await > 1, "who answers 401 to everything may be anybody");
}
