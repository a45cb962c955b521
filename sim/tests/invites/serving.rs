//! Over real sockets: another process scripts it, and somebody approves by himself.

use std::time::Duration;

use agent_bridge_sim::{paperclip, run_paperclip, run_thinkwork, thinkwork};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One request over a socket: the status and the body's JSON; no status where the reply was lost.
async fn raw(url: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut socket = TcpStream::connect(url.trim_start_matches("http://")).await.expect("a server");
    let body = body.to_string();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut reply = String::new();
    // A reset after the last byte is as good as an end.
    let _reset = socket.read_to_string(&mut reply).await;
    let Some((head, body)) = reply.split_once("\r\n\r\n") else { return (0, Value::Null) };
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn another_process_scripts_it_over_http() {
    let (sim, serving) = run_thinkwork(thinkwork::Options::default(), 0).await.expect("a port");
    let url = serving.url();
    let script = async |verb: &str, body: Value| {
        let (status, body) = raw(&url, "POST", &format!("/_sim/{verb}"), &body).await;
        assert!([200, 404].contains(&status), "{verb}: {status} {body}");
        (status == 200).then_some(body)
    };
    let invite = script("invite", json!({"agent_name": "Echo", "max_uses": 3, "lifetime_s": 60})).await.unwrap();
    assert!(invite["link"].as_str().is_some_and(|it| it.starts_with(&format!("{url}/invite/"))), "{invite}");
    let accept = format!("/api/invites/{}/accept", invite["token"].as_str().unwrap());
    let join = async || raw(&url, "POST", &accept, &json!({"agentName": "Echo"})).await;

    let fault = json!({"route": "POST /api/invites/{token}/accept", "fault": {"kind": "reply_lost"}});
    script("fault", fault).await.unwrap();
    assert_eq!(join().await.0, 0, "the reply was lost");
    let lost = sim.waiting().expect("applied");
    script("forget", json!({"request": lost})).await.unwrap();
    assert_eq!(script("approve", json!({})).await, None, "nobody waits");
    let (_, made) = join().await;
    script("approve", json!({})).await.unwrap();
    let claim = format!("/api/join-requests/{}/claim-api-key", made["joinRequestId"].as_str().unwrap());
    let (status, key) = raw(&url, "POST", &claim, &json!({"claimSecret": made["claimSecret"]})).await;
    assert_eq!(status, 201, "{key}");
    script("make_key", json!({})).await.unwrap();
    script("revoke", json!({})).await.unwrap();
    assert_eq!(script("revoke", json!({})).await, None, "no key works any more");
    join().await;
    script("reject", json!({})).await.unwrap();
    script("expire_claim", json!({})).await.unwrap();
    script("expire", json!({"token": invite["token"]})).await.unwrap();
    script("withdraw", json!({"token": invite["token"]})).await.unwrap();
    assert_eq!(script("withdraw", json!({"token": "nobody's"})).await, None);
    script("clear_faults", json!({})).await.unwrap();

    let (_, state) = raw(&url, "GET", "/_sim/state", &json!({})).await;
    assert_eq!(
        (&state["requests"][0]["status"], &state["requests"][1]["status"]),
        (&json!("approved"), &json!("rejected"))
    );
    assert_eq!((&state["calls"]["accept"], &state["calls"]["claim"]), (&json!(3), &json!(1)));
    assert_eq!(state["keys"].as_array().map(Vec::len), Some(2));
    let (_, log) = raw(&url, "GET", "/_sim/log", &json!({})).await;
    assert_eq!(log["log"][0]["faults"], json!(["reply_lost"]));
    for secret in [&invite["token"], &made["claimSecret"], &key["plainTextKey"]] {
        let secret = secret.as_str().unwrap();
        assert!(!state.to_string().contains(secret) && !log.to_string().contains(secret));
    }
    serving.stop().await;
}

#[tokio::test]
async fn the_operator_of_the_auto_mode_lets_everybody_in() {
    let options = paperclip::Options { auto: Some(Duration::from_millis(50)), ..paperclip::Options::default() };
    let (sim, serving) = run_paperclip(options, 0).await.expect("a port");
    let url = serving.url();
    let invite = sim.invite("ignored");
    assert!(invite.link.starts_with(&url), "{}", invite.link);
    let accept = format!("/api/invites/{}/accept", invite.token);
    let (_, made) = raw(&url, "POST", &accept, &json!({"requestType": "agent", "agentName": "Echo"})).await;
    let let_in = sim.wait_for(|world| world.agents().next().is_some());
    tokio::time::timeout(Duration::from_mins(1), let_in).await.expect("somebody approves");
    let at = made["claimApiKeyPath"].as_str().expect("a path");
    let (status, key) = raw(&url, "POST", at, &json!({"claimSecret": made["claimSecret"]})).await;
    assert_eq!((status, key["token"].as_str().map(Into::into)), (201, sim.key(made["id"].as_str().unwrap())));
    serving.kill().await;
}
