//! What is logged on this thread, at every level and by every crate.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Hears until it is dropped.
pub struct Overheard {
    log: Log,
    _other: tracing::Dispatch,
    _guard: DefaultGuard,
}

impl Overheard {
    /// From now on.
    pub fn listen() -> Self {
        let log = Log::default();
        let writer = log.clone();
        // Beside a single one, what other tests pass on other threads would be judged by those threads: not listened to.
        let other = tracing::Dispatch::new(tracing_subscriber::registry());
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        Self { log, _other: other, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap()
    }
}
