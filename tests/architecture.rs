//! Holds the arrows of the house: a module uses only what `src/lib.rs` draws, and ARCHITECTURE.md names every module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The block of `src/lib.rs` between "```text arrows" and "```": `module → module module …`.
fn drawn() -> Arrows {
    let map = std::fs::read_to_string("src/lib.rs").expect("src/lib.rs stands");
    let block = map.split("```text arrows").nth(1).and_then(|rest| rest.split("```").next()).expect("the map stands");
    let lines = block.lines().filter_map(|line| line.trim_start_matches("//!").trim().split_once('→'));
    lines.map(|(from, to)| (from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect())).collect()
}

/// Every module that `text` reaches through `crate::`, in `use` groups as well as in paths.
fn used(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => found.extend(top_level(group).map(|name| word(name.trim()))),
            None => drop(found.insert(word(after))),
        }
    }
    found.retain(|name| name.chars().next().is_some_and(char::is_lowercase));
    found
}

/// The entries of a `use` group, commas inside nested groups left alone.
fn top_level(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let end = group.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth < 0).then_some(at)
    });
    let mut depth = 0;
    group[..end.unwrap_or(group.len())].split(move |c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    })
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

fn module(path: &Path) -> String {
    let inside = path.strip_prefix("src").expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn forbidden(module: &str, text: &str, drawn: &Arrows) -> Vec<String> {
    let none = BTreeSet::new();
    let allowed = drawn.get(module).unwrap_or(&none);
    used(text).into_iter().filter(|to| to != module && !allowed.contains(to)).collect()
}

#[test]
fn no_arrow_that_the_map_does_not_draw() {
    let (drawn, mut files) = (drawn(), Vec::new());
    sources(Path::new("src"), &mut files);
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("lib.rs")) {
        let text = std::fs::read_to_string(file).expect("a source");
        // A binary reaches the library by its name.
        let text = if file.ends_with("main.rs") { text.replace("agent_bridge::", "crate::") } else { text };
        for to in forbidden(&module(file), &text, &drawn) {
            wrong.push(format!("{} → {to}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "arrows that src/lib.rs does not draw:\n{}", wrong.join("\n"));
}

/// What a source says of platforms, but for its comments, its tests, and how a command is typed.
fn spoken(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines();
    let code = code
        .map(|line| line.split("//").next().unwrap_or_default())
        .filter(|line| !line.contains("agent-bridge join "));
    code.collect::<Vec<_>>().join("\n").to_lowercase()
}

#[test]
fn no_source_names_a_platform_but_the_demo_and_the_simulators() {
    let names: Vec<String> = std::fs::read_dir("adapters")
        .expect("the manifests stand")
        .filter_map(|entry| entry.expect("an entry").file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let plays = |file: &&PathBuf| {
        let file = file.to_string_lossy();
        !["src/cli/demo", "src/cli/sim"].iter().any(|plays| file.starts_with(plays)) && !file.ends_with("tests.rs")
    };
    let mut wrong = Vec::new();
    for file in files.iter().filter(plays) {
        let text = spoken(&std::fs::read_to_string(file).expect("a source"));
        let words: BTreeSet<&str> = text.split(|sign: char| !sign.is_alphanumeric()).collect();
        let spoken_of = names.iter().filter(|name| words.contains(name.as_str()));
        wrong.extend(spoken_of.map(|name| format!("{}: {name}", file.display())));
    }
    assert!(wrong.is_empty(), "a platform is a manifest, and these name one:\n{}", wrong.join("\n"));
}

#[test]
fn the_map_has_no_circle() {
    let drawn = drawn();
    for start in drawn.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(at) = open.pop() {
            for to in drawn.get(&at).into_iter().flatten() {
                assert_ne!(to, start, "{start} reaches itself through {at}");
                if seen.insert(to.clone()) {
                    open.push(to.clone());
                }
            }
        }
    }
}

#[test]
fn a_forbidden_arrow_is_seen() {
    let text = std::fs::read_to_string("tests/fixtures/forbidden_arrow.rs").expect("the fixture stands");
    assert_eq!(forbidden("event", &text, &drawn()), ["deliver", "store"]);
}

#[test]
fn the_map_and_the_page_name_every_module_and_every_module_stands() {
    let (drawn, page) = (drawn(), std::fs::read_to_string("ARCHITECTURE.md").expect("ARCHITECTURE.md stands"));
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let modules: BTreeSet<String> = files.iter().map(|file| module(file)).filter(|name| name != "lib").collect();
    let named: BTreeSet<String> = drawn.keys().cloned().collect();
    assert_eq!(named, modules, "the map of src/lib.rs against the folders of src/");
    for name in modules {
        assert!(page.contains(&format!("| `{name}` |")), "ARCHITECTURE.md has no line for `{name}`");
    }
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|rest| rest.split('`').next()) {
        assert!(drawn.contains_key(row), "ARCHITECTURE.md names `{row}`, which does not stand");
    }
}
