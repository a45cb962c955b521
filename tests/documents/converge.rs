//! Three documents edited at random, their updates lost, doubled and out of order: after one exchange all say the same.

use agent_bridge::document::{Block, Bounds, Document, Edit, Kind, Place, Shared, diff};
use proptest::prelude::*;

use crate::chance::Chance;
use crate::read;

const WORDS: [&str; 8] = ["alpha", "🙂", "e\u{301}", "two words", "x\r\n", "👩‍👩‍👧", "# Head\n\ntext", "- a\n- b"];

fn replica(client: u64, kind: Kind) -> Document {
    Document::new(client, [], vec![Shared { name: "shared".to_owned(), kind }], Bounds::default())
}

/// Some edit of what is there.
fn some(document: &mut Document, chance: &mut Chance) -> Edit {
    let text = (*chance.pick(&WORDS)).to_owned();
    let blocks: Vec<String> = read(document).blocks.iter().map(Block::text).filter(|text| !text.is_empty()).collect();
    if blocks.is_empty() || chance.once_in(4) {
        return Edit::Append(text);
    }
    let letters: Vec<char> = chance.pick(&blocks).chars().collect();
    let from = chance.below(letters.len());
    let quote: String = letters[from..].iter().take(1 + chance.below(5)).collect();
    match chance.below(4) {
        0 => Edit::Delete(quote),
        1 => Edit::Replace { quote, with: text.replace(['\r', '\n'], " ") },
        2 => Edit::Insert { at: Place::After(quote), text },
        _ => Edit::Insert { at: Place::Before(quote), text },
    }
}

fn converge(kind: Kind, seed: u64, steps: usize) {
    let mut chance = Chance::new(seed);
    let mut replicas: Vec<Document> = (1..=3).map(|client| replica(client, kind)).collect();
    let mut sent: Vec<Vec<u8>> = Vec::new();
    for _ in 0..steps {
        let at = chance.below(3);
        let edit = some(&mut replicas[at], &mut chance);
        if let Ok(done) = replicas[at].edit(&edit) {
            sent.push(done.update);
        }
        for replica in &mut replicas {
            if !sent.is_empty() && !chance.once_in(3) {
                replica.apply(chance.pick::<Vec<u8>>(&sent)).expect("it is taken, or held");
            }
        }
    }
    for _ in 0..2 {
        for (from, to) in [(0, 1), (1, 2), (2, 0), (0, 1)] {
            let vector = replicas[to].state_vector();
            let lacking = replicas[from].lacking(&vector).expect("it is told");
            replicas[to].apply(&lacking).expect("it is taken");
        }
    }
    let texts: Vec<String> = replicas.iter_mut().map(|replica| read(replica).text()).collect();
    assert!(texts[0] == texts[1] && texts[1] == texts[2], "seed {seed}: {texts:#?}");
    // What is kept and opened again is the same.
    let mut again = replica(4, kind);
    again.apply(&replicas[0].full().expect("it is kept")).expect("it is taken");
    assert_eq!(read(&mut again), read(&mut replicas[0]), "seed {seed}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn plain_documents_converge(seed: u64) {
        converge(Kind::Text, seed, 60);
    }

    #[test]
    fn rich_documents_converge(seed: u64) {
        converge(Kind::Fragment, seed, 60);
    }

    /// The difference applied to the old lines gives the new ones.
    #[test]
    fn a_difference_tells_the_way(before in lines(), after in lines()) {
        let told = diff::diff(&before.join("\n"), &after.join("\n"), usize::MAX, usize::MAX);
        let (mut old, mut new) = (before.iter(), Vec::new());
        for line in &told.lines {
            match line {
                diff::Line::Same(count) => new.extend(old.by_ref().take(*count).cloned()),
                diff::Line::Removed(text) => prop_assert_eq!(old.next(), Some(text)),
                diff::Line::Added(text) => new.push(text.clone()),
            }
        }
        prop_assert_eq!(&new, &after);
        prop_assert!(!told.cut);
        let short = diff::diff(&before.join("\n"), &after.join("\n"), 1, 4);
        let changes = short.lines.iter().filter(|line| !matches!(line, diff::Line::Same(_))).count();
        prop_assert!(changes <= 1);
    }
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abc]{1,2}", 0..12)
}
