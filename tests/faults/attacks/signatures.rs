//! What the bridge signs for a webhook consumer: forged, altered and replayed by somebody in between. (What platforms sign
//! for the bridge: `pushed.rs`, and `tests/api/ingress`.)

use agent_bridge_sim::agentunited::Options;
use base64::Engine;
use http::HeaderMap;

use super::front::{Foul, Front};
use crate::bridge::{Home, until};
use crate::house::{House, QUICK};

fn parts(request: &str) -> (HeaderMap, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
    let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = pairs.map(|(name, value)| {
        (name.parse::<http::HeaderName>().expect("a name"), value.parse::<http::HeaderValue>().expect("a value"))
    });
    (headers.collect(), body.to_owned())
}

#[tokio::test]
async fn attack_an_event_that_was_touched_on_its_way_to_the_agent_does_not_verify() {
    let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode([7_u8; 32]));
    let hook = Front::of("http://127.0.0.1:1").await;
    hook.rule(|_| Some(Foul::whole("200 OK", "", "")));
    let mut house = House::empty(Options::default(), QUICK).await;
    house.stop().await;
    std::fs::write(house.home.path("hook"), &secret).unwrap();
    house.home.configure(&format!(
        "{QUICK}[[consumer]]\nname = \"hook\"\n[consumer.only]\ntypes = [\"message.*\"]\n[consumer.webhook]\n\
         url = \"{}/\"\nsecret_file = \"{}\"\n",
        hook.origin,
        house.home.path("hook").display()
    ));
    house.start().await;
    house.join().await;
    house.listens().await;
    house.say("pay 1 to Ann");
    let came = || async { hook.passed().contains("pay 1 to Ann").then(|| hook.passed()) };
    let (headers, body) = parts(&until(came, || house.home.log()).await);

    let reader = standardwebhooks::Webhook::new(&secret).expect("a secret");
    reader.verify(body.as_bytes(), &headers).expect("as it came");
    let spaced = body.replacen("\":", "\": ", 1);
    let doubled = body.replacen('{', "{\"x\":1,\"x\":2,", 1);
    let padded = format!("{body}\n");
    let other: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let sorted = serde_json::to_string_pretty(&other).expect("JSON");
    let forged = body.replace("pay 1 to Ann", "pay 9 to Eve");
    for touched in [&spaced, &doubled, &padded, &sorted, &forged] {
        assert_ne!(*touched, body);
        assert!(reader.verify(touched.as_bytes(), &headers).is_err(), "{touched}");
    }
    // The id and the time are signed as well: neither can be changed to replay it; a signature cut short is none.
    let signature = headers["webhook-signature"].to_str().expect("text").to_owned();
    for (name, value) in [
        ("webhook-id", "evt_other".to_owned()),
        ("webhook-timestamp", (headers["webhook-timestamp"].to_str().unwrap().parse::<u64>().unwrap() + 1).to_string()),
        ("webhook-signature", signature[..signature.len() - 4].to_owned()),
        ("webhook-signature", "v1,".to_owned()),
        ("webhook-signature", signature.replacen("v1,", "v0,", 1)),
    ] {
        let mut headers = headers.clone();
        headers.insert(name, value.parse().expect("a value"));
        assert!(reader.verify(body.as_bytes(), &headers).is_err(), "{name}: {value}");
    }
    let stranger = standardwebhooks::Webhook::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX").expect("a secret");
    assert!(stranger.verify(body.as_bytes(), &headers).is_err());
}

#[tokio::test]
async fn attack_a_webhook_without_a_usable_secret_does_not_start() {
    for secret in ["", "\n", "whsec_", "whsec_!!!!", "whsec_QQ=="] {
        let home = Home::new("");
        std::fs::write(home.path("hook"), secret).unwrap();
        home.configure(&format!(
            "[[consumer]]\nname = \"hook\"\n[consumer.webhook]\nurl = \"http://127.0.0.1:1/\"\nsecret_file = \"{}\"\n",
            home.path("hook").display()
        ));
        let output = home.cli(&["run"]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("secret"), "{secret:?}: {said}");
    }
}
