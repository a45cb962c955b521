//! Refuses a manifest that unfolds to far more than its file: aliases of aliases can name more than a memory holds.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::error::ManifestError;

/// What a manifest may unfold to, each value counted with its text and one: 4 MiB, where a file has 1 MiB at most.
const CAP: usize = 4 << 20;

/// Walks the document once as its reader would, without keeping anything. Other errors are the reader's to tell.
pub(super) fn check(file: &str, source: &str) -> Result<(), ManifestError> {
    let left = Cell::new(Some(CAP));
    let walked = Walk(&left).deserialize(serde_yaml::Deserializer::from_str(source));
    let Err(error) = walked else { return Ok(()) };
    // The reader itself follows so many aliases, whatever they stand for, and then says this.
    if left.get().is_some() && !error.to_string().starts_with("repetition limit") {
        return Ok(());
    }
    let line = error.location().map_or(0, |at| at.line());
    let message = format!("what its aliases stand for is over {CAP} bytes: use fewer of them");
    Err(ManifestError { file: file.to_owned(), line, key: String::new(), message })
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
            source.push_str(&format!("l{line}: &l{line} [{again}]\n"));
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
    fn what_people_write_is_far_below() {
        check("a.yaml", &laughs(4)).expect("a thousand");
        check("a.yaml", "a: &a !tag { b: [1, -1, 1.5, ~, true, x] }\nc: *a\n").expect("a few");
        check("a.yaml", "a: [").expect("not what is looked for here");
    }
}
