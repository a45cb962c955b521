//! Refuses a manifest that costs its reader far more than its size: aliases of aliases can name more than a memory
//! holds, and the time for brackets within brackets grows with their square.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::error::ManifestError;

/// What a manifest may unfold to, each value counted with its text and one: 4 MiB, where a file has 1 MiB at most.
const CAP: usize = 4 << 20;

/// The deepest that brackets may stand within each other; the reader itself follows no more.
const DEPTH: usize = 128;

/// What is over a bound; everything else is the reader's to tell.
pub(super) fn check(file: &str, source: &str) -> Result<(), ManifestError> {
    let refused = |line, message| ManifestError { file: file.to_owned(), line, key: String::new(), message };
    if let Some(line) = too_deep(source) {
        return Err(refused(line, format!("over {DEPTH} `[` or `{{` are open here: close them")));
    }
    let left = Cell::new(Some(CAP));
    // Walks the document once as its reader would, without keeping anything.
    let walked = Walk(&left).deserialize(serde_yaml::Deserializer::from_str(source));
    let Err(error) = walked else { return Ok(()) };
    // The reader itself follows so many aliases, whatever they stand for, and then says this.
    if left.get().is_some() && !error.to_string().starts_with("repetition limit") {
        return Ok(());
    }
    let line = error.location().map_or(0, |at| at.line());
    Err(refused(line, format!("what its aliases stand for is over {CAP} bytes: use fewer of them")))
}

/// The line on which too many brackets are open, quoted or not: no text that people write has so many.
fn too_deep(source: &str) -> Option<usize> {
    let mut open = 0_usize;
    let at = source.bytes().position(|byte| {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > DEPTH
    })?;
    Some(source[..at].matches('\n').count() + 1)
}

/// What is left of the cap; `None` once it was reached.
#[derive(Clone, Copy)]
struct Walk<'a>(&'a Cell<Option<usize>>);

impl Walk<'_> {
    fn count<E: Error>(self, length: usize) -> Result<(), E> {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(length + 1)));
        self.0.get().map(drop).ok_or_else(|| E::custom("over the cap"))
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.count(0)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.count(0)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.count(0)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.count(0)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.count(0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.count(text.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.count(0)?;
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.count(0)?;
        while map.next_entry_seed(self, self)?.is_some() {}
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let ((), content) = tagged.variant_seed(self)?;
        content.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is ten times the one before.
    fn laughs(lines: usize) -> String {
        let mut source = "l0: &l0 ha\n".to_owned();
        for line in 1..lines {
            let again = vec![format!("*l{}", line - 1); 10].join(", ");
            let text = format!("l{line}: &l{line} [{again}]\n");
            source.push_str(&text);
        }
        source
    }

    #[test]
    fn p10_aliases_that_unfold_without_end_are_refused_by_name() {
        let big = |what: &str, times| format!("a: &a [{what}]\nb:\n{}", "- *a\n".repeat(times));
        for bomb in [laughs(7), laughs(12), big(&"x".repeat(50_000), 500), big(&"x,".repeat(5_000), 5_000)] {
            let error = check("a.yaml", &bomb).expect_err("a bomb").to_string();
            assert!(error.starts_with("a.yaml:") && error.contains("aliases"), "{error}");
        }
    }

    #[test]
    fn p10_brackets_within_brackets_are_refused_before_they_are_read() {
        for open in ["[", "{ a: ", "&a [\n", "\"{\" "] {
            let error = check("a.yaml", &open.repeat(200_000)).expect_err("too deep").to_string();
            assert!(error.starts_with("a.yaml:1") && error.contains("are open here"), "{error}");
        }
    }

    #[test]
    fn what_people_write_is_far_below() {
        check("a.yaml", &laughs(4)).expect("a thousand");
        check("a.yaml", "a: &a !tag { b: [1, -1, 1.5, ~, true, x] }\nc: *a\n").expect("a few");
        check("a.yaml", "a: [").expect("not what is looked for here");
    }
}
