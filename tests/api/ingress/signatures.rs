//! Who has signed a delivery, and what was signed: the raw bytes, nothing else.

use agent_bridge::ingress::{Answer, Taken};

use super::gate::{Gate, SECRET, sign, signed, status};

const EVENT: &[u8] = br#"{"event_id":42,"event_type":"chat.created","topic_id":"7"}"#;

#[tokio::test]
async fn p1_a_signed_delivery_is_taken_once_its_event_is_committed_and_not_before() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let mut hooks = gate.hooks.register(&super::gate::name("acme"));
    let (headers, delivery) = (signed(SECRET, EVENT), path.clone());
    let answer = tokio::spawn(async move { platform.delivers(&delivery, &headers, EVENT).await });
    let hook = hooks.recv().await.unwrap();
    assert_eq!((&hook.event["event_id"], &hook.event["event_type"]), (&42.into(), &"chat.created".into()));
    assert!(hook.is_waited_for() && !answer.is_finished(), "nobody was told anything yet");
    hook.answer(Taken::Committed);
    let answer = answer.await.unwrap();
    assert!(status(&answer) == 204 && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(gate.counted(Answer::Taken), 1);
}

#[tokio::test]
async fn attack_a_delivery_that_was_touched_after_it_was_signed_is_refused() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let line = gate.line("acme", Taken::Committed);
    let text = std::str::from_utf8(EVENT).unwrap();
    let value: serde_json::Value = serde_json::from_slice(EVENT).unwrap();
    let touched = [
        format!("{text} "),
        format!("{text}\n"),
        format!(" {text}"),
        serde_json::to_string_pretty(&value).unwrap(),
        text.replace(':', ": "),
        text.replacen('{', "{\"event_id\":42,", 1),
        text.replace('}', ",\"event_id\":43}"),
        text.replace("42", "43"),
        text.replace("chat", "\\u0063hat"),
        text[..text.len() - 1].to_owned(),
        String::new(),
    ];
    for body in touched {
        assert_ne!(body.as_bytes(), EVENT);
        let answer = platform.delivers(&path, &signed(SECRET, EVENT), body.as_bytes()).await;
        assert_eq!(status(&answer), 401, "{body}");
    }
    assert!(line.heard().is_empty());
    // What the platform itself has signed so is the platform's, white space and doubled keys included.
    for body in [format!(" {text}\n"), text.replace('}', ",\"event_id\":43}")] {
        let answer = platform.delivers(&path, &signed(SECRET, body.as_bytes()), body.as_bytes()).await;
        assert_eq!(status(&answer), 204, "{body}");
    }
    assert_eq!(line.heard()[1]["event_id"], 43, "the last one counts, as everywhere");
}

#[tokio::test]
async fn attack_a_signature_of_any_other_form_is_refused() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let line = gate.line("acme", Taken::Committed);
    let good = sign(SECRET, EVENT);
    let one = |value: &str| format!("X-Agent-Signature: {value}\r\n");
    let forms = [
        String::new(),
        one(""),
        one(&good[..63]),
        one(&good[..32]),
        one(&format!("{good}0")),
        one(&format!("{good}{good}")),
        one(&good.to_uppercase()),
        one(&format!("sha256={good}")),
        one(&format!("{good}, {good}")),
        one(&sign("another", EVENT)),
        one(&sign("", EVENT)),
        one(&"0".repeat(64)),
        one(&good).repeat(2),
        one(&good) + &one(&sign("another", EVENT)),
        format!("X-Signature: {good}\r\n"),
    ];
    for headers in &forms {
        assert_eq!(status(&platform.delivers(&path, headers, EVENT).await), 401, "{headers}");
    }
    assert!(line.heard().is_empty());
    assert_eq!(gate.counted(Answer::Forged), forms.len() as u64);
    assert_eq!(status(&platform.delivers(&path, &one(&good), EVENT).await), 204);
}

/// RFC 4231, test case 2: it verifies, so it is read, and it is no JSON; one letter changed, and it is not read.
#[tokio::test]
async fn what_is_signed_and_no_json_object_is_told_so() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let (body, known) =
        (b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let headers = format!("x-agent-signature: {known}\r\n");
    assert_eq!(status(&platform.delivers(&path, &headers, body).await), 400);
    assert_eq!(status(&platform.delivers(&path, &headers, b"what do ya want for nothing!").await), 401);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for body in ["", "[]", "42", "{", "{}x", "\u{feff}{}", &deep] {
        let answer = platform.delivers(&path, &signed(SECRET, body.as_bytes()), body.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{body}");
    }
    assert_eq!(gate.counted(Answer::NotJson), 8);
}

#[tokio::test]
async fn attack_headers_that_are_not_signed_decide_nothing() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let line = gate.line("acme", Taken::Committed);
    let signature = signed(SECRET, EVENT);
    for swapped in [
        "",
        "X-Agent-Delivery-Id: agent-event-1\r\nX-Agent-Grant-Id: 1\r\nX-Agent-Timestamp: 1970-01-01T00:00:00Z\r\n",
        "X-Agent-Delivery-Id: agent-event-42\r\nX-Agent-Timestamp: 9999-01-01T00:00:00Z\r\n",
        "Content-Encoding: gzip\r\nOrigin: https://evil.example\r\n",
    ] {
        let answer = platform.delivers(&path, &format!("{swapped}{signature}"), EVENT).await;
        assert_eq!(status(&answer), 204, "{swapped}");
    }
    let heard = line.heard();
    // A replay is handed over like the first: what is known already is decided by the id inside the signed body, by
    // the store, whoever runs the line, and so also after a restart.
    assert!(heard.len() == 4 && heard.iter().all(|event| event == &heard[0]), "{heard:?}");
}
