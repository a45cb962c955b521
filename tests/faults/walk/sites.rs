//! No failpoint is forgotten: each has one call site, and whatever lasts or leaves stands between two of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use agent_bridge::failpoint::Point;

/// What lasts or leaves, as the sources write it.
const DEEDS: &[&str] = &[
    ".commit()",
    "Database::close",
    "gate.open()",
    "sync_all()",
    "sync_directory(",
    "fs::rename(",
    "renameat_with(",
    "hard_link(",
    ".send().await",
    "execute(",
    "TcpStream::connect(",
    "hyper::",
];

/// Functions in which a deed may stand alone, and why.
const ALONE: &[(&str, &str, &str)] = &[
    ("src/document/replica.rs", "change", "a transaction in memory: nothing of it is durable"),
    ("src/store/vault.rs", "sync_directory", "each of its callers stands between two points"),
    ("src/cli/client.rs", "ask", "the command line asks its own daemon: nothing leaves the machine"),
    ("src/cli/client.rs", "feed", "likewise"),
];

/// What a walk through a source meets.
#[derive(Debug, PartialEq, Eq)]
enum Met<'t> {
    Function(&'t str),
    Point(&'t str),
    Deed(&'t str),
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Functions, points and deeds of a source in the order in which they stand; neither comments nor its unit tests.
fn walk(source: &str) -> Vec<Met<'_>> {
    let mut met = Vec::new();
    for line in source.split("#[cfg(test)]").next().unwrap_or_default().lines() {
        let code = line.split("//").next().unwrap_or_default();
        let function = code.trim_start().split("fn ").nth(1).filter(|_| !code.contains('"')).map(word);
        if let Some(name) = function {
            met.push(Met::Function(name));
        } else if let Some(point) = code.split("reach(Point::").nth(1) {
            met.push(Met::Point(word(point)));
        } else if !code.trim_start().starts_with("use ") {
            met.extend(DEEDS.iter().filter(|deed| code.contains(**deed)).map(|deed| Met::Deed(deed)));
        }
    }
    met
}

/// Deeds that do not stand between a point's before and its after.
fn bare(file: &str, source: &str) -> Vec<String> {
    let met = walk(source);
    let no_deed = |met: &&Met<'_>| !matches!(met, Met::Deed(_));
    let mut function = "";
    let mut bare = Vec::new();
    for (at, one) in met.iter().enumerate() {
        match one {
            Met::Function(name) => function = name,
            Met::Point(_) => {}
            Met::Deed(deed) => {
                let before = match met[..at].iter().rfind(no_deed) {
                    Some(Met::Point(point)) => point.strip_suffix("Before"),
                    _ => None,
                };
                let after = match met[at..].iter().find(no_deed) {
                    Some(Met::Point(point)) => point.strip_suffix("After"),
                    _ => None,
                };
                let alone = ALONE.iter().any(|(where_, name, _)| (*where_, *name) == (file, function));
                if !alone && (before.is_none() || before != after) {
                    bare.push(format!("{file}, fn {function}: `{deed}`"));
                }
            }
        }
    }
    bare
}

fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            into.push((path.display().to_string(), text));
        }
    }
}

fn house() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(Path::new("src"), &mut found);
    found
}

#[test]
fn each_failpoint_has_one_call_site_and_each_call_site_a_failpoint() {
    let mut sites: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, source) in house() {
        for met in walk(&source) {
            if let Met::Point(point) = met {
                sites.entry(point.to_owned()).or_default().push(file.clone());
            }
        }
    }
    for point in Point::ALL {
        let at = sites.remove(&format!("{point:?}")).unwrap_or_default();
        assert_eq!(at.len(), 1, "{point:?} is reached at {at:?}");
    }
    assert!(sites.is_empty(), "these are no points: {sites:?}");
}

#[test]
fn every_commit_and_every_request_stands_between_two_failpoints() {
    let bare: Vec<String> = house().iter().flat_map(|(file, source)| bare(file, source)).collect();
    assert!(bare.is_empty(), "add a Point before and after each of these:\n{}", bare.join("\n"));
}

#[test]
fn a_commit_or_request_without_failpoints_is_seen() {
    let fixture = std::fs::read_to_string("tests/fixtures/without_failpoints.rs").expect("the fixture stands");
    let wanted = ["bare: `.commit()`", "half: `.send().await`", "crossed: `fs::rename(`", "late: `sync_all()`"];
    assert_eq!(bare("it", &fixture), wanted.map(|deed| format!("it, fn {deed}")));
}

#[test]
fn an_exception_that_nobody_needs_is_seen() {
    let house = house();
    for (file, function, why) in ALONE {
        let source = house.iter().find(|(path, _)| path == file).map_or("", |(_, source)| source);
        let mut at = "";
        let needed = walk(source).into_iter().any(|met| match met {
            Met::Function(name) => {
                at = name;
                false
            }
            Met::Deed(_) => at == *function,
            Met::Point(_) => false,
        });
        assert!(needed, "{file}, fn {function} ({why}) has nothing that stands alone");
    }
}
