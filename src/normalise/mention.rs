//! Whether a text names the agent: one of its names, as a whole word.

/// Whether one of the names (in lower case) stands in the text as a whole word, upper and lower case being the same.
pub(super) fn names_one(text: &str, names: &[String]) -> bool {
    if names.is_empty() {
        return false;
    }
    let text = text.to_lowercase();
    names.iter().any(|name| stands_in(&text, name))
}

fn stands_in(text: &str, name: &str) -> bool {
    let mut from = 0;
    while let Some(at) = text[from..].find(name).map(|at| at + from) {
        let end = at + name.len();
        let before = joined(text[..at].chars().next_back(), name.chars().next());
        let after = joined(name.chars().next_back(), text[end..].chars().next());
        if !before && !after {
            return true;
        }
        from = at + name.chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// Both belong to one word.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    left.zip(right).is_some_and(|(left, right)| in_word(left) && in_word(right) && !unspaced(left) && !unspaced(right))
}

/// Letters, digits, `_`, and the marks that are set on letters.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || matches!(c, '\u{300}'..='\u{36f}' | '\u{200d}')
}

/// Scripts that put no space between words, so that a name may touch what follows it.
const fn unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_as_a_whole_word_only() {
        let names = ["scout".to_owned(), "ünal bot".to_owned(), "小助手".to_owned()];
        for yes in [
            "Scout?",
            "hey @SCOUT, look",
            "scout",
            "x (scout)",
            "Ünal Bot: go",
            "请小助手看看",
            "rescout scout",
            "scout's",
        ] {
            assert!(names_one(yes, &names), "{yes}");
        }
        for no in ["scouting", "boyscout", "scout_2", "scou", "", "ünal bots", "scout\u{301}", "éscout"] {
            assert!(!names_one(no, &names), "{no}");
        }
    }
}
