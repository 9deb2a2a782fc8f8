//! JSON arrays as lines.

use std::io::{self, BufRead, Read};

/// Gives the elements of a JSON array as lines, and lines as they are: an array is not what readers
/// of lines take, and an object may have line breaks in it.
pub(crate) struct Elements<R> {
    source: R,
    depth: u32,
    is_in_string: bool,
    is_escaped: bool,
    buffer: Vec<u8>,
    read: usize,
}

impl<R: BufRead> Elements<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            depth: 0,
            is_in_string: false,
            is_escaped: false,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// What stands in place of a byte.
    fn replaced(&mut self, byte: u8) -> u8 {
        if self.is_in_string {
            let ends = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.is_in_string = !ends;
            return byte;
        }
        match byte {
            b'"' => {
                self.is_in_string = true;
                byte
            }
            b'{' => {
                self.depth += 1;
                byte
            }
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                byte
            }
            // Lists inside of objects stay.
            b'[' | b']' | b',' if self.depth == 0 => b'\n',
            b'\n' | b'\r' if self.depth > 0 => b' ',
            _ => byte,
        }
    }
}

impl<R: BufRead> BufRead for Elements<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
            let mut bytes = std::mem::take(&mut self.buffer);
            let filled = self.source.fill_buf()?;
            let length = filled.len();
            bytes.extend_from_slice(filled);
            self.source.consume(length);
            for byte in &mut bytes {
                *byte = self.replaced(*byte);
            }
            self.buffer = bytes;
        }
        Ok(self.buffer.get(self.read..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.read = self.buffer.len().min(self.read + count);
    }
}

impl<R: BufRead> Read for Elements<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        // Pieces of a few bytes: what is remembered between them counts.
        let source = io::BufReader::with_capacity(3, text.as_bytes());
        let mut read = String::new();
        Elements::new(source).read_to_string(&mut read).unwrap();
        let lines = read.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn an_array_becomes_a_line_an_element() {
        let text = "[\n  {\"a\": [1, 2],\n   \"b\": {}},\n  {\"a\": []}\n]\n";
        assert_eq!(
            lines(text),
            ["{\"a\": [1, 2],    \"b\": {}}", "{\"a\": []}"]
        );
        assert_eq!(lines("[]"), [""; 0]);
    }

    #[test]
    fn lines_and_what_stands_in_strings_stay_as_they_are() {
        let text = "{\"a\":\"],[{\\\\\"}\n{\"b\":\"x\\\"]\"}\n";
        assert_eq!(lines(text), ["{\"a\":\"],[{\\\\\"}", "{\"b\":\"x\\\"]\"}"]);
    }
}
