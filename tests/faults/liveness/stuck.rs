//! Row 38: the process hangs. The test plays systemd, as `sd_notify(3)` and `WatchdogSec=` describe it.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::bridge::PATIENCE;
use crate::house::{House, documented};
use crate::matrix;

/// `WatchdogSec=` of the unit, shortened.
const WATCHDOG: Duration = Duration::from_secs(6);

/// The other end of `NOTIFY_SOCKET`.
struct Systemd {
    socket: UnixDatagram,
    env: [(&'static str, String); 2],
}

impl Systemd {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        let env = [("NOTIFY_SOCKET", path.display().to_string()), ("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())];
        Self { socket, env }
    }

    /// The next notification within `time`.
    async fn told(&self, time: Duration) -> Option<String> {
        let mut word = [0; 4_096];
        let length = timeout(time, self.socket.recv(&mut word)).await.ok()?.expect("a datagram");
        Some(String::from_utf8_lossy(&word[..length]).into_owned())
    }

    async fn until(&self, word: &str) {
        while !self.told(PATIENCE).await.unwrap_or_else(|| panic!("never told {word}")).contains(word) {}
    }

    /// Returns when the watchdog has run out: what was sent before is taken first.
    async fn runs_out(&self) {
        while self.told(WATCHDOG).await.is_some() {}
    }
}

#[tokio::test]
async fn row_38_a_hanging_bridge_feeds_no_watchdog_and_its_restart_loses_nothing() {
    matrix::row(38, async {
        let mut house = House::new(documented()).await;
        let mut agent = house.agent().await;
        house.say("before");
        house.hears_all(&mut agent).await;
        drop(agent);
        house.stop().await;
        let systemd = Systemd::at(&house.home.path("notify.sock"));
        let env: Vec<(&str, &str)> = systemd.env.iter().map(|(key, value)| (*key, value.as_str())).collect();
        house.start_under(&env).await;
        systemd.until("READY=1").await;
        for _ in 0..2 {
            systemd.until("WATCHDOG=1").await;
        }
        house.say("committed, not delivered");
        house.signal(Signal::STOP);
        house.say("while it hangs");
        systemd.runs_out().await;
        // As systemd does then (it sends SIGABRT first, which a stopped process does not take either).
        house.kill().await;
        house.start_under(&env).await;
        systemd.until("READY=1").await;
        systemd.until("WATCHDOG=1").await;
        let mut agent = house.agent().await;
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}
