//! Splits what a peer sends into lines, in bounded memory: a line over the cap is skipped and told.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its end; never empty.
    Whole(Bytes),
    /// A line over the cap began; the rest of it will be skipped.
    TooLong,
}

/// The lines of a peer. What stands behind the last newline when the peer closes is no line.
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
    buffer: BytesMut,
    /// Bytes of `buffer` in which no newline is.
    seen: usize,
    cap: usize,
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most `cap` bytes.
    pub fn new(from: R, cap: usize) -> Self {
        Self { from, buffer: BytesMut::with_capacity(8 << 10), seen: 0, cap, skipping: false }
    }

    /// The next line; `None` at the end. Cancel safe.
    pub async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.split() {
                return Ok(Some(line));
            }
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Takes a line out of the buffer, if one is whole or already too long.
    fn split(&mut self) -> Option<Line> {
        loop {
            let Some(at) = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n') else {
                self.seen = self.buffer.len();
                return self.overflow();
            };
            let line = self.buffer.split_to(self.seen + at).freeze();
            self.buffer.advance(1);
            self.seen = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if line.len() > self.cap {
                return Some(Line::TooLong);
            }
            let line = line.strip_suffix(b"\r").map_or_else(|| line.clone(), |start| line.slice_ref(start));
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Line::Whole(line));
            }
        }
    }

    fn overflow(&mut self) -> Option<Line> {
        if self.buffer.len() <= self.cap {
            return None;
        }
        self.buffer.clear();
        self.seen = 0;
        let told = std::mem::replace(&mut self.skipping, true);
        (!told).then_some(Line::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], cap: usize) -> Vec<Line> {
        let mut lines = Lines::new(text, cap);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn lines_end_with_lf_or_crlf_and_empty_ones_are_nothing() {
        assert_eq!(lines(b"a\r\n\n  \nbc\nrest", 10).await, [whole("a"), whole("bc")]);
    }

    #[tokio::test]
    async fn a_line_over_the_cap_is_told_once_and_skipped() {
        let mut text = vec![b'x'; 100_000];
        text.extend_from_slice(b"\nok\n");
        assert_eq!(lines(&text, 1_000).await, [Line::TooLong, whole("ok")]);
        assert_eq!(lines(b"12345\n123456\n1\n", 5).await, [whole("12345"), Line::TooLong, whole("1")]);
    }
}
