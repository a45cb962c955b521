//! What each platform promises, one checked-in line per route, status, error text and field fact.
//!
//! A simulator records which lines it served; a test fails while one was not.

use std::collections::BTreeSet;

/// The lines of `agentunited`: `id | request | status | says | source`.
pub const AGENTUNITED: &str = include_str!("../contract/agentunited.txt");
/// The lines of `speakeasy`, but for its cable and its webhooks.
pub const SPEAKEASY: &str = include_str!("../contract/speakeasy.txt");

/// The lines of `agentworkspace`.
pub const AGENTWORKSPACE: &str = include_str!("../contract/agentworkspace.txt");
/// The lines of `office`.
pub const OFFICE: &str = include_str!("../contract/office.txt");

/// One line of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its stable name, which the simulator records when it serves the line.
    pub id: &'static str,
    /// Method and route, or `stream`.
    pub request: &'static str,
    /// The status; `-` where the line is not about one.
    pub status: &'static str,
    /// The error's text or the fact.
    pub says: &'static str,
    /// `document` (and its section), `notes`, or `choice` where neither settles it.
    pub source: &'static str,
}

/// The lines of a contract, in order; blank lines and `#` comments are passed over.
pub fn lines(contract: &'static str) -> impl Iterator<Item = Line> {
    contract.lines().filter_map(|line| {
        let mut fields = line.split('|').map(str::trim);
        let id = fields.next().filter(|id| !id.is_empty() && !id.starts_with('#'))?;
        Some(Line { id, request: fields.next()?, status: fields.next()?, says: fields.next()?, source: fields.next()? })
    })
}

/// The ids of a contract that are not among `served`.
pub fn unserved(contract: &'static str, served: &BTreeSet<&'static str>) -> Vec<&'static str> {
    lines(contract).map(|line| line.id).filter(|id| !served.contains(id)).collect()
}
