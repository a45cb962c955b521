//! Bytes of somebody who wants the bridge to fall over.

use std::time::Instant;

use agent_bridge::document::{Applied, Bounds, Document, DocumentError, Edit};

use crate::chance::Chance;
use crate::lib0::numbers;
use crate::recorded::{bytes, text_updates};
use crate::{AGENT, document};

#[test]
fn counts_that_the_bytes_cannot_hold_are_refused_at_once() {
    let most = (1 << 53) - 1;
    let cases = [
        numbers(&[most]),
        numbers(&[200_000_000, 1, 1]),
        numbers(&[1, u64::from(u32::MAX), 5, 0]),
        numbers(&[0, 400_000_000]),
        numbers(&[0, 1, 5, 400_000_000]),
        // Values: a list and a map of four thousand million.
        [numbers(&[1, 1, 5, 0, 8, 1, 1, 65, 1]), vec![117], numbers(&[u64::from(u32::MAX)]), vec![0]].concat(),
        [numbers(&[1, 1, 5, 0, 8, 1, 1, 65, 1]), vec![118], numbers(&[u64::from(u32::MAX)]), vec![0]].concat(),
        // Deleted content and collected content that run over the clock.
        numbers(&[1, 2, 5, 0, 1, 1, 1, 65, 0x7fff_ffff, 1, 1, 1, 65, 5, 0]),
        numbers(&[1, 1, 5, 0x7fff_ffff, 0, 1, 0]),
        numbers(&[0, 1, 5, 1, 0x7fff_ffff, 0x7fff_ffff]),
    ];
    for case in cases {
        let error = document(&[]).apply(&case).expect_err("it is refused");
        assert!(!matches!(error, DocumentError::Broken(_)), "{case:?}: {error}");
    }
}

#[test]
fn values_and_nodes_inside_each_other_without_end_are_refused() {
    let mut deep = numbers(&[1, 1, 5, 0, 8, 1, 1, 65, 1]);
    for _ in 0..100_000 {
        deep.extend([117, 1]);
    }
    deep.extend([126, 0]);
    assert!(matches!(document(&[]).apply(&deep), Err(DocumentError::TooLarge { .. })));

    // Elements one inside the other; first in one update, then one by one.
    let nest = |from: u64, count: u64| {
        let mut update = numbers(&[1, count, 5, from]);
        for at in from..from + count {
            let parent =
                if at == 0 { numbers(&[7, 1, 1, 65, 3, 1, 65]) } else { numbers(&[7, 0, 5, at - 1, 3, 1, 65]) };
            update.extend(parent);
        }
        update.push(0);
        update
    };
    let error = document(&[]).apply(&nest(0, 50_000)).expect_err("it is refused");
    assert!(matches!(error, DocumentError::TooLarge { what: "the depth of a document", .. }), "{error}");
    let mut step_by_step = document(&[]);
    let refused = (0..1_000).position(|at| step_by_step.apply(&nest(at, 1)).is_err());
    assert_eq!(refused, Some(usize::from(Bounds::default().depth)));
}

#[test]
fn blocks_that_build_on_each_other_are_refused() {
    // Client 5's block stands behind client 6's, which stands behind client 5's.
    let circle = [2, 1, 5, 0, 0x84, 6, 0, 1, 65, 1, 6, 0, 0x84, 5, 0, 1, 65, 0];
    let error = document(&[]).apply(&circle).expect_err("it is refused");
    assert!(error.to_string().contains("build on each other"), "{error}");
    let twice = numbers(&[2, 1, 5, 0, 4, 1, 1, 65, 1, 65, 1, 5, 1, 4, 1, 1, 65, 1, 65, 0]);
    assert!(matches!(document(&[]).apply(&twice), Err(DocumentError::Malformed { .. })));
}

#[test]
fn a_document_does_not_grow_over_its_bounds_and_deleting_makes_room() {
    let bounds = Bounds { document: 1_000, blocks: 50, ..Bounds::default() };
    let mut document = Document::new(AGENT, [], Vec::new(), bounds);
    document.apply(&text_updates()[0]).expect("it is taken");
    let mut edits = 0;
    let full = loop {
        match document.edit(&Edit::Append("ten letters".repeat(8))) {
            Ok(_) => edits += 1,
            Err(error) => break error,
        }
    };
    assert!((3..20).contains(&edits), "{edits}: {full}");
    assert!(full.to_string().contains("over the bound"), "{full}");
    let text = crate::read(&mut document).text();
    document.edit(&Edit::Delete(text)).expect("there is always room to delete");
    document.edit(&Edit::Append("ten letters".repeat(8))).expect("there is room again");
}

/// Damaged updates, alone and upon each other, with reading and editing in between.
#[test]
fn damaged_updates_never_panic_here_and_end_in_time() {
    let mut sound = text_updates();
    sound.extend(["rich_update_v1", "values_update", "rich_update_v2"].map(bytes));
    let started = Instant::now();
    let (mut taken, mut broken) = (0, 0);
    for seed in 1..4_000 {
        let mut chance = Chance::new(seed);
        let mut document = document(&[]);
        for _ in 0..=chance.below(3) {
            let mut update = chance.pick(&sound).clone();
            for _ in 0..chance.below(4) {
                let at = chance.below(update.len());
                match chance.below(3) {
                    0 => update[at] = chance.byte(),
                    1 => update.truncate(at.max(1)),
                    _ => update[at] ^= 1 << chance.below(8),
                }
            }
            match document.apply(&update) {
                Ok(Applied::Changed) => taken += 1,
                Err(DocumentError::Broken(_)) => broken += 1,
                _ => {}
            }
            let _ = document.read();
            let _ = document.edit(&Edit::Append("# still\n\nhere".to_owned()));
            let _ = document.lacking(&update);
        }
    }
    assert!(taken > 500, "{taken}");
    println!("{taken} taken, {broken} broke their document, {:?}", started.elapsed());
}

#[test]
fn many_insertions_at_one_place_are_bounded_by_their_number() {
    // A chain of n marks, then n more at its start, each with another right neighbour: Yjs looks at each of the chain for each.
    let n: u64 = 1_000;
    let mut update = numbers(&[1, 2 * n, 5, 0]);
    for at in 0..n {
        // Marks do not melt together as letters do.
        if at == 0 {
            update.extend([6, 1, 1, 65, 1, 65, 1, 49]);
        } else {
            update.extend([vec![0x86], numbers(&[5, at - 1]), vec![1, 65, 1, 49]].concat());
        }
    }
    for at in 0..n {
        update.extend([vec![0x46], numbers(&[5, n - 1 - at]), vec![1, 65, 1, 49]].concat());
    }
    update.push(0);
    let bounds = Bounds { blocks: 1_999, ..Bounds::default() };
    let refused = Document::new(AGENT, [], Vec::new(), bounds).apply(&update);
    assert_eq!(refused, Err(DocumentError::TooLarge { what: "the number of blocks in an update", bound: 1_999 }));
    assert_eq!(document(&[]).apply(&update), Ok(Applied::Changed));
}
