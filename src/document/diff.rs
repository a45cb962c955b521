//! What changed between two readings, line by line, in bounded time.

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Was there before, is not there now.
    Removed(String),
    /// Is there now, was not there before.
    Added(String),
    /// So many lines that are the same.
    Same(usize),
}

/// A difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Its lines in order.
    pub lines: Vec<Line>,
    /// More has changed than is told.
    pub cut: bool,
}

/// Lines compared with lines: beyond it what lies between the first and the last change counts as changed.
const COMPARED: usize = 1_000_000;

/// The difference of two texts in at most `most` lines and `bytes` bytes of text.
pub fn diff(before: &str, after: &str, most: usize, bytes: usize) -> Diff {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut lines = Lines { diff: Diff::default(), most, bytes };
    lines.same(head);
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], &mut lines);
    lines.same(tail);
    lines.diff
}

struct Lines {
    diff: Diff,
    most: usize,
    bytes: usize,
}

impl Lines {
    fn same(&mut self, count: usize) {
        match self.diff.lines.last_mut() {
            Some(Line::Same(before)) => *before += count,
            _ if count > 0 => self.diff.lines.push(Line::Same(count)),
            _ => {}
        }
    }

    fn changed(&mut self, text: &str, line: fn(String) -> Line) {
        if self.most == 0 || text.len() > self.bytes {
            self.diff.cut = true;
            return;
        }
        self.most -= 1;
        self.bytes -= text.len();
        self.diff.lines.push(line(text.to_owned()));
    }
}

/// By the longest lines in common, where that is cheap.
fn middle(old: &[&str], new: &[&str], lines: &mut Lines) {
    if old.is_empty() || new.is_empty() || old.len().saturating_mul(new.len()) > COMPARED {
        for text in old {
            lines.changed(text, Line::Removed);
        }
        for text in new {
            lines.changed(text, Line::Added);
        }
        return;
    }
    let wide = new.len() + 1;
    // common[i * wide + j]: how many lines old[i..] and new[j..] have in common.
    let mut common = vec![0_u32; (old.len() + 1) * wide];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * wide + j] = if old[i] == new[j] {
                common[(i + 1) * wide + j + 1] + 1
            } else {
                common[(i + 1) * wide + j].max(common[i * wide + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.same(1);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[(i + 1) * wide + j] >= common[i * wide + j + 1]) {
            lines.changed(old[i], Line::Removed);
            i += 1;
        } else {
            lines.changed(new[j], Line::Added);
            j += 1;
        }
    }
}

impl std::fmt::Display for Diff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.lines {
            match line {
                Line::Removed(text) => writeln!(f, "-{text}")?,
                Line::Added(text) => writeln!(f, "+{text}")?,
                Line::Same(count) => writeln!(f, "@ {count}")?,
            }
        }
        if self.cut { writeln!(f, "… more") } else { Ok(()) }
    }
}
