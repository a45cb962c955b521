//! Documents that are edited live: the memory of many that are open, and the way of an edit to a remote peer.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::agent::Agent;
use super::home::Home;
use super::peer::{Peer, bare};
use super::report::{Report, quantile};
use super::sizes::Sizes;
use super::studio::{Draft, Studio};
use super::throughput::WORKSPACE;
use super::{floor, idle, process};

/// Letters of a short document.
const SHORT: usize = 1_000;
/// Commits behind which an edit leaves: it is accepted; its bytes are kept.
const COMMITS: f64 = 2.0;

/// Memory, then the way of an edit into a short document and into a long one.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    report.add("documents", memory(sizes.documents, sizes.document_bytes)?);
    report.add("documents_edit_short", edits(sizes.edits, SHORT)?);
    report.add("documents_edit_long", edits(sizes.edits, sizes.document_bytes)?);
    Ok(())
}

fn append(draft: &Draft, text: &str) -> Value {
    json!({
        "workspace": WORKSPACE, "verb": "document.edit", "wait": "60s",
        "args": { "conversation": draft.id, "op": "append", "text": text },
    })
}

fn confirmed(receipt: &Value) -> anyhow::Result<()> {
    ensure!(receipt["state"] == "confirmed" && receipt["went"] == "edited", "an edit ended as {receipt}");
    Ok(())
}

/// What an open document takes, with its connection, and what the library's copy of it takes alone.
fn memory(count: usize, letters: usize) -> anyhow::Result<Value> {
    let (studio, home) = (Studio::start()?, Home::new("")?);
    let drafts: Vec<_> = (0..count).map(|number| studio.draft(number, letters)).collect::<Result<_, _>>()?;
    let floor = alone(count, &Peer::open(&studio, drafts.first().context("a document")?, "Ada")?.whole)?;
    let daemon = home.start()?;
    daemon.join_told(&Studio::joined_as(&drafts[0], WORKSPACE))?;
    for draft in &drafts[1..] {
        daemon.call("document_add", &json!({ "workspace": WORKSPACE, "link": draft.link }))?;
    }
    // A start of its own: what joining took has never been there.
    daemon.stop()?;
    let daemon = home.start()?;
    daemon.live(1)?;
    std::thread::sleep(idle::SETTLE);
    let closed = process::memory(daemon.pid())?;
    let mut agent = Agent::connect(&home.agent_socket(), Duration::from_secs(10))?;
    // An edit opens a document. One after the other: none of it is the memory of threads that work at once.
    for draft in &drafts {
        confirmed(&agent.call("act", &append(draft, "One more."))?)?;
    }
    std::thread::sleep(idle::SETTLE);
    let open = process::memory(daemon.pid())?;
    let state = studio.state()?;
    let lines = state["lines"].as_array().context("lines")?;
    let connected = lines.iter().filter(|line| line["open"] == true && line["name"] != "Ada").count();
    ensure!(connected == count, "{connected} of {count} documents are open");
    daemon.stop()?;
    let each = open.saturating_sub(closed) as f64 / count as f64;
    Ok(json!({
        "documents": count, "letters": letters, "bytes_per_document": each,
        "floor_bytes_per_document": floor, "ratio_to_floor": each / floor, "bytes_with_none_open": closed,
    }))
}

/// Bytes for each of so many documents in a process that has nothing else.
fn alone(count: usize, update: &[u8]) -> anyhow::Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    let words = ["--replicas".to_owned(), count.to_string()];
    let mut child = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("its standard input")?.write_all(update)?;
    let said = String::from_utf8(child.wait_with_output()?.stdout)?;
    said.trim().parse().with_context(|| format!("a number, not `{said}`"))
}

/// The child: `--replicas COUNT`, a document on the standard input; says what each takes.
pub fn replicas(words: &[String]) -> anyhow::Result<()> {
    let count: usize = words.first().context("--replicas COUNT")?.parse()?;
    let mut update = Vec::new();
    std::io::stdin().read_to_end(&mut update)?;
    let before = process::memory(std::process::id())?;
    let docs: Vec<_> = (0..count).map(|_| bare(&update)).collect::<Result<_, _>>()?;
    let after = process::memory(std::process::id())?;
    println!("{}", after.saturating_sub(before) as f64 / docs.len() as f64);
    Ok(())
}

/// From the agent's call to a remote peer that is told, and to the receipt; the same way without the bridge; a commit.
fn edits(count: usize, letters: usize) -> anyhow::Result<Value> {
    let (studio, home) = (Studio::start()?, Home::new("")?);
    let draft = studio.draft(0, letters)?;
    let daemon = home.start()?;
    daemon.join_told(&Studio::joined_as(&draft, WORKSPACE))?;
    let mut agent = Agent::connect(&home.agent_socket(), Duration::from_secs(10))?;
    confirmed(&agent.call("act", &append(&draft, "It is open from here on."))?)?;
    let (commit_p50, commit_p99) = floor::commit()?;
    let mut peer = Peer::open(&studio, &draft, "Ada")?;
    let (mut told, mut settled) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (text, begun) = (format!("edit {number:06}"), Instant::now());
        let call = agent.ask("act", &append(&draft, &text))?;
        peer.until(&text)?;
        told.push(begun.elapsed().as_secs_f64() * 1e6);
        let (answered, receipt) = agent.answer()?;
        settled.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(answered == call, "answers come to whom they belong");
        confirmed(&receipt)?;
    }
    same(&studio, &draft, count)?;
    daemon.stop()?;
    let way = way(&studio, &draft, &mut peer, count)?;
    told.sort_by(f64::total_cmp);
    settled.sort_by(f64::total_cmp);
    let (p50, floor_p50) = (quantile(&told, 0.5), quantile(&way, 0.5));
    Ok(json!({
        "edits": count, "letters": letters, "p50_us": p50, "p99_us": quantile(&told, 0.99),
        "receipt_p50_us": quantile(&settled, 0.5), "receipt_p99_us": quantile(&settled, 0.99),
        "floor_way_p50_us": floor_p50, "floor_way_p99_us": quantile(&way, 0.99),
        "floor_commit_p50_us": commit_p50, "floor_commit_p99_us": commit_p99,
        "p50_in_floors": p50 / (COMMITS * commit_p50 + floor_p50),
    }))
}

/// Microseconds, sorted, from one peer's edit to the other, by way of the same server.
fn way(studio: &Studio, draft: &Draft, peer: &mut Peer, count: usize) -> anyhow::Result<Vec<f64>> {
    let mut other = Peer::open(studio, draft, "Ben")?;
    let mut times = Vec::new();
    for number in 0..count {
        let (text, begun) = (format!("floor {number:06}"), Instant::now());
        other.append(&text)?;
        peer.until(&text)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The document has every edit once, in their order.
fn same(studio: &Studio, draft: &Draft, count: usize) -> anyhow::Result<()> {
    let state = studio.state()?;
    let content = state["drafts"][&draft.id]["content"].as_str().context("a text")?;
    let stand: Vec<&str> = content.split("\n\n").filter(|paragraph| paragraph.starts_with("edit ")).collect();
    let made: Vec<String> = (0..count).map(|number| format!("edit {number:06}")).collect();
    ensure!(stand == made, "{count} edits were confirmed, and the document has {stand:?}");
    Ok(())
}
