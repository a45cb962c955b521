//! Direct uploads: announced, put with the headers that were returned, named by a chat.

use crate::support::{Caller, House, Reply, Served, close, error, house};
use agent_bridge_sim::speakeasy::{Options, World};
use serde_json::{Value, json};

/// MD5 of the texts of RFC 1321, A.5, in base64.
const SUMS: [(&str, &str); 7] = [
    ("", "1B2M2Y8AsgTpgAmY7PhCfg=="),
    ("a", "DMF1ucDxtqgxw5niaXcmYQ=="),
    ("abc", "kAFQmDzST7DWlj99KOF/cg=="),
    ("message digest", "+WtpfXy3k41SWi8xqvFh0A=="),
    ("abcdefghijklmnopqrstuvwxyz", "w/zT12GS5AB9+0lsymfhOw=="),
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "0XSrmNJ32fWlYRwsn0Gdnw=="),
    ("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "V+30oivjyVWsSdouIQe2eg=="),
];

/// MD5 of so many `x`, where padding takes another turn; by Python's hashlib.
const EDGES: [(usize, &str); 4] = [
    (55, "BDZEIOJcUS/ZWKcHOKqPcg=="),
    (56, "Zopy1boX8I5i2ryvrW2xSw=="),
    (63, "fcLKIIEGovcDVnvf+Z2JgQ=="),
    (64, "wbtPgdiSstV5R2gq6yUkVg=="),
];

async fn announce(house: &House, name: &str, bytes: &str, sum: &str) -> Value {
    let blob = json!({
        "filename": name, "byte_size": bytes.len(), "checksum": sum, "content_type": "text/plain", "metadata": {},
    });
    let (status, body) = house.agent.post("/files", json!({"blob": blob})).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Puts bytes where an announcement says, with its headers but for the one left out.
async fn put(caller: &Caller, announced: &Value, bytes: &str, without: &str) -> Reply {
    let upload = &announced["direct_upload"];
    let headers = upload["headers"].as_object().expect("headers");
    let kept = headers.iter().filter(|(name, _)| *name != without);
    let kept: Vec<(&str, &str)> = kept.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or(""))).collect();
    caller.ask("PUT", upload["url"].as_str().expect("a URL"), &kept, bytes.to_owned()).await
}

pub async fn uploads(served: &mut Served) {
    let extra = vec![("x-storage-class".into(), "warm".into())];
    let house = house(Options { upload_headers: extra, ..Options::default() });
    let (sim, storage) = (&house.sim, Caller::stranger(&house.sim));
    let texts = SUMS.map(|(text, sum)| (text.to_owned(), sum)).into_iter();
    for (bytes, sum) in texts.chain(EDGES.map(|(length, sum)| ("x".repeat(length), sum))) {
        let announced = announce(&house, "sum.txt", &bytes, sum).await;
        assert_eq!(put(&storage, &announced, &bytes, "").await.0, 204, "{bytes}");
    }
    let (bytes, sum) = SUMS[2];
    let one = announce(&house, "one.txt", bytes, sum).await;
    let (one_id, path) = (one["signed_id"].as_str().expect("an id"), house.at("/chats"));
    let say = async |sgid: String| house.agent.post(&path, json!({"chat": {"text": "see", "sgid": sgid}})).await;
    assert_eq!(error(&say(one_id.into()).await), (400, "the file was not uploaded"));
    for header in ["Content-Type", "Content-MD5", "x-storage-class"] {
        assert_eq!(put(&storage, &one, bytes, header).await.0, 403, "{header}");
    }
    assert_eq!(put(&storage, &one, "abcd", "").await.0, 422);
    assert_eq!(put(&storage, &one, "abd", "").await.0, 422);
    let mut changed = one.clone();
    changed["direct_upload"]["url"] =
        json!(one["direct_upload"]["url"].as_str().expect("a URL").replace("signature=", "signature=x"));
    assert_eq!(put(&storage, &changed, bytes, "").await.0, 403);
    changed["direct_upload"]["url"] = json!("http://speakeasy.test/storage/none?signature=x");
    assert_eq!(put(&storage, &changed, bytes, "").await.0, 404);
    assert_eq!((put(&storage, &one, bytes, "").await.0, sim.look(World::leaks)), (204, 0));

    let two = announce(&house, "two.txt", bytes, sum).await;
    assert_eq!(put(&house.agent, &two, bytes, "").await.0, 204);
    assert_eq!(sim.look(World::leaks), 1, "an access token is none of the storage's business");
    let two_id = two["signed_id"].as_str().expect("an id");
    assert_eq!(error(&say("guess".into()).await), (400, "sgid names no file"));
    let (status, body) = say(one_id.into()).await;
    assert_eq!((status, &body["chat"]["attachments"][0]["filename"]), (201, &json!("one.txt")));
    let alone = json!({"chat": {"sgid": one_id}});
    let changed = house.agent.patch(&format!("{path}/{}", body["chat"]["id"]), alone).await;
    assert_eq!(error(&changed), (400, "chat can't be blank"), "a change is one of words");
    let (status, body) = say(format!("{one_id},{two_id}")).await;
    assert_eq!((status, body["chat"]["attachments"].as_array().map(Vec::len)), (201, Some(2)));
    let url = body["chat"]["attachments"][1]["url"].as_str().expect("a URL");
    assert_eq!(storage.ask("GET", url, &[], "").await.0, 200);
    assert_eq!(house.agent.get(&house.at("/files")).await.0, 200);
    close(sim, served);
}

pub async fn refusals(served: &mut Served) {
    let house = house(Options { storage: Some("http://169.254.169.254".into()), ..Options::default() });
    let good = json!({"filename": "a", "byte_size": 3, "checksum": SUMS[2].1, "content_type": "text/plain"});
    let announced = announce(&house, "a", "abc", SUMS[2].1).await;
    let url = announced["direct_upload"]["url"].as_str().expect("a URL");
    assert!(url.starts_with("http://169.254.169.254/storage/"), "{url}");
    for field in ["filename", "byte_size", "checksum", "content_type"] {
        let mut blob = good.clone();
        blob[field] = json!("");
        assert_eq!(house.agent.post("/files", json!({"blob": blob})).await.0, 400, "{field}");
    }
    assert_eq!(house.agent.post("/files", json!({})).await.0, 400);
    house.sim.set_capability(house.grant, "attachments", false);
    assert_eq!(house.agent.post("/files", json!({"blob": good})).await.0, 403);
    close(&house.sim, served);
}

#[tokio::test]
async fn an_upload_is_what_was_announced() {
    uploads(&mut Served::new()).await;
}

#[tokio::test]
async fn an_upload_may_be_refused_or_sent_elsewhere() {
    refusals(&mut Served::new()).await;
}
