//! One story, killed at every failpoint: the daemon dies there by SIGKILL, is started again, and the story goes on.
//!
//! The points are taken from a run in which nothing dies. Of those that are reached often, the first, one in the
//! middle and the last are walked; all of them where `FAULT_CYCLES` says so.

mod draft;
mod life;
mod old;
mod sites;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use agent_bridge::failpoint::Point;
use futures_util::stream::{self, StreamExt};

use self::life::Life;
use crate::matrix;

/// Stories at a time: each waits more than it computes.
const TOGETHER: usize = 3;

/// A point, and at which time it kills.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    point: Point,
    time: usize,
}

impl Cut {
    /// As `AGENT_BRIDGE_KILL_AT` wants it.
    fn word(self) -> String {
        format!("{}@{}", self.point.name(), self.time)
    }
}

/// How often a run has reached each point.
fn reached(file: &Path) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for name in std::fs::read_to_string(file).expect("something was reached").lines() {
        *times.entry(name.to_owned()).or_default() += 1;
    }
    times
}

/// Where to kill a story that reaches its points so often.
fn cuts(times: &BTreeMap<String, usize>) -> Vec<Cut> {
    cuts_of(times, Point::ALL, 3)
}

/// The same at these points, and so many times of each.
fn cuts_of(times: &BTreeMap<String, usize>, points: &[Point], normal: usize) -> Vec<Cut> {
    let of = |point: Point| {
        let most = times.get(point.name()).copied().unwrap_or_default();
        let count = matrix::cycles(normal).min(most);
        (0..count).map(move |n| Cut { point, time: 1 + n * (most - 1) / (count - 1).max(1) })
    };
    points.iter().copied().flat_map(of).collect()
}

#[tokio::test]
async fn a_daemon_killed_at_any_failpoint_loses_doubles_and_swaps_nothing() {
    let (life, old) = (Life::untouched().await, old::untouched().await);
    let walked: BTreeSet<&str> = life.keys().chain(old.keys()).map(String::as_str).collect();
    let all: BTreeSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
    assert_eq!(walked, all, "every point is reached by a story: add what leads there to walk/life.rs or walk/old.rs");
    let (of_old, of_life) = (cuts(&old), cuts(&life));
    eprintln!("the walk: {} points, reached {life:?} and {old:?}; {} cuts", all.len(), of_old.len() + of_life.len());
    for cut in of_old {
        old::is_cut_off(cut).await;
    }
    stream::iter(of_life).for_each_concurrent(TOGETHER, Life::is_cut_off).await;
}

#[test]
fn the_first_the_last_and_one_in_the_middle_are_walked() {
    let name = Point::HttpRequestAfter.name().to_owned();
    for (most, wanted) in [(1, vec![1]), (2, vec![1, 2]), (3, vec![1, 2, 3]), (40, vec![1, 20, 40])] {
        if matrix::cycles(3) == 3 {
            let walked: Vec<usize> = cuts(&BTreeMap::from([(name.clone(), most)])).iter().map(|cut| cut.time).collect();
            assert_eq!(walked, wanted);
        }
    }
}
