//! Refuses bounds with which nothing could move: a zero where one is needed, waits that would shrink.

use super::measure::Size;
use super::{Config, Span};

/// The command line waits 330 s for an answer: one that is held back longer would be lost to it.
const LONGEST_HELD: Span = Span::secs(300);
/// Batches ahead of the store's commits: with more, the margin before the disk budget could be passed (P1).
const MOST_AHEAD: usize = 16;
/// The HTTP server takes no smaller buffer for a head.
const LEAST_HEAD: Size = Size(8 << 10);

/// The first contradiction, named by its key.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let zero = counts(config).into_iter().chain(sizes(config)).chain(spans(config)).find(|(_, value)| *value == 0);
    if let Some((key, _)) = zero {
        return Err(format!("`{key}` is zero, and nothing could move: make it larger, or leave it out"));
    }
    for (section, name, first, longest) in waits(config) {
        if longest < first {
            return Err(format!(
                "`{section}.longest_{name}` is {longest}, less than `{section}.first_{name}` ({first}): \
                 make it at least as long"
            ));
        }
    }
    let lines = &config.lines;
    if lines.held_bytes < lines.frame {
        // A frame that cannot wait ends the stream, and comes again on the next one.
        return Err(format!(
            "`lines.held_bytes` is {}, less than one `lines.frame` ({}): make it at least as large",
            lines.held_bytes, lines.frame
        ));
    }
    if lines.ahead > MOST_AHEAD {
        return Err(format!("`lines.ahead` is {}: at most {MOST_AHEAD} fit before the disk budget", lines.ahead));
    }
    for (section, head_bytes) in [("http", config.http.head_bytes), ("ingress", config.ingress.head_bytes)] {
        if head_bytes < LEAST_HEAD {
            return Err(format!("`{section}.head_bytes` is {head_bytes}: at least {LEAST_HEAD}"));
        }
    }
    if config.http.wait > LONGEST_HELD {
        return Err(format!("`http.wait` is {}: at most {LONGEST_HELD}, or commands give up first", config.http.wait));
    }
    Ok(())
}

fn counts(config: &Config) -> Vec<(&'static str, u64)> {
    let Config { deliver, network, http, ingress, socket, lines, outbox, .. } = config;
    vec![
        ("deliver.window_events", deliver.window_events as u64),
        ("deliver.settled", deliver.settled as u64),
        ("deliver.open", deliver.open as u64),
        ("network.calls", network.calls.into()),
        ("http.connections", http.connections.into()),
        ("http.requests", http.requests.into()),
        ("ingress.connections", ingress.connections.into()),
        ("ingress.waiting", ingress.waiting as u64),
        ("socket.connections", socket.connections.into()),
        ("socket.open_requests", socket.open_requests.into()),
        ("lines.reads", lines.reads as u64),
        ("lines.held_frames", lines.held_frames as u64),
        ("lines.page", lines.page.into()),
        ("lines.rooms", lines.rooms as u64),
        ("lines.ahead", lines.ahead as u64),
        ("outbox.parallel", outbox.parallel as u64),
        // Without a page, or with no claims seen, a lost reply would be sent again though it had arrived (P6).
        ("outbox.pages", outbox.pages as u64),
        ("outbox.claims", outbox.claims as u64),
        ("outbox.ephemeral", outbox.ephemeral as u64),
    ]
}

fn sizes(config: &Config) -> Vec<(&'static str, u64)> {
    let Config { deliver, network, ingress, socket, lines, .. } = config;
    vec![
        ("deliver.window_bytes", deliver.window_bytes.0),
        ("deliver.answer", deliver.answer.0),
        ("network.body", network.body.0),
        ("ingress.body", ingress.body.0),
        ("socket.unread", socket.unread.0),
        ("lines.frame", lines.frame.0),
        ("lines.frame_line", lines.frame_line.0),
    ]
}

/// Milliseconds.
fn spans(config: &Config) -> Vec<(&'static str, u64)> {
    let Config { deliver, network, session, http, ingress, lines, outbox, .. } = config;
    vec![
        ("http.head", http.head.as_millis()),
        ("http.receive", http.receive.as_millis()),
        ("http.stuck", http.stuck.as_millis()),
        ("ingress.head", ingress.head.as_millis()),
        ("ingress.receive", ingress.receive.as_millis()),
        ("ingress.wait", ingress.wait.as_millis()),
        ("ingress.stuck", ingress.stuck.as_millis()),
        ("deliver.first_wait", deliver.first_wait.as_millis()),
        ("deliver.first_pause", deliver.first_pause.as_millis()),
        ("deliver.connect", deliver.connect.as_millis()),
        ("network.connect", network.connect.as_millis()),
        ("network.request", network.request.as_millis()),
        ("session.first_wait", session.first_wait.as_millis()),
        ("lines.first_wait", lines.first_wait.as_millis()),
        ("lines.later", lines.later.as_millis()),
        ("lines.longest_page_wait", lines.longest_page_wait.as_millis()),
        ("lines.cable.open", lines.cable.open.as_millis()),
        ("lines.cable.welcome", lines.cable.welcome.as_millis()),
        ("lines.cable.stale", lines.cable.stale.as_millis()),
        ("lines.cable.resend", lines.cable.resend.as_millis()),
        ("lines.cable.subscribe", lines.cable.subscribe.as_millis()),
        ("lines.cable.settle", lines.cable.settle.as_millis()),
        ("lines.cable.rarely", lines.cable.rarely.as_millis()),
        ("outbox.first_wait", outbox.first_wait.as_millis()),
    ]
}

fn waits(config: &Config) -> [(&'static str, &'static str, Span, Span); 5] {
    let Config { deliver, session, lines, outbox, .. } = config;
    [
        ("deliver", "wait", deliver.first_wait, deliver.longest_wait),
        ("deliver", "pause", deliver.first_pause, deliver.longest_pause),
        ("session", "wait", session.first_wait, session.longest_wait),
        ("lines", "wait", lines.first_wait, lines.longest_wait),
        ("outbox", "wait", outbox.first_wait, outbox.longest_wait),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Config::parse(text, "c.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_zero_that_would_stop_everything_is_refused_by_its_key() {
        let defaults = Config::default();
        let keys = |all: Vec<(&'static str, u64)>, zero: &'static str| all.into_iter().map(move |(key, _)| (key, zero));
        let all = keys(counts(&defaults), "0").chain(keys(sizes(&defaults), "\"0B\""));
        for (key, zero) in all.chain(keys(spans(&defaults), "\"0s\"")) {
            let word = refusal(&format!("{key} = {zero}\n"));
            assert!(word.starts_with(&format!("c.toml: `{key}` is zero")), "{word}");
        }
    }

    #[test]
    fn the_longest_wait_is_never_shorter_than_the_first() {
        for (section, name, ..) in waits(&Config::default()) {
            let word = refusal(&format!("[{section}]\nfirst_{name} = \"20s\"\nlongest_{name} = \"19s\"\n"));
            let told = format!("c.toml: `{section}.longest_{name}` is 19s, less than `{section}.first_{name}` (20s)");
            assert!(word.starts_with(&told), "{word}");
            let equal = format!("[{section}]\nfirst_{name} = \"20s\"\nlongest_{name} = \"20s\"\n");
            Config::parse(&equal, "c.toml").unwrap();
        }
    }

    #[test]
    fn what_a_promise_needs_is_no_matter_of_taste() {
        assert!(refusal("lines.ahead = 17\n").contains("`lines.ahead` is 17: at most 16"));
        let word = refusal("lines.frame = \"5MiB\"\n");
        assert!(word.contains("`lines.held_bytes` is 4MiB, less than one `lines.frame` (5MiB)"), "{word}");
        assert!(refusal("http.head_bytes = \"8191B\"\n").contains("at least 8KiB"));
        assert!(refusal("ingress.head_bytes = \"8191B\"\n").contains("at least 8KiB"));
        assert!(refusal("http.wait = \"301s\"\n").contains("`http.wait` is 301s: at most 5m"));
    }
}
