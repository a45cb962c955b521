//! Where log lines go: stderr (text, in colour on a terminal; JSON by config) or the systemd journal.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::sections::{Log, LogFormat};

/// Logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is none.
    #[error("[log] level: `{0}` is no level or filter: write error, warn, info, debug or trace")]
    Level(String),
    /// The journal cannot be reached.
    #[error("[log] format = \"journal\": the journal cannot be reached ({0}): use text or json")]
    Journal(std::io::Error),
}

/// Starts logging. Called once, before anything logs; a second call changes nothing.
pub fn start(config: &Log) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&config.level).map_err(|_| LogError::Level(config.level.clone()))?;
    // An error means that a test or an embedding program has set a subscriber already.
    let _ = Registry::default().with(layer(config.format)?.with_filter(filter)).try_init();
    Ok(())
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

fn layer(format: LogFormat) -> Result<Boxed, LogError> {
    // systemd sets this where stderr is the journal (systemd.exec(5)).
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    Ok(match format {
        LogFormat::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
        LogFormat::Journal => tracing_journald::layer().map_err(LogError::Journal)?.boxed(),
        LogFormat::Auto if journal => match tracing_journald::layer() {
            Ok(journal) => journal.boxed(),
            Err(_) => text(),
        },
        LogFormat::Auto | LogFormat::Text => text(),
    })
}

fn text() -> Boxed {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    fmt::layer().with_ansi(colours).with_writer(std::io::stderr).boxed()
}
