//! What `docs/faults.md` promises about this matrix: every row has its tests, every test has its row, every name stands.

use std::collections::BTreeSet;
use std::path::Path;

/// Rows of the matrix.
const ROWS: u32 = 41;
/// What a cell says instead of a test: the platform that the row needs is not here yet.
const COMES: &str = "comes with `";

/// A file below `tests/` and a function in it.
type Name = (String, String);

/// The page, and what it says.
struct Page(String);

impl Page {
    fn read() -> Self {
        Self(std::fs::read_to_string("docs/faults.md").expect("docs/faults.md stands"))
    }

    /// The cells of each line of the table under a heading.
    fn table(&self, heading: &str) -> Vec<Vec<&str>> {
        let (_, after) = self.0.split_once(heading).expect("the heading stands");
        let part = after.split("\n## ").next().unwrap_or_default();
        let lines = part.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        lines.skip(1).map(|line| line.split(" | ").map(str::trim).collect()).collect()
    }

    fn rows(&self) -> Vec<Vec<&str>> {
        self.table("\n## The matrix\n")
    }

    fn attacks(&self) -> Vec<Vec<&str>> {
        self.table("\n## Attacks\n")
    }
}

/// What a text names as `file.rs::function`.
fn names(text: &str) -> BTreeSet<Name> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|it| it.split_once(".rs::")).map(|(file, name)| (format!("{file}.rs"), name.to_owned())).collect()
}

/// Functions of the matrix's own files whose name begins so.
fn tests(folder: &Path, prefix: &str, into: &mut BTreeSet<Name>) {
    for entry in std::fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests(&path, prefix, into);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a test");
        let file = path.strip_prefix("tests").expect("below tests").display().to_string();
        let functions =
            text.lines().filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "));
        let named = functions.filter_map(|rest| rest.split(['(', '<']).next()).filter(|name| name.starts_with(prefix));
        into.extend(named.map(|name| (file.clone(), name.to_owned())));
    }
}

fn all(prefix: &str) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    tests(Path::new("tests/faults"), prefix, &mut found);
    found
}

#[test]
fn every_row_has_its_tests_or_the_platform_that_it_comes_with() {
    let page = Page::read();
    let numbers: Vec<String> = page.rows().iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(numbers, (1..=ROWS).map(|row| row.to_string()).collect::<Vec<_>>(), "the rows in order");
    for row in page.rows() {
        let number: u32 = row[0].parse().expect("a number");
        let own = format!("row_{number:02}_");
        let shown = names(row[3]).iter().any(|(_, name)| name.starts_with(&own));
        assert!(shown || row[3].contains(COMES), "row {number} has neither a test {own}… nor a reason");
    }
    for row in page.attacks() {
        let reason = row[2].contains(COMES);
        assert!(reason || !names(row[2]).is_empty(), "`{}` has neither a test nor a reason", row[0]);
    }
}

#[test]
fn every_test_of_the_matrix_stands_in_its_row() {
    let page = Page::read();
    for row in page.rows() {
        let number: u32 = row[0].parse().expect("a number");
        let (shown, controls) = (names(row[3]), names(row.get(4).copied().unwrap_or_default()));
        for test in all(&format!("row_{number:02}_")) {
            let cell = if test.1.contains("_control_") { &controls } else { &shown };
            assert!(cell.contains(&test), "row {number} does not name {}::{} where it belongs", test.0, test.1);
        }
    }
    let of_rows: BTreeSet<Name> = page.rows().iter().flat_map(|row| names(&row.join(" "))).collect();
    let strange: Vec<_> = all("row_").difference(&of_rows).cloned().collect();
    assert!(strange.is_empty(), "these belong to no row: {strange:?}");
    let of_attacks: BTreeSet<Name> = page.attacks().iter().flat_map(|row| names(row[2])).collect();
    let strange: Vec<_> = all("attack_").difference(&of_attacks).cloned().collect();
    assert!(strange.is_empty(), "the table of attacks does not name {strange:?}");
}

#[test]
fn every_name_on_the_page_stands() {
    let page = Page::read();
    let named = names(&page.0);
    assert!(!named.is_empty());
    for (file, name) in named {
        let text =
            std::fs::read_to_string(Path::new("tests").join(&file)).unwrap_or_else(|_| panic!("no tests/{file}"));
        let stands = text.contains(&format!("fn {name}(")) && !name.is_empty();
        assert!(stands, "tests/{file} has no test `{name}`");
    }
}

#[test]
fn what_ci_may_skip_is_what_the_page_says() {
    let (page, ci) = (Page::read().0, std::fs::read_to_string(".ci/run").expect(".ci/run stands"));
    assert!(ci.contains("export FAULTS_MAY_SKIP=\"6 18\""), ".ci/run says what may be skipped");
    assert!(page.contains("rows 6 and 18"), "so does docs/faults.md");
}
