//! Loads and checks the manifests of all platforms: embedded ones, and those of `adapters_dir`, which win.

mod act;
mod also;
mod call;
mod check;
mod cost;
mod error;
mod events;
mod generate;
mod history;
mod inbox;
mod join;
mod json;
mod live;
mod manifest;
mod members;
mod outcome;
mod path;
mod plain;
mod pointer;
mod probe;
mod push;
mod receive;
mod remembered;
mod rooms;
mod scope;
mod template;

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

pub use act::{
    Action, Among, Answer, Beside, Check, FILES, Fault, FileNames, Files, Form, FormBy, Idempotency, Inside, Messages,
    Next, NotThere, Only, Pace, PacePer, Place, PlaceOf, Places, Question, ReadBack, Record, Says, Split, Stands,
    UPLOADS, Uploads, Word,
};
pub use also::{Also, Calendar, Threads};
pub use call::{Call, CallError, NOBODY, headers, json};
pub use error::ManifestError;
pub use events::{AttachmentSpec, AuthorSpec, EventSpec, TopicSpec};
pub use generate::{Derived, Generate};
pub use history::{History, Order};
pub use inbox::{Inbox, Shown, Waiting};
pub use join::{Claim, Dialect, First, Join, Learn, Once, Step, Wait, Way};
pub use json::Json;
pub use live::{Documents, Live, Own};
pub use manifest::{
    Ask, Expires, Http, Keep, Link, Manifest, Me, Registered, Secret, Session, SessionFlavour, Setting, SettingKind,
};
pub use members::Members;
pub use outcome::{Issues, Outcome, Rule, Sign, platform_words};
pub use path::Path;
pub use plain::{OneOrMany, Span, Table};
pub use pointer::{Choice, Pointer, Pointers, text};
pub use probe::Probe;
pub use push::{About, ActionCable, Attendance, Push, Signature, Webhook};
pub use receive::{LineFlavour, Log, Receive, Resume};
pub use remembered::{Remembered, Told};
pub use rooms::{Held, Part, Rooms, Source, kept};
pub use scope::{Root, Scope};
pub use template::{Missing, Reference, Template};

/// (file, text) of every manifest of `adapters/`, put there by `build.rs`.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/manifests.rs"));

/// A manifest larger than this is none. 1 MiB.
const CAP: u64 = 1 << 20;

/// Every platform the bridge knows.
#[derive(Clone, Debug, Default)]
pub struct Manifests(BTreeMap<String, Arc<Manifest>>);

impl Manifests {
    /// Reads and checks the embedded manifests and every `*.yaml` of `dir`. One of the same platform in `dir`
    /// replaces the embedded one. The first error ends it.
    pub fn load(dir: Option<&FilePath>) -> Result<Self, ManifestError> {
        let mut manifests = Self::default();
        for (file, source) in EMBEDDED {
            let manifest = parse(file, source)?;
            manifests.0.insert(manifest.platform.clone(), Arc::new(manifest));
        }
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (file, source) in dir.map_or(Ok(Vec::new()), files)? {
            let manifest = parse(&file, &source)?;
            let platform = manifest.platform.clone();
            if let Some(other) = seen.insert(platform.clone(), file.clone()) {
                let path = vec!["platform".to_owned()];
                let message = format!("`{platform}` is the platform of {other} too: keep one of the two files");
                return Err(ManifestError::found(&file, &source, error::Finding { path, message }));
            }
            manifests.0.insert(platform, Arc::new(manifest));
        }
        Ok(manifests)
    }

    /// One platform's.
    pub fn get(&self, platform: &str) -> Option<Arc<Manifest>> {
        self.0.get(platform).cloned()
    }

    /// The names of all platforms, sorted.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Reads and checks one manifest. `file` is what errors call it.
pub fn parse(file: &str, source: &str) -> Result<Manifest, ManifestError> {
    cost::check(file, source)?;
    let mut manifest: Manifest = serde_yaml::from_str(source).map_err(|error| ManifestError::read(file, &error))?;
    manifest.place_in_documents();
    check::check(&manifest).map_err(|finding| ManifestError::found(file, source, finding))?;
    Ok(manifest)
}

/// (name, text) of every `*.yaml` in the directory, sorted.
fn files(dir: &FilePath) -> Result<Vec<(String, String)>, ManifestError> {
    let cannot = |path: &FilePath, error: &std::io::Error| {
        let message = format!("cannot be read ({error}): check the path and its permissions");
        ManifestError::whole(&path.display().to_string(), message)
    };
    let entries = std::fs::read_dir(dir).map_err(|error| cannot(dir, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot(dir, &error))?.path();
        if path.extension().is_some_and(|ext| ext == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.display().to_string();
        let size = std::fs::metadata(&path).map_err(|error| cannot(&path, &error))?.len();
        if size > CAP {
            return Err(ManifestError::whole(&name, format!("has {size} bytes; a manifest has at most {CAP}")));
        }
        Ok((name, std::fs::read_to_string(&path).map_err(|error| cannot(&path, &error))?))
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_manifest_loads() {
        let manifests = Manifests::load(None).expect("all are sound");
        assert!(manifests.platforms().any(|platform| platform == "agentunited"));
    }
}
