//! Brings the store's consumers in line with the config. Nothing is removed: a consumer's place is data.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use tracing::warn;

use super::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::consumer::Webhook;
use crate::config::sections::Retention;
use crate::consumer::Consumer;
use crate::deliver::{Acceptable, Consumers, Ground, Times};
use crate::store::{Batch, Change, Store};

/// Starts every consumer of the store and of the config.
pub async fn start(store: &Store, accept: Arc<dyn Acceptable>, config: &Config) -> Result<Consumers, Failure> {
    let Retention { keep, retain, every } = &config.retention;
    let times = Times { keep: keep.0, retain: retain.0, every: every.0, on_full: config.store.on_full };
    secrets(store, config).await?;
    let ground = Ground { store: store.clone(), clock: Clock::system(), accept, bounds: config.deliver.bounds() };
    let running = Consumers::start(ground, times)?;
    consumers(&running, store, config).await?;
    Ok(running)
}

/// Seals the signing secrets of the config's files before any webhook is called.
async fn secrets(store: &Store, config: &Config) -> Result<(), Failure> {
    let mut batch = Batch::new();
    for consumer in &config.consumer {
        let Some(Webhook { secret_file, secret_file_old, .. }) = &consumer.webhook else { continue };
        for (field, file) in [(crate::deliver::SECRET, secret_file), (crate::deliver::SECRET_BEFORE, secret_file_old)] {
            let Some(file) = file else { continue };
            let owner = format!("consumer:{}", consumer.name);
            let value = Some(read(&consumer.name, file)?);
            batch = batch.with(Change::Secret { owner, field: field.to_owned(), value });
        }
    }
    if !batch.changes.is_empty() {
        store.commit(batch).await?;
    }
    Ok(())
}

fn read(consumer: &str, path: &Path) -> Result<SecretString, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| Failure::SecretFile {
        consumer: consumer.to_owned(),
        path: path.display().to_string(),
        source,
    })?;
    let secret = SecretString::from(text.trim());
    if crate::deliver::is_weak(&secret) {
        return Err(Failure::WeakSecret { consumer: consumer.to_owned(), path: path.display().to_string() });
    }
    Ok(secret)
}

/// Makes and changes what the config names; what it no longer names stays, and is the operator's from now on.
async fn consumers(consumers: &Consumers, store: &Store, config: &Config) -> Result<(), Failure> {
    for consumer in &config.consumer {
        consumers.put(consumer.stored()).await?;
    }
    let named = |known: &Consumer| config.consumer.iter().any(|consumer| consumer.name == known.name);
    for known in store.consumers()?.into_iter().filter(|known| known.from_config && !named(known)) {
        warn!(consumer = %known.name, "no longer in the config; it keeps its place until `consumer remove`");
        consumers.put(Consumer { from_config: false, ..known }).await?;
    }
    Ok(())
}
